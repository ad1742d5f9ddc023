/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of lib/vault share. */
#ifndef HOLDFAST_VAULT_PRIVATE_H
#define HOLDFAST_VAULT_PRIVATE_H

#include "base/array.h"
#include "base/text.h"
#include "format/vault.h"
#include "vault/vault.h"

struct vault_copy {
	bool good;
	const char *why; /* not good; static */
	struct vault_copy_header header;
	uint8_t *payload;
};

struct vault {
	struct journal journal; /* first: the engine's handle */
	struct io *target;
	struct extent extent;
	struct vault_regions regions;
	struct vault_copy copy[2];
	int chosen;     /* 1 + index of the copy that the hardware names; 0: the newer one counts */
	bool undecided; /* the copies differ, and the hardware that knows which counts was not asked
			 */
	/* journal */
	bool has_plan;
	struct vault_plan_header plan;
	bool header_good[2];
	ARRAY(struct vault_record) latest; /* of each step */
	uint64_t next_sequence;
	unsigned half;     /* that is written to */
	uint64_t position; /* next record in it */
};

int vault_io(struct vault *v, int r, const char *doing, uint64_t offset, uint64_t len);
int vault_read(struct vault *v, void *buf, size_t len, uint64_t offset); /* offsets in the vault */
int vault_write(struct vault *v, const void *buf, size_t len, uint64_t offset);
int vault_flush(struct vault *v);

/* vault.c: the copies. */
int vault_load_copies(struct vault *v);
const struct vault_copy *vault_active(const struct vault *v);
int vault_active_index(const struct vault *v); /* -1: neither is good */
/* Both copies hold @payload afterwards; the inactive one is written first. Then the hardware of
 * @keys (NULL: none) is told, and then the other one is written. */
struct vault_keys;
int vault_commit(struct vault *v, const uint8_t *payload, size_t len, struct vault_keys *keys);

/* journal.c */
extern const struct journal_ops vault_journal_ops;
int vault_load_journal(struct vault *v);
int vault_begin_journal(struct vault *v, const struct vault_begun *begun);

/* device-part.c */
int device_part_encode(const struct layout *layout, struct vault_keys *keys, struct text *to);
/* Of what is said of @v and of the keystores: the same as long as nobody changes it. */
int device_part_digest(const struct volume *v, uint8_t ret[static SHA256_BYTES]);
/* Appends one record. */
void device_part_put(struct text *to, unsigned type, const void *value, size_t len);

/* log.c */
int vault_verify_log(struct vault *v, struct report *report);

#endif
