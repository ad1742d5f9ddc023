/* SPDX-License-Identifier: Apache-2.0 */
/* The dm-verity superblock and the tree's geometry. */
#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/overflow.h"
#include "format/field.h"
#include "format/verity.h"

static const uint8_t magic[8] = "verity\0\0";

struct verity_disk {
	uint8_t magic[8];      /*   0 "verity", NUL, NUL */
	le32_t version;        /*   8 1 */
	le32_t hash_type;      /*  12 0 Chrome OS, 1 normal */
	uint8_t uuid[16];      /*  16 text order */
	uint8_t algorithm[32]; /*  32 NUL-padded */
	le32_t data_block;     /*  64 bytes */
	le32_t hash_block;     /*  68 bytes */
	le64_t data_blocks;    /*  72 */
	le16_t salt_len;       /*  80 */
	uint8_t padding[6];    /*  82 zero */
	uint8_t salt[256];     /*  88 zero-padded */
	uint8_t padding2[168]; /* 344 zero */
};
static_assert(sizeof(struct verity_disk) == VERITY_SUPERBLOCK_BYTES, "superblock is 512 bytes");
static_assert(offsetof(struct verity_disk, data_blocks) == 72, "data blocks at 72");
static_assert(offsetof(struct verity_disk, salt) == 88, "salt at 88");

static int reject(const char **ret_why, const char *why)
{
	*ret_why = why;
	return -EINVAL;
}

static bool block_size_ok(uint32_t n)
{
	return is_power_of_2(n) && n >= VERITY_BLOCK_MIN && n <= VERITY_BLOCK_MAX;
}

/* The name ends within its field and has only characters of the kernel's names. */
static bool name_ok(const uint8_t *name, size_t room)
{
	size_t n = 0;

	while (n < room && name[n]) {
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-_()", name[n]))
			return false;
		n++;
	}
	return n > 0 && n < room && field_is_zero(name + n, room - n);
}

int verity_decode(const uint8_t *bytes, size_t len, struct verity_params *ret, const char **ret_why)
{
	struct verity_disk d;
	struct verity_params p = {0};

	if (len < sizeof(d))
		return reject(ret_why, "too short for a dm-verity superblock");
	memcpy(&d, bytes, sizeof(d));
	if (memcmp(d.magic, magic, sizeof(magic)) != 0)
		return reject(ret_why, "no dm-verity superblock");
	if (le32_get(d.version) != 1)
		return reject(ret_why, "a dm-verity superblock of an unknown version");
	p.hash_type = le32_get(d.hash_type);
	p.data_block_bytes = le32_get(d.data_block);
	p.hash_block_bytes = le32_get(d.hash_block);
	p.data_blocks = le64_get(d.data_blocks);
	p.salt_len = le16_get(d.salt_len);
	if (p.hash_type > 1)
		return reject(ret_why, "an unknown hash type in the superblock");
	if (!block_size_ok(p.data_block_bytes) || !block_size_ok(p.hash_block_bytes))
		return reject(ret_why, "an impossible block size in the superblock");
	if (p.salt_len > VERITY_SALT_MAX)
		return reject(ret_why, "a salt in the superblock that is too long");
	if (!name_ok(d.algorithm, sizeof(d.algorithm)))
		return reject(ret_why, "no hash algorithm in the superblock");
	if (p.data_blocks == 0 || p.data_blocks > UINT64_MAX / p.data_block_bytes)
		return reject(ret_why, "an impossible number of blocks in the superblock");
	if (!field_is_zero(d.padding, sizeof(d.padding)) ||
	    !field_is_zero(d.padding2, sizeof(d.padding2)) ||
	    !field_is_zero(d.salt + p.salt_len, sizeof(d.salt) - p.salt_len))
		return reject(ret_why, "the superblock's padding is not zero");
	memcpy(p.algorithm, d.algorithm, sizeof(p.algorithm));
	memcpy(p.uuid.b, d.uuid, sizeof(p.uuid.b));
	memcpy(p.salt, d.salt, p.salt_len);
	*ret = p;
	return 0;
}

void verity_encode(const struct verity_params *p, uint8_t ret[static VERITY_SUPERBLOCK_BYTES])
{
	struct verity_disk d = {
	    .version = le32_make(1),
	    .hash_type = le32_make(p->hash_type),
	    .data_block = le32_make(p->data_block_bytes),
	    .hash_block = le32_make(p->hash_block_bytes),
	    .data_blocks = le64_make(p->data_blocks),
	    .salt_len = le16_make(p->salt_len),
	};

	memcpy(d.magic, magic, sizeof(magic));
	memcpy(d.uuid, p->uuid.b, sizeof(d.uuid));
	memcpy(d.algorithm, p->algorithm, strnlen(p->algorithm, sizeof(p->algorithm) - 1));
	memcpy(d.salt, p->salt, p->salt_len);
	memcpy(ret, &d, sizeof(d));
}

/* The kernel needs a power of 2 of digests per block (hash_per_block_bits). */
static uint32_t power_of_2_below(uint32_t n)
{
	uint32_t p = 1;

	while (p * 2 <= n)
		p *= 2;
	return p;
}

static uint32_t power_of_2_above(uint32_t n)
{
	uint32_t p = 1;

	while (p < n)
		p *= 2;
	return p;
}

int verity_tree(const struct verity_params *p, uint32_t digest_bytes, struct verity_tree *ret)
{
	struct verity_tree t = {.digest_bytes = digest_bytes};
	uint64_t blocks = p->data_blocks, at = 0;

	t.per_block = power_of_2_below(p->hash_block_bytes / digest_bytes);
	t.digest_stride = p->hash_type ? power_of_2_above(digest_bytes) : digest_bytes;
	if (t.per_block < 2)
		return -ERANGE;
	while (blocks > 1) {
		blocks = div_round_up(blocks, t.per_block);
		t.level[t.levels++].blocks = blocks;
	}
	for (unsigned i = t.levels; i-- > 0;) { /* the top comes first */
		t.level[i].first_block = at;
		at += t.level[i].blocks;
	}
	if (at > UINT64_MAX / p->hash_block_bytes - 1)
		return -ERANGE;
	t.total_blocks = at;
	*ret = t;
	return 0;
}
