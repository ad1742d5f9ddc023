/* SPDX-License-Identifier: Apache-2.0 */
/* The vault on a target: two copies of the device part, the journal, the log. docs/formats/vault.md
 */
#ifndef HOLDFAST_VAULT_VAULT_H
#define HOLDFAST_VAULT_VAULT_H

#include "base/io.h"
#include "model/journal.h"
#include "model/kinds.h"
#include "model/layer.h"
#include "model/layout.h"
#include "model/lifecycle.h"
#include "model/plan.h"
#include "model/report.h"

#define VAULT_DEFAULT_OFFSET (1024 * 1024)
#define VAULT_DEFAULT_SIZE   (8 * 1024 * 1024)
/* Without a table it is found at these places only. */
#define VAULT_SCAN_STEP  (64 * 1024)
#define VAULT_SCAN_END   (64 * 1024 * 1024)
#define VAULT_LEAST_SIZE (1024 * 1024)

/* What a vault's journal header says of the plan that was begun. */
struct vault_begun {
	bool shared;      /* by provision --shared */
	bool completion;  /* begun on top of a shared image, or from one */
	bool complete;    /* the last step's DONE is there, and the vault was closed */
	uint8_t seed[32]; /* for what is the same on every device */
	uint8_t
	    instance[32]; /* mixed in for what is this device's own; zeroes with a layout's seed */
	uint8_t layout_digest[SHA256_BYTES];
	uint8_t plan_digest[SHA256_BYTES];
	uint64_t capacity_bytes; /* of the target, as planned */
	uint32_t steps;
};

struct vault;
struct vault_keys;

/* Looks for a vault in [offset, offset+size) of @target. 1 found, 0 nothing there, -errno. A vault
 * whose copies are damaged is found where any part of it is recognisable. */
int vault_open(struct io *target, uint64_t offset_bytes, uint64_t size_bytes, struct vault **ret);
/* Where a vault may be when there is no layout: the table's entry of type VAULT, else the default
 * offset, else a header at a multiple of VAULT_SCAN_STEP. 1, 0 or -errno as above. */
int vault_find(struct io *target, struct vault **ret);
struct vault *vault_close(struct vault *v);
void vault_closep(struct vault **v);
#define _cleanup_vault_ __attribute__((cleanup(vault_closep)))

struct extent vault_extent(const struct vault *v);
/* 1 and *@ret, or 0 when no plan was ever begun. */
int vault_begun(struct vault *v, struct vault_begun *ret);

/* Begins (or begins anew) a plan: writes the journal's header, durable, before step 1. The device
 * part that stands there is kept until it is committed anew. */
int vault_begin(struct io *target, uint64_t offset_bytes, uint64_t size_bytes,
		const struct vault_begun *begun, struct vault **ret);
struct journal *vault_journal(struct vault *v);
/* Marks the plan complete, durable. */
int vault_finish(struct vault *v);

/* The step that commits the device part: what `open` and `verify` go by. Appended before the
 * medium's table. */
int vault_plan_commit(struct plan *plan);

/* The device part → a layout without file, with volumes, extents, UUIDs, learned values. 1, 0 when
 * no device part was committed, -errno when damaged beyond use (having spoken). */
int vault_read_layout(struct vault *v, const struct kinds *kinds, struct layout **ret);
/* Commits a device part of @layout and @keys (NULL: none) anew, outside of a plan: after a
 * rotation. */
int vault_commit_layout(struct vault *v, const struct layout *layout, struct vault_keys *keys);

/* Appends to the log (hash-chained; docs/formats/vault.md). */
int vault_log(struct vault *v, const char *event, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Findings about both copies, journal and log. */
int vault_verify(struct vault *v, struct report *report);
/* Appends steps that mend the damaged copy from the good one. */
int vault_plan_repair(struct vault *v, struct plan *plan);

#endif
