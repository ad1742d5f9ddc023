/* SPDX-License-Identifier: Apache-2.0 */
/* What building and checking share: geometry, and hashing runs of blocks; lib/userspace/verity*.c
 * only.
 */
#ifndef HOLDFAST_SOFT_VERITY_PRIVATE_H
#define HOLDFAST_SOFT_VERITY_PRIVATE_H

#include "userspace/verity/verity.h"

/* One worker's hash and read buffer. */
struct verity_worker {
	const struct verity_device *d;
	struct block_digest *digest;
	uint8_t *blocks;
	size_t room_bytes;              /* of blocks: at least one block of either size */
	uint8_t zero[DIGEST_MAX_BYTES]; /* digest of a data block of zeroes */
};

/* @workers share one bound of memory. Speaks; -errno leaves nothing to free. */
int verity_worker_init(const struct verity_device *d, unsigned workers, struct verity_worker *ret);
void verity_worker_free(struct verity_worker *w);

/* How many blocks of @level one read takes. */
uint64_t verity_run_blocks(const struct verity_worker *w, int level);

/* Digests of @n blocks of @level from @first on to @ret, strided as in a hash block. Holes in the
 * data are not read. Silent; on failure some digests are missing. */
int verity_hash_run(struct verity_worker *w, int level, uint64_t first, uint64_t n, uint8_t *ret);

/* Whether one hash block has this digest. */
bool verity_block_matches(struct verity_worker *w, const uint8_t *block, const uint8_t *expected);

/* How many blocks of the level below hash block @block of @level covers, and the first of them. */
uint64_t verity_children(const struct verity_device *d, int level, uint64_t block,
			 uint64_t *ret_first);

/* --- corrupt hash blocks --- */

/* Buffers of one who reconstructs; each the size of a hash block. */
struct verity_mender {
	struct verity_worker *w;
	uint8_t *own;      /* the block as the medium has it */
	uint8_t *computed; /* what it would be after the blocks below it as the medium has them */
	uint8_t *attempt;  /* true contents, once found */
};
int verity_mender_init(struct verity_worker *w, struct verity_mender *ret); /* silent */
void verity_mender_free(struct verity_mender *m);

enum verity_mended {
	VERITY_LOST,           /* its true contents cannot be told */
	VERITY_CHILDREN_PROVE, /* every block below it is as it was when it was made */
	VERITY_MENDED,         /* they are in m->attempt; not all blocks below are as they were */
};

/*
 * Hash block @block of @level is corrupt; @expected is its digest. Its true contents are, digest by
 * digest, what it says, or what the block below has, or (@anew) what that would have if it were
 * made from the data: where these agree there is no doubt, and of the others all choices are tried.
 * Silent. @anew reads all data below, and asks @env whether to stop.
 */
enum verity_mended verity_mend(struct verity_mender *m, struct env *env, int level, uint64_t block,
			       const uint8_t *expected, bool anew);

#endif
