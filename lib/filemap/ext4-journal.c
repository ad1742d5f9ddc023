/* SPDX-License-Identifier: Apache-2.0 */
/* The log of a file system that lost power, read the way fs/jbd2/recovery.c does it: which blocks
 * of the journal are the newest contents of which blocks of the file system. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/endian.h"
#include "base/overflow.h"
#include "filemap/ext4-private.h"

#define MAGIC        0xc03b3998
#define BLOCKS_MIN   1024 /* of a journal */
#define BLOCK_MAX    65536
#define FAST_DEFAULT 256 /* fast-commit blocks where the superblock says 0 */
#define REPLAYED_MAX (1u << 22)

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

/* Tags of descriptor blocks; all kinds have the flags at 6 and the high half at 8. */
struct tag_disk {
	be32_t block;      /* 0 */
	be16_t checksum_2; /* 4 */
	be16_t flags;      /* 6 */
	be32_t block_high; /* 8 */
	be32_t checksum_3; /* 12 */
};

struct commit_disk {
	struct header_disk header;
	uint8_t checksum_type;  /* 12 1: CRC-32 */
	uint8_t checksum_bytes; /* 13 */
	uint8_t padding[2];     /* 14 */
	be32_t checksum;        /* 16 of the transaction, or of this block */
};
static_assert(offsetof(struct commit_disk, checksum) == 16, "checksum at 16");

struct fast_head_disk {
	le16_t tag;      /* 0 9: head */
	le16_t len;      /* 2 */
	le32_t features; /* 4 */
	le32_t sequence; /* 8 */
};

struct revoked {
	uint64_t block;
	uint32_t sequence;
};

/* A block that a transaction writes; later ones have higher numbers in @order. */
struct write {
	struct ext4_replayed to;
	size_t order;
};

struct reader {
	const struct ext4_journal *j;
	uint64_t fs_blocks;
	uint32_t first, end; /* of the log, in blocks of the journal */
	uint32_t start, sequence;
	uint32_t end_sequence; /* first transaction that is not whole */
	uint32_t incompat;
	bool checksums_1;    /* of the first kind: one a transaction */
	uint32_t seed;       /* of checksums */
	uint32_t fast_first; /* 0: none */
	uint8_t *block, *data;
	ARRAY(struct revoked) revoked;
	ARRAY(struct write) writes;
	const char *why; /* what is missing */
};

/* --- checksums --- */

/* CRC-32C without the inversions, as the kernel chains it. */
static uint32_t chain(uint32_t crc, const void *bytes, size_t len)
{
	return ~crc32c(~crc, bytes, len);
}

static bool has_checksums(const struct reader *r)
{
	return r->incompat & (INCOMPAT_CHECKSUM_2 | INCOMPAT_CHECKSUM_3);
}

/* Of a block that has its checksum at @at, taken for zero. */
static bool block_ok(const struct reader *r, const uint8_t *block, size_t at)
{
	static const uint8_t zero[4];
	be32_t stored;
	uint32_t crc;

	if (!has_checksums(r))
		return true;
	memcpy(&stored, block + at, sizeof(stored));
	crc = chain(r->seed, block, at);
	crc = chain(crc, zero, sizeof(zero));
	crc = chain(crc, block + at + 4, r->j->block_bytes - at - 4);
	return crc == be32_get(stored);
}

static bool tail_ok(const struct reader *r, const uint8_t *block)
{
	return block_ok(r, block, r->j->block_bytes - 4);
}

/* CRC-32, most significant bit first, without inversions. */
static uint32_t chain_1(uint32_t crc, const uint8_t *bytes, size_t len)
{
	while (len--) {
		crc ^= (uint32_t)*bytes++ << 24;
		for (int i = 0; i < 8; i++)
			crc = crc << 1 ^ (crc >> 31 ? 0x04c11db7 : 0);
	}
	return crc;
}

/* Checksums of the first kind may be there or not. */
static bool transaction_ok(const struct reader *r, const struct commit_disk *c, uint32_t crc)
{
	if (!r->checksums_1 || (!c->checksum_type && !c->checksum_bytes && !be32_get(c->checksum)))
		return true;
	return c->checksum_type == 1 && c->checksum_bytes == 4 && be32_get(c->checksum) == crc;
}

