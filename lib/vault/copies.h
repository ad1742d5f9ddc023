/* SPDX-License-Identifier: Apache-2.0 */
/* The two copies of the device part, and committing a new one. What is in a payload is not known
 * here. */
#ifndef HOLDFAST_VAULT_COPIES_H
#define HOLDFAST_VAULT_COPIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vault;
struct vault_copy;

/* What names a commit: hardware that keeps a record of the vault keeps this. */
struct vault_commit_id {
	uint64_t sequence;
	uint8_t payload_sha256[32];
};

/* A payload as it is on the medium; borrowed from the vault, valid until the next commit. */
struct vault_payload {
	const uint8_t *bytes;
	size_t len;
	struct vault_commit_id id;
};

/* The payload of the copy that counts. False: neither copy is good. */
bool vault_active_payload(const struct vault *v, struct vault_payload *ret);
/* The payload of copy 0 or 1. False: that copy is not good. */
bool vault_copy_payload(const struct vault *v, int index, struct vault_payload *ret);
/* Both copies are good and the same, header and payload. */
bool vault_copies_agree(const struct vault *v);
/* Copy @index counts, whichever is newer. True: another one counted before. */
bool vault_choose(struct vault *v, int index);
/* Which copy counts cannot be told: repairing leaves both alone until vault_choose(). */
void vault_leave_undecided(struct vault *v);

/*
 * Called once the first copy of a commit is durable. The other copy still holds what was before;
 * it is written only if this returns 0 or more.
 */
struct vault_commit_hook {
	int (*durable)(void *ctx, const struct vault_commit_id *id);
	void *ctx;
	uint64_t least_sequence; /* of the commit: hardware has recorded all below it */
};
/* Both copies hold @payload afterwards: the inactive one is written first, then @hook (or NULL) is
 * called, then the other one is written. A copy that holds @payload already is not written. */
int vault_commit(struct vault *v, const void *payload, size_t len,
		 const struct vault_commit_hook *hook);

/* --- for lib/vault --- */

int vault_load_copies(struct vault *v);
void vault_drop_copies(struct vault *v);
const struct vault_copy *vault_active(const struct vault *v); /* NULL: neither is good */

#endif
