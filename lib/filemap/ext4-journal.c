/* SPDX-License-Identifier: Apache-2.0 */
/* The log of a file system that lost power, read the way fs/jbd2/recovery.c does it: which blocks
 * of the journal are the newest contents of which blocks of the file system. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/overflow.h"
#include "filemap/ext4-journal.h"
#include "filemap/ext4-log.h"

#define REPLAYED_MAX (1u << 22)

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
	struct ext4_log log;
	uint64_t fs_blocks;
	uint32_t end_sequence; /* first transaction that is not whole */
	ARRAY(struct revoked) revoked;
	ARRAY(struct write) writes;
};

/* --- walking the log --- */

static uint32_t next(const struct reader *r, uint32_t at, uint32_t n)
{
	return r->log.first + (at - r->log.first + n) % (r->log.end - r->log.first);
}

static void missing(struct reader *r, const char *why)
{
	if (!r->log.why)
		r->log.why = why;
}

/* The checksum goes on over a descriptor block (in r->log.block) and what it describes. */
static uint32_t chain_described(struct reader *r, uint32_t crc, uint32_t at, uint32_t n)
{
	crc = ext4_log_chain(crc, r->log.block, r->log.j->block_bytes);
	for (uint32_t i = 1; i <= n; i++) {
		if (ext4_log_read_block(&r->log, next(r, at, i), r->log.data) < 0) {
			missing(r, "a part of the journal cannot be read");
			return ~crc;
		}
		crc = ext4_log_chain(crc, r->log.data, r->log.j->block_bytes);
	}
	return crc;
}

/* The next block of transaction @sequence: its type, 0 where the log ends. */
static uint32_t read_next(struct reader *r, uint32_t at, uint32_t sequence)
{
	struct header_disk h;

	if (ext4_log_read_block(&r->log, at, r->log.block) < 0) {
		missing(r, "a part of the journal cannot be read");
		return 0;
	}
	memcpy(&h, r->log.block, sizeof(h));
	if (be32_get(h.magic) != EXT4_LOG_MAGIC || be32_get(h.sequence) != sequence)
		return 0;
	return be32_get(h.type);
}

/* Called at a descriptor or revoke block of a transaction. 0 or -ENOMEM. */
typedef int (*visit_fn)(struct reader *r, uint32_t type, uint32_t sequence, uint32_t at);

/*
 * Goes from transaction to transaction as long as the log's next block belongs to the next one.
 * Without @visit this finds the end of the log; else @visit sees all before that end.
 */
static int walk(struct reader *r, visit_fn visit, uint32_t *ret_end)
{
	uint32_t at = r->log.start, sequence = r->log.sequence, left = r->log.end - r->log.first,
		 crc = ~0u;

	while (left > 0 && (!visit || (int32_t)(sequence - r->end_sequence) < 0)) {
		uint32_t type = read_next(r, at, sequence), blocks = 1;

		if (type == DESCRIPTOR)
			blocks += ext4_log_count_tags(&r->log);
		else if (type != COMMIT && type != REVOKE)
			break;
		if (!visit) { /* checksums are looked at once */
			if (type == COMMIT ? !ext4_log_commit_ok(&r->log, crc)
					   : !ext4_log_tail_ok(&r->log))
				break;
			if (type == DESCRIPTOR && r->log.checksums_1)
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

/* --- the second walk: blocks that are freed since earlier transactions wrote them --- */

static int read_revokes(struct reader *r, uint32_t type, uint32_t sequence, uint32_t at)
{
	size_t size = r->log.incompat & INCOMPAT_64BIT ? 8 : 4, from = 16, end;
	be32_t count, word[2] = {{{0}}};

	if (type != REVOKE)
		return 0;
	memcpy(&count, r->log.block + sizeof(struct header_disk), sizeof(count));
	end = be32_get(count);
	if (end > r->log.j->block_bytes - (ext4_log_has_checksums(&r->log) ? 4 : 0)) {
		missing(r, "a revoke block of the journal is damaged");
		return 0;
	}
	for (; from + size <= end; from += size) {
		struct revoked v = {.sequence = sequence};

		memcpy(word, r->log.block + from, size);
		v.block = size == 8 ? ext4_log_block_number(&r->log, word[1], word[0])
				    : be32_get(word[0]);
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
	while (ext4_log_next_tag(&r->log, &tag_at, &tag)) {
		struct write w = {.order = r->writes.n};

		at = next(r, at, 1);
		w.to.block = ext4_log_block_number(&r->log, tag.block, tag.block_high);
		w.to.journal = r->log.j->blocks[at];
		w.to.escaped = be16_get(tag.flags) & TAG_ESCAPED;
		if (w.to.block >= r->fs_blocks || is_revoked(r, w.to.block, sequence))
			continue;
		if (ext4_log_read_block(&r->log, at, r->log.data) < 0)
			missing(r, "a part of the journal cannot be read");
		else if (!ext4_log_data_ok(&r->log, &tag, sequence))
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

	if (!r->log.fast_first || r->log.fast_first >= r->log.j->n_blocks)
		return;
	if (ext4_log_read_block(&r->log, r->log.fast_first, r->log.block) < 0)
		return;
	memcpy(&h, r->log.block, sizeof(h));
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
	struct reader r = {.log.j = j, .fs_blocks = fs_blocks};
	int e;

	*ret = (struct ext4_replay){0};
	*ret_why = NULL;
	r.log.block = malloc(j->block_bytes);
	r.log.data = malloc(j->block_bytes);
	e = r.log.block && r.log.data ? ext4_log_read_super(&r.log) : -ENOMEM;
	if (e == 1)
		e = read_log(&r, ret);
	*ret_why = r.log.why;
	free(r.log.block);
	free(r.log.data);
	array_free(&r.revoked);
	array_free(&r.writes);
	return e;
}
