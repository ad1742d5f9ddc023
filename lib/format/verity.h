/* SPDX-License-Identifier: Apache-2.0 */
/* The dm-verity superblock (cryptsetup lib/verity/verity.c; kernel
 * Documentation/admin-guide/device-mapper/verity.rst) and the tree's geometry. */
#ifndef HOLDFAST_FORMAT_VERITY_H
#define HOLDFAST_FORMAT_VERITY_H

#include <stddef.h>
#include <stdint.h>

#include "base/endian.h"
#include "base/uuid.h"

#define VERITY_SUPERBLOCK_BYTES 512
#define VERITY_SALT_MAX         256
#define VERITY_LEVELS_MAX       63
#define VERITY_BLOCK_MIN        512
#define VERITY_BLOCK_MAX        65536 /* what the kernel takes ends at its page size */

struct verity_params {
	struct uuid uuid;
	uint32_t hash_type; /* 1: normal; 0: Chrome OS (salt last, unpadded digests) */
	char algorithm[32]; /* "sha256" */
	uint32_t data_block_bytes;
	uint32_t hash_block_bytes;
	uint64_t data_blocks;
	uint8_t salt[VERITY_SALT_MAX];
	uint16_t salt_len;
};

/* 0 or -EINVAL with *@ret_why (static text): magic, version, sizes, algorithm, padding. */
int verity_decode(const uint8_t *bytes, size_t len, struct verity_params *ret,
		  const char **ret_why);
void verity_encode(const struct verity_params *p, uint8_t ret[static VERITY_SUPERBLOCK_BYTES]);

/* Where the tree's levels lie. Level 0 is over the data; the top level is one block. */
struct verity_tree {
	unsigned levels; /* 0: one data block, whose hash is the root hash */
	uint32_t digest_bytes;
	uint32_t digest_stride; /* digest padded to a power of 2 (type 1) */
	uint32_t per_block;     /* digests in one hash block: a power of 2 */
	struct {
		uint64_t first_block; /* from the start of the tree area, in hash blocks */
		uint64_t blocks;
	} level[VERITY_LEVELS_MAX];
	uint64_t total_blocks; /* the tree without its superblock */
};

/* @digest_bytes: of p->algorithm. 0 or -ERANGE, silent. */
int verity_tree(const struct verity_params *p, uint32_t digest_bytes, struct verity_tree *ret);

#endif
