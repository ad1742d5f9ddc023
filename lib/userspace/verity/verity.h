/* SPDX-License-Identifier: Apache-2.0 */
/* dm-verity in user space: build, check, read. Follows the kernel's drivers/md/dm-verity-target.c.
 */
#ifndef HOLDFAST_USERSPACE_VERITY_H
#define HOLDFAST_USERSPACE_VERITY_H

#include "base/env.h"
#include "base/io.h"
#include "crypto/digest.h"
#include "format/verity.h"

/* What to work on. */
struct verity_device {
	struct verity_params params;
	struct verity_tree tree;
	struct io *data;            /* data blocks from byte 0 */
	struct io *hash;            /* holds the tree; may be the same device as data */
	uint64_t tree_offset_bytes; /* of the tree's first block in @hash, after any superblock */
};

/* Fills d->tree from d->params; checks that both devices are large enough. Speaks. */
int verity_prepare(struct verity_device *d);

/*
 * Writes the tree, in parallel, from byte @start of the data on: 0, or the @bytes that an
 * interrupted run last passed to @done. Upper levels are always rebuilt. @done (may be NULL) is
 * called from the caller's thread: level 0 now covers all data below @bytes, but is not flushed.
 * Speaks.
 */
int verity_build(const struct verity_device *d, struct env *env, uint64_t start,
		 int (*done)(void *ctx, uint64_t bytes), void *ctx);

/* The root hash as the medium has it now, which is the digest of the top block. Speaks. */
int verity_root(const struct verity_device *d, uint8_t ret[static DIGEST_MAX_BYTES]);

enum verity_found_kind {
	VERITY_CORRUPT,    /* does not match its digest */
	VERITY_UNPROVEN,   /* its parent, which has its digest, is corrupt and cannot be mended */
	VERITY_UNREADABLE, /* the device failed to read it */
};
struct verity_found {
	enum verity_found_kind kind;
	int level;            /* -1: data; 0 … levels-1: of the tree */
	uint64_t first_block; /* within its level, or of the data */
	uint64_t blocks;
	bool differs; /* unproven, and it does not match what survives of its damaged parent */
};

/*
 * Checks all blocks against @root and passes every damaged range to @found: by level from the top,
 * in order of blocks, from the caller's thread. A corrupt hash block is reconstructed from the
 * blocks that it covers where its parent's digest proves the result, so that damage in the tree
 * hides no damage below it. 0 also when there are findings. Speaks.
 */
int verity_check(const struct verity_device *d, const uint8_t *root, struct env *env,
		 int (*found)(void *ctx, const struct verity_found *f), void *ctx);

/* Opens the data as a read-only device; a read of a block that does not verify fails with -EILSEQ.
 * @d is copied. With @owns, closing the reader closes the devices of @d; a failure of this function
 * does not. Thread-safe. Speaks. */
int verity_open_reader(const struct verity_device *d, const uint8_t *root, bool owns,
		       struct io **ret);

/* The offset in bytes of block @block of @level (-1: data) in *@ret_io. */
uint64_t verity_locate(const struct verity_device *d, int level, uint64_t block,
		       struct io **ret_io);
/* How many blocks of the level below hash block @block of @level covers, and the first of them. */
uint64_t verity_children(const struct verity_device *d, int level, uint64_t block,
			 uint64_t *ret_first);
uint64_t verity_level_blocks(const struct verity_device *d, int level);
uint32_t verity_level_block_bytes(const struct verity_device *d, int level);

#endif