static bool data_ok(const struct reader *r, const struct tag_disk *tag, uint32_t sequence)
{
	const be32_t number = be32_make(sequence);
	uint32_t crc;

	if (!has_checksums(r))
		return true;
	crc = chain(r->seed, &number, sizeof(number));
	crc = chain(crc, r->data, r->j->block_bytes);
	if (r->incompat & INCOMPAT_CHECKSUM_3)
		return be32_get(tag->checksum_3) == crc;
	return be16_get(tag->checksum_2) == (uint16_t)crc;
}

/* --- the superblock --- */

static int cannot(struct reader *r, const char *why)
{
	r->why = why;
	return -EUCLEAN;
}

static int read_block(const struct reader *r, uint32_t number, void *ret)
{
	if (number >= r->j->n_blocks || !r->j->blocks[number]) /* a hole */
		return -EIO;
	return io_read(r->j->io, ret, r->j->block_bytes, r->j->blocks[number] * r->j->block_bytes);
}

static void find_fast_commits(struct reader *r, const struct super_disk *s)
{
	uint32_t n = be32_get(s->fast_blocks) ? be32_get(s->fast_blocks) : FAST_DEFAULT;

	if (!(r->incompat & INCOMPAT_FAST) || n > r->end || r->end - n < BLOCKS_MIN)
		return;
	r->end -= n;
	r->fast_first = r->end + 1;
}

/* 1: there is a log to read, 0: it is empty, -errno. */
static int read_super(struct reader *r)
{
	static const uint32_t known = INCOMPAT_REVOKE | INCOMPAT_64BIT | INCOMPAT_ASYNC |
				      INCOMPAT_CHECKSUM_2 | INCOMPAT_CHECKSUM_3 | INCOMPAT_FAST;
	struct super_disk s;
	uint32_t type, stored;

	if (r->j->block_bytes < sizeof(s) || r->j->block_bytes > BLOCK_MAX ||
	    read_block(r, 0, r->block) < 0)
		return cannot(r, "the journal's superblock cannot be read");
	memcpy(&s, r->block, sizeof(s));
	type = be32_get(s.header.type);
	if (be32_get(s.header.magic) != MAGIC || (type != SUPER_1 && type != SUPER_2))
		return cannot(r, "the journal has no superblock");
	r->incompat = type == SUPER_2 ? be32_get(s.incompat) : 0;
	r->first = be32_get(s.first);
	r->end = be32_get(s.blocks);
	r->start = be32_get(s.start);
	r->sequence = be32_get(s.sequence);
	stored = be32_get(s.checksum);
	s.checksum = be32_make(0);
	if (r->incompat & ~known)
		return cannot(r, "the journal has features that are not known");
	if (has_checksums(r) && (s.checksum_type != 4 || chain(~0u, &s, sizeof(s)) != stored))
		return cannot(r, "the journal's superblock has a wrong checksum");
	r->checksums_1 = type == SUPER_2 && be32_get(s.compat) & COMPAT_CHECKSUM;
	if (be32_get(s.block_bytes) != r->j->block_bytes || r->end > r->j->n_blocks)
		return cannot(r, "the journal's superblock does not fit the file system");
	find_fast_commits(r, &s);
	if (r->first == 0 || r->first >= r->end || (r->start && r->start < r->first) ||
	    r->start >= r->end)
		return cannot(r, "the journal's superblock is damaged");
	r->seed = chain(~0u, s.uuid, sizeof(s.uuid));
	return r->start != 0;
}

/* --- walking the log --- */

static uint32_t next(const struct reader *r, uint32_t at, uint32_t n)
{
	return r->first + (at - r->first + n) % (r->end - r->first);
}

static size_t tag_bytes(const struct reader *r)
{
	size_t n = 12;

	if (r->incompat & INCOMPAT_CHECKSUM_3)
		return 16;
	if (r->incompat & INCOMPAT_CHECKSUM_2)
		n += 2;
	return r->incompat & INCOMPAT_64BIT ? n : n - 4;
}

/* The tag at *@at of the descriptor block in r->block; *@at moves on. False behind the last. */
static bool next_tag(const struct reader *r, size_t *at, struct tag_disk *ret)
{
	size_t size = tag_bytes(r), end = r->j->block_bytes - (has_checksums(r) ? 4 : 0);

	if (*at + size > end)
		return false;
	*ret = (struct tag_disk){0};
	memcpy(ret, r->block + *at, size);
	*at += size;
	if (!(be16_get(ret->flags) & TAG_SAME_UUID))
		*at += 16;
	if (be16_get(ret->flags) & TAG_LAST)
		*at = end;
	return true;
}

