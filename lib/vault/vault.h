/* SPDX-License-Identifier: Apache-2.0 */
/* The vault on a target: two copies of the device part, the journal, the log. It is bytes: keys are
 * lib/keyring's. docs/formats/vault.md */
#ifndef HOLDFAST_VAULT_VAULT_H
#define HOLDFAST_VAULT_VAULT_H

#include "base/io.h"
#include "model/layout.h"
#include "vault/journal.h"

#define VAULT_DEFAULT_OFFSET (1024 * 1024)
#define VAULT_DEFAULT_SIZE   (8 * 1024 * 1024)
#define VAULT_LEAST_SIZE     (1024 * 1024)

struct vault;

/* Looks for a vault in [offset, offset+size) of @target. 1 found, 0 nothing there, -errno. A
 * damaged vault is found if any part of it is recognisable. */
int vault_open(struct io *target, uint64_t offset_bytes, uint64_t size_bytes, struct vault **ret);
/* The same, also where there is nothing yet: for committing to it. 0 or -errno. */
int vault_load(struct io *target, uint64_t offset_bytes, uint64_t size_bytes, struct vault **ret);
/* Begins a plan: writes the journal's header, durable. A device part that is there already is kept
 * until the next commit. What a newer holdfast made is given up: its headers are zeroed after that.
 */
int vault_begin(struct io *target, uint64_t offset_bytes, uint64_t size_bytes,
		const struct vault_begun *begun, struct vault **ret);
struct vault *vault_close(struct vault *v);
void vault_closep(struct vault **v);
#define _cleanup_vault_ __attribute__((cleanup(vault_closep)))

/* HF-NEWER, -ENOTSUP if any copy or the journal was made by a newer holdfast: then nothing else of
 * the vault is believed. 0 if not. */
int vault_refuse_newer(const struct vault *v);

struct extent vault_extent(const struct vault *v);

/* --- for lib/vault --- */

/* A vault of which only a newer header at @offset_bytes is known. 1, or -errno. */
int vault_note_newer(struct io *target, uint64_t offset_bytes, uint32_t version,
		     struct vault **ret);

#endif
