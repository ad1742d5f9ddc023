/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of an ext4 journal as fs/jbd2 has them: superblock, tags, checksums. All silent. */
#ifndef HOLDFAST_FILEMAP_EXT4_LOG_H
#define HOLDFAST_FILEMAP_EXT4_LOG_H

#include <stdbool.h>

#include "base/endian.h"
#include "filemap/ext4-journal.h"

#define EXT4_LOG_MAGIC 0xc03b3998

enum { DESCRIPTOR = 1, COMMIT, SUPER_1, SUPER_2, REVOKE };
enum { COMPAT_CHECKSUM = 1 };
enum {
	INCOMPAT_REVOKE = 1,
	INCOMPAT_64BIT = 2,
	INCOMPAT_ASYNC = 4,
	INCOMPAT_CHECKSUM_2 = 8,
	INCOMPAT_CHECKSUM_3 = 16,
	INCOMPAT_FAST = 32,
};
enum { TAG_ESCAPED = 1, TAG_SAME_UUID = 2, TAG_LAST = 8 };

struct header_disk {
	be32_t magic;    /* 0 */
	be32_t type;     /* 4 */
	be32_t sequence; /* 8 number of the transaction */
};

/* Tags of descriptor blocks; all kinds have the flags at 6 and the high half at 8. */
struct tag_disk {
	be32_t block;      /* 0 */
	be16_t checksum_2; /* 4 */
	be16_t flags;      /* 6 */
	be32_t block_high; /* 8 */
	be32_t checksum_3; /* 12 */
};

/* A journal that is being read. Blocks of it are numbered from its superblock. */
struct ext4_log {
	const struct ext4_journal *j;
	uint32_t first, end;      /* of the log */
	uint32_t start, sequence; /* where the oldest transaction begins, and its number */
	uint32_t incompat;
	bool checksums_1;      /* of the first kind: one a transaction */
	uint32_t seed;         /* of checksums */
	uint32_t fast_first;   /* 0: no fast commits */
	uint8_t *block, *data; /* of the file system's block size: what was read last */
	const char *why;       /* what is missing */
};

/* Reads one block. 0 or -errno; -EIO for a hole, too. */
int ext4_log_read_block(const struct ext4_log *l, uint32_t number, void *ret);
/* Fills all of @l but j, block and data. 1: there is a log to read, 0: it is empty, -EUCLEAN with
 * why. */
int ext4_log_read_super(struct ext4_log *l);

/* Reads the tag at *@at of the descriptor block in l->block, and moves *@at on. False after the
 * last. */
bool ext4_log_next_tag(const struct ext4_log *l, size_t *at, struct tag_disk *ret);
uint32_t ext4_log_count_tags(const struct ext4_log *l);
/* The number of a block, whose high half counts only in journals with 64-bit numbers. */
uint64_t ext4_log_block_number(const struct ext4_log *l, be32_t low, be32_t high);

/* True if blocks and data have checksums of their own. */
bool ext4_log_has_checksums(const struct ext4_log *l);
/* These check l->block as a descriptor or revoke block, l->block as a commit block after blocks
 * with the checksum @crc of the first kind, and l->data as what @tag describes. */
bool ext4_log_tail_ok(const struct ext4_log *l);
bool ext4_log_commit_ok(const struct ext4_log *l, uint32_t crc);
bool ext4_log_data_ok(const struct ext4_log *l, const struct tag_disk *tag, uint32_t sequence);
/* CRC-32, most significant bit first, without inversions: the checksum of the first kind. */
uint32_t ext4_log_chain(uint32_t crc, const uint8_t *bytes, size_t len);

#endif
