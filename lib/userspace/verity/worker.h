/* SPDX-License-Identifier: Apache-2.0 */
/* Hashing runs of blocks of a verity device: one worker per thread. */
#ifndef HOLDFAST_USERSPACE_VERITY_WORKER_H
#define HOLDFAST_USERSPACE_VERITY_WORKER_H

#include "userspace/verity/verity.h"

/* One worker's hash and read buffer. */
struct verity_worker {
	const struct verity_device *d;
	struct block_digest *digest;
	uint8_t *blocks;
	size_t room_bytes;              /* of blocks: at least one block of either size */
	uint8_t zero[DIGEST_MAX_BYTES]; /* digest of a data block of zeroes */
};

/* @workers: how many there are; together they stay within one bound of memory. Speaks; after a
 * failure there is nothing to free. */
int verity_worker_init(const struct verity_device *d, unsigned workers, struct verity_worker *ret);
void verity_worker_free(struct verity_worker *w);

/* How many blocks of @level fit into one read. */
uint64_t verity_run_blocks(const struct verity_worker *w, int level);

/* Writes the digests of blocks [@first, @first + @n) of @level to @ret, strided as in a hash block.
 * Holes in the data are not read. Silent; after a failure some digests are missing. */
int verity_hash_run(struct verity_worker *w, int level, uint64_t first, uint64_t n, uint8_t *ret);

/* True if the hash block has this digest. */
bool verity_block_matches(struct verity_worker *w, const uint8_t *block, const uint8_t *expected);

#endif
