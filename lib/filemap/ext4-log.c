/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of an ext4 journal as fs/jbd2 has them: superblock, tags, checksums. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/crc32c.h"
#include "filemap/ext4-log.h"

#define BLOCKS_MIN   1024 /* of a journal */
#define BLOCK_MAX    65536
#define FAST_DEFAULT 256 /* fast-commit blocks if the superblock has 0 */

struct super_disk {
	struct header_disk header;
	be32_t block_bytes;     /* 12 */
	be32_t blocks;          /* 16 */
	be32_t first;           /* 20 first block of the log */
	be32_t sequence;        /* 24 first transaction in the log */
	be32_t start;           /* 28 where it begins; 0: the log is empty */
	be32_t error;           /* 32 */
	be32_t compat;          /* 36 */
	be32_t incompat;        /* 40 */
	be32_t ro_compat;       /* 44 */
	uint8_t uuid[16];       /* 48 */
	be32_t users;           /* 64 */
	be32_t dynamic;         /* 68 */
	be32_t max[2];          /* 72 */
	uint8_t checksum_type;  /* 80 4: CRC-32C */
	uint8_t padding[3];     /* 81 */
	be32_t fast_blocks;     /* 84 at the end, for fast commits */
	be32_t head;            /* 88 */
	uint8_t padding2[160];  /* 92 */
	be32_t checksum;        /* 252 */
	uint8_t user_list[768]; /* 256 */
};
static_assert(sizeof(struct super_disk) == 1024, "journal superblock is 1024 bytes");
static_assert(offsetof(struct super_disk, checksum) == 252, "checksum at 252");

struct commit_disk {
	struct header_disk header;
	uint8_t checksum_type;  /* 12 1: CRC-32 */
	uint8_t checksum_bytes; /* 13 */
	uint8_t padding[2];     /* 14 */
	be32_t checksum;        /* 16 of the transaction, or of this block */
};
static_assert(offsetof(struct commit_disk, checksum) == 16, "checksum at 16");

/* --- checksums --- */

/* CRC-32C without the inversions, as the kernel chains it. */
static uint32_t chain(uint32_t crc, const void *bytes, size_t len)
{
	return ~crc32c(~crc, bytes, len);
}

bool ext4_log_has_checksums(const struct ext4_log *l)
{
	return l->incompat & (INCOMPAT_CHECKSUM_2 | INCOMPAT_CHECKSUM_3);
}

/* Checks a block whose checksum is at @at, where zeroes stand in for it. */
static bool block_ok(const struct ext4_log *l, const uint8_t *block, size_t at)
{
	static const uint8_t zero[4];
	be32_t stored;
	uint32_t crc;

	if (!ext4_log_has_checksums(l))
		return true;
	memcpy(&stored, block + at, sizeof(stored));
	crc = chain(l->seed, block, at);
	crc = chain(crc, zero, sizeof(zero));
	crc = chain(crc, block + at + 4, l->j->block_bytes - at - 4);
	return crc == be32_get(stored);
}

bool ext4_log_tail_ok(const struct ext4_log *l)
{
	return block_ok(l, l->block, l->j->block_bytes - 4);
}

uint32_t ext4_log_chain(uint32_t crc, const uint8_t *bytes, size_t len)
{
	while (len--) {
		crc ^= (uint32_t)*bytes++ << 24;
		for (int i = 0; i < 8; i++)
			crc = crc << 1 ^ (crc >> 31 ? 0x04c11db7 : 0);
	}
	return crc;
}

/* Checksums of the first kind may be there or not. */
static bool transaction_ok(const struct ext4_log *l, const struct commit_disk *c, uint32_t crc)
{
	if (!l->checksums_1 || (!c->checksum_type && !c->checksum_bytes && !be32_get(c->checksum)))
		return true;
	return c->checksum_type == 1 && c->checksum_bytes == 4 && be32_get(c->checksum) == crc;
}

bool ext4_log_data_ok(const struct ext4_log *l, const struct tag_disk *tag, uint32_t sequence)
{
	const be32_t number = be32_make(sequence);
	uint32_t crc;

	if (!ext4_log_has_checksums(l))
		return true;
	crc = chain(l->seed, &number, sizeof(number));
	crc = chain(crc, l->data, l->j->block_bytes);
	if (l->incompat & INCOMPAT_CHECKSUM_3)
		return be32_get(tag->checksum_3) == crc;
	return be16_get(tag->checksum_2) == (uint16_t)crc;
}

/* --- the superblock --- */

static int cannot(struct ext4_log *l, const char *why)
{
	l->why = why;
	return -EUCLEAN;
}