static uint32_t count_tags(const struct reader *r)
{
	size_t at = sizeof(struct header_disk);
	struct tag_disk tag;
	uint32_t n = 0;

	while (next_tag(r, &at, &tag))
		n++;
	return n;
}

static void missing(struct reader *r, const char *why)
{
	if (!r->why)
		r->why = why;
}

/* The checksum goes on over a descriptor block (in r->block) and what it describes. */
static uint32_t chain_described(struct reader *r, uint32_t crc, uint32_t at, uint32_t n)
{
	crc = chain_1(crc, r->block, r->j->block_bytes);
	for (uint32_t i = 1; i <= n; i++) {
		if (read_block(r, next(r, at, i), r->data) < 0) {
			missing(r, "a part of the journal cannot be read");
			return ~crc;
		}
		crc = chain_1(crc, r->data, r->j->block_bytes);
	}
	return crc;
}

static bool commit_ok(const struct reader *r, uint32_t crc)
{
	struct commit_disk c;

	memcpy(&c, r->block, sizeof(c));
	return block_ok(r, r->block, offsetof(struct commit_disk, checksum)) &&
	       transaction_ok(r, &c, crc);
}

/* The next block of transaction @sequence: its type, 0 where the log ends. */
static uint32_t read_next(struct reader *r, uint32_t at, uint32_t sequence)
{
	struct header_disk h;

	if (read_block(r, at, r->block) < 0) {
		missing(r, "a part of the journal cannot be read");
		return 0;
	}
	memcpy(&h, r->block, sizeof(h));
	if (be32_get(h.magic) != MAGIC || be32_get(h.sequence) != sequence)
		return 0;
	return be32_get(h.type);
}

/* What the walk does at a descriptor or revoke block of a transaction. 0 or -ENOMEM. */
typedef int (*visit_fn)(struct reader *r, uint32_t type, uint32_t sequence, uint32_t at);

/*
 * From transaction to transaction, as long as what stands in the log belongs to the next one.
 * Without @visit it is looked for the end of the log, else @visit sees all before it.
 */
static int walk(struct reader *r, visit_fn visit, uint32_t *ret_end)
{
	uint32_t at = r->start, sequence = r->sequence, left = r->end - r->first, crc = ~0u;

	while (left > 0 && (!visit || (int32_t)(sequence - r->end_sequence) < 0)) {
		uint32_t type = read_next(r, at, sequence), blocks = 1;

		if (type == DESCRIPTOR)
			blocks += count_tags(r);
		else if (type != COMMIT && type != REVOKE)
			break;
		if (!visit) { /* checksums are looked at once */
			if (type == COMMIT ? !commit_ok(r, crc) : !tail_ok(r, r->block))
				break;
			if (type == DESCRIPTOR && r->checksums_1)
				crc = chain_described(r, crc, at, blocks - 1);
		} else if (type != COMMIT && visit(r, type, sequence, at) < 0) {
			return -ENOMEM;
		}
		if (type == COMMIT) {
			sequence++;
			crc = ~0u;
		}
		at = next(r, at, blocks);
		left -= (uint32_t)min_u64(left, blocks);
	}
	*ret_end = sequence;
	return 0;
}

static uint64_t wide(const struct reader *r, be32_t low, be32_t high)
{
	uint64_t block = be32_get(low);

	return r->incompat & INCOMPAT_64BIT ? block | (uint64_t)be32_get(high) << 32 : block;
}

/* --- the second walk: blocks that no longer are what earlier transactions wrote --- */

