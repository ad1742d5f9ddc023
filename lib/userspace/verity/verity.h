/* SPDX-License-Identifier: Apache-2.0 */
/* dm-verity in user space: build, check, read. Follows the kernel's drivers/md/dm-verity-target.c.
 */
#ifndef HOLDFAST_SOFT_VERITY_H
#define HOLDFAST_SOFT_VERITY_H

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
 * Writes the tree, in parallel, from byte @start of the data on (0, or where a former run's @done
 * got to: a multiple of what it was called with). Upper levels are always made anew. @done, if
 * given, is called from the caller's thread: all data below @bytes is covered by level 0 (not
 * flushed). 0 or -errno having spoken.
 */
int verity_build(const struct verity_device *d, struct env *env, uint64_t start,
		 int (*done)(void *ctx, uint64_t bytes), void *ctx);

/* The root hash as the medium has it now: the digest of the top block. Speaks. */
int verity_root(const struct verity_device *d, uint8_t ret[static DIGEST_MAX_BYTES]);

enum verity_found_kind {
	VERITY_CORRUPT,    /* does not match its digest */
	VERITY_UNPROVEN,   /* what vouches for it is corrupt and cannot be told from its parts */
	VERITY_UNREADABLE, /* the device failed to read it */
};
struct verity_found {
	enum verity_found_kind kind;
	int level;            /* -1: data; 0 … levels-1: of the tree */
	uint64_t first_block; /* within its level, or of the data */
	uint64_t blocks;
	bool differs; /* unproven, and not what is left of that which vouches for it says either */
};

/*
 * Checks everything against @root and tells every range that is not right, by level from the top,
 * in order of blocks, from the caller's thread. A corrupt hash block is reconstructed from what it
 * covers (which its parent then vouches for), so that damage in the tree hides no damage below it.
 * 0 also when there are findings; -errno having spoken when it could not be done.
 */
int verity_check(const struct verity_device *d, const uint8_t *root, struct env *env,
		 int (*found)(void *ctx, const struct verity_found *f), void *ctx);

/* The data as a read-only device that gives -EILSEQ where it does not verify. @d is copied; with
 * @owns its devices are closed with the reader (not where this fails). Thread-safe. */
int verity_open_reader(const struct verity_device *d, const uint8_t *root, bool owns,
		       struct io **ret);

/* Where block @block of @level (-1: data) lies in *@ret_io. */
uint64_t verity_locate(const struct verity_device *d, int level, uint64_t block,
		       struct io **ret_io);
uint64_t verity_level_blocks(const struct verity_device *d, int level);
uint32_t verity_level_block_bytes(const struct verity_device *d, int level);

#endif