int ext4_log_read_block(const struct ext4_log *l, uint32_t number, void *ret)
{
	if (number >= l->j->n_blocks || !l->j->blocks[number]) /* a hole */
		return -EIO;
	return io_read(l->j->io, ret, l->j->block_bytes, l->j->blocks[number] * l->j->block_bytes);
}

static void find_fast_commits(struct ext4_log *l, const struct super_disk *s)
{
	uint32_t n = be32_get(s->fast_blocks) ? be32_get(s->fast_blocks) : FAST_DEFAULT;

	if (!(l->incompat & INCOMPAT_FAST) || n > l->end || l->end - n < BLOCKS_MIN)
		return;
	l->end -= n;
	l->fast_first = l->end + 1;
}

int ext4_log_read_super(struct ext4_log *l)
{
	static const uint32_t known = INCOMPAT_REVOKE | INCOMPAT_64BIT | INCOMPAT_ASYNC |
				      INCOMPAT_CHECKSUM_2 | INCOMPAT_CHECKSUM_3 | INCOMPAT_FAST;
	struct super_disk s;
	uint32_t type, stored;

	if (l->j->block_bytes < sizeof(s) || l->j->block_bytes > BLOCK_MAX ||
	    ext4_log_read_block(l, 0, l->block) < 0)
		return cannot(l, "the journal's superblock cannot be read");
	memcpy(&s, l->block, sizeof(s));
	type = be32_get(s.header.type);
	if (be32_get(s.header.magic) != EXT4_LOG_MAGIC || (type != SUPER_1 && type != SUPER_2))
		return cannot(l, "the journal has no superblock");
	l->incompat = type == SUPER_2 ? be32_get(s.incompat) : 0;
	l->first = be32_get(s.first);
	l->end = be32_get(s.blocks);
	l->start = be32_get(s.start);
	l->sequence = be32_get(s.sequence);
	stored = be32_get(s.checksum);
	s.checksum = be32_make(0);
	if (l->incompat & ~known)
		return cannot(l, "the journal has features that are not known");
	if (ext4_log_has_checksums(l) &&
	    (s.checksum_type != 4 || chain(~0u, &s, sizeof(s)) != stored))
		return cannot(l, "the journal's superblock has a wrong checksum");
	l->checksums_1 = type == SUPER_2 && be32_get(s.compat) & COMPAT_CHECKSUM;
	if (be32_get(s.block_bytes) != l->j->block_bytes || l->end > l->j->n_blocks)
		return cannot(l, "the journal's superblock does not fit the file system");
	find_fast_commits(l, &s);
	if (l->first == 0 || l->first >= l->end || (l->start && l->start < l->first) ||
	    l->start >= l->end)
		return cannot(l, "the journal's superblock is damaged");
	l->seed = chain(~0u, s.uuid, sizeof(s.uuid));
	return l->start != 0;
}

/* --- descriptor blocks --- */

static size_t tag_bytes(const struct ext4_log *l)
{
	size_t n = 12;

	if (l->incompat & INCOMPAT_CHECKSUM_3)
		return 16;
	if (l->incompat & INCOMPAT_CHECKSUM_2)
		n += 2;
	return l->incompat & INCOMPAT_64BIT ? n : n - 4;
}

bool ext4_log_next_tag(const struct ext4_log *l, size_t *at, struct tag_disk *ret)
{
	size_t size = tag_bytes(l), end = l->j->block_bytes - (ext4_log_has_checksums(l) ? 4 : 0);

	if (*at + size > end)
		return false;
	*ret = (struct tag_disk){0};
	memcpy(ret, l->block + *at, size);
	*at += size;
	if (!(be16_get(ret->flags) & TAG_SAME_UUID))
		*at += 16;
	if (be16_get(ret->flags) & TAG_LAST)
		*at = end;
	return true;
}

uint32_t ext4_log_count_tags(const struct ext4_log *l)
{
	size_t at = sizeof(struct header_disk);
	struct tag_disk tag;
	uint32_t n = 0;

	while (ext4_log_next_tag(l, &at, &tag))
		n++;
	return n;
}

bool ext4_log_commit_ok(const struct ext4_log *l, uint32_t crc)
{
	struct commit_disk c;

	memcpy(&c, l->block, sizeof(c));
	return block_ok(l, l->block, offsetof(struct commit_disk, checksum)) &&
	       transaction_ok(l, &c, crc);
}

uint64_t ext4_log_block_number(const struct ext4_log *l, be32_t low, be32_t high)
{
	uint64_t block = be32_get(low);

	return l->incompat & INCOMPAT_64BIT ? block | (uint64_t)be32_get(high) << 32 : block;
}