static int read_revokes(struct reader *r, uint32_t type, uint32_t sequence, uint32_t at)
{
	size_t size = r->incompat & INCOMPAT_64BIT ? 8 : 4, from = 16, end;
	be32_t count, word[2] = {{{0}}};

	if (type != REVOKE)
		return 0;
	memcpy(&count, r->block + sizeof(struct header_disk), sizeof(count));
	end = be32_get(count);
	if (end > r->j->block_bytes - (has_checksums(r) ? 4 : 0)) {
		missing(r, "a revoke block of the journal is damaged");
		return 0;
	}
	for (; from + size <= end; from += size) {
		struct revoked v = {.sequence = sequence};

		memcpy(word, r->block + from, size);
		v.block = size == 8 ? wide(r, word[1], word[0]) : be32_get(word[0]);
		if (r->revoked.n >= REPLAYED_MAX || array_add(&r->revoked, v) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* By block, the latest transaction first. */
static int compare_revoked(const void *a, const void *b)
{
	const struct revoked *x = a, *y = b;
	int32_t later = (int32_t)(x->sequence - y->sequence);

	if (x->block != y->block)
		return x->block < y->block ? -1 : 1;
	return later > 0 ? -1 : later < 0;
}

static bool is_revoked(const struct reader *r, uint64_t block, uint32_t sequence)
{
	size_t from = 0, to = r->revoked.n;

	while (from < to) { /* the first one of this block */
		size_t mid = from + (to - from) / 2;

		if (r->revoked.v[mid].block < block)
			from = mid + 1;
		else
			to = mid;
	}
	return from < r->revoked.n && r->revoked.v[from].block == block &&
	       (int32_t)(sequence - r->revoked.v[from].sequence) <= 0;
}

/* --- the third walk: what is written --- */

static int read_writes(struct reader *r, uint32_t type, uint32_t sequence, uint32_t at)
{
	size_t tag_at = sizeof(struct header_disk);
	struct tag_disk tag;

	if (type != DESCRIPTOR)
		return 0;
	while (next_tag(r, &tag_at, &tag)) {
		struct write w = {.order = r->writes.n};

		at = next(r, at, 1);
		w.to.block = wide(r, tag.block, tag.block_high);
		w.to.journal = r->j->blocks[at];
		w.to.escaped = be16_get(tag.flags) & TAG_ESCAPED;
		if (w.to.block >= r->fs_blocks || is_revoked(r, w.to.block, sequence))
			continue;
		if (read_block(r, at, r->data) < 0)
			missing(r, "a part of the journal cannot be read");
		else if (!data_ok(r, &tag, sequence))
			missing(r, "a block in the journal has a wrong checksum");
		else if (r->writes.n >= REPLAYED_MAX || array_add(&r->writes, w) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* By block, the latest one first. */
static int compare_writes(const void *a, const void *b)
{
	const struct write *x = a, *y = b;

	if (x->to.block != y->to.block)
		return x->to.block < y->to.block ? -1 : 1;
	return x->order > y->order ? -1 : x->order < y->order;
}

static int keep_latest(struct reader *r, struct ext4_replay *ret)
{
	struct ext4_replay found = {0};

	if (r->writes.n == 0)
		return 0;
	qsort(r->writes.v, r->writes.n, sizeof(*r->writes.v), compare_writes);
	found.v = calloc(r->writes.n, sizeof(*found.v));
	if (!found.v)
		return -ENOMEM;
	array_each (w, &r->writes) {
		if (!found.n || found.v[found.n - 1].block != w->to.block)
			found.v[found.n++] = w->to;
	}
	*ret = found;
	return 0;
}

/* Changes that follow the last transaction in a shorter form, which only e2fsck and the kernel can
 * replay: they are logical. */
static void look_for_fast_commits(struct reader *r)
{
	struct fast_head_disk h;

	if (!r->fast_first || r->fast_first >= r->j->n_blocks)
		return;
	if (read_block(r, r->fast_first, r->block) < 0)
		return;
	memcpy(&h, r->block, sizeof(h));
	if (le16_get(h.tag) == 9 && le32_get(h.sequence) == r->end_sequence)
		missing(r, "the journal's fast commits are not replayed");
}

static int read_log(struct reader *r, struct ext4_replay *ret)
{
	uint32_t end;
	int e = walk(r, NULL, &r->end_sequence);

	if (e >= 0)
		e = walk(r, read_revokes, &end);
	if (e >= 0 && r->revoked.n)
		qsort(r->revoked.v, r->revoked.n, sizeof(*r->revoked.v), compare_revoked);
	if (e >= 0)
		e = walk(r, read_writes, &end);
	if (e >= 0)
		e = keep_latest(r, ret);
	if (e >= 0)
		look_for_fast_commits(r);
	return e;
}

int ext4_journal_read(const struct ext4_journal *j, uint64_t fs_blocks, struct ext4_replay *ret,
		      const char **ret_why)
{
	struct reader r = {.j = j, .fs_blocks = fs_blocks};
	int e;

	*ret = (struct ext4_replay){0};
	*ret_why = NULL;
	r.block = malloc(j->block_bytes);
	r.data = malloc(j->block_bytes);
	e = r.block && r.data ? read_super(&r) : -ENOMEM;
	if (e == 1)
		e = read_log(&r, ret);
	*ret_why = r.why;
	free(r.block);
	free(r.data);
	array_free(&r.revoked);
	array_free(&r.writes);
	return e;
}
