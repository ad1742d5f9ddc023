/* SPDX-License-Identifier: Apache-2.0 */
/* dm-verity in user space: building the tree, level by level, in parallel, in little memory. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/overflow.h"
#include "base/pool.h"
#include "userspace/verity/private.h"

#define WINDOW_BYTES (16ULL * 1024 * 1024) /* between two calls of done() */
#define READ_BYTES   (1024 * 1024)         /* of one worker, at most */
#define READS_BYTES  (16 * 1024 * 1024)    /* of all workers together */
#define PIECE_BYTES  (1024 * 1024)         /* one piece of work, or what one hash block covers */

/* --- geometry --- */

uint64_t verity_level_blocks(const struct verity_device *d, int level)
{
	return level < 0 ? d->params.data_blocks : d->tree.level[level].blocks;
}

uint32_t verity_level_block_bytes(const struct verity_device *d, int level)
{
	return level < 0 ? d->params.data_block_bytes : d->params.hash_block_bytes;
}

uint64_t verity_locate(const struct verity_device *d, int level, uint64_t block, struct io **ret_io)
{
	*ret_io = level < 0 ? d->data : d->hash;
	if (level < 0)
		return block * d->params.data_block_bytes;
	return d->tree_offset_bytes +
	       (d->tree.level[level].first_block + block) * d->params.hash_block_bytes;
}

uint64_t verity_children(const struct verity_device *d, int level, uint64_t block,
			 uint64_t *ret_first)
{
	*ret_first = block * d->tree.per_block;
	return min_u64(d->tree.per_block, verity_level_blocks(d, level - 1) - *ret_first);
}

int verity_prepare(struct verity_device *d)
{
	const struct verity_params *p = &d->params;
	uint32_t digest = (uint32_t)digest_bytes(p->algorithm);
	uint64_t data;

	if (!digest)
		return diag_fail(DIAG_NOT_BUILT, ENOTSUP, "hash algorithm \"%s\" is not known",
				 p->algorithm);
	if (verity_tree(p, digest, &d->tree) < 0)
		return diag_fail(DIAG_DAMAGED, ERANGE,
				 "no hash tree is possible over %" PRIu64
				 " blocks with blocks of %u bytes and %s",
				 p->data_blocks, p->hash_block_bytes, p->algorithm);
	if (!mul_u64(p->data_blocks, p->data_block_bytes, &data) || data > d->data->size_bytes)
		return diag_fail(
		    DIAG_DAMAGED, ERANGE,
		    "%s has %" PRIu64 " bytes, but its hash tree is for %" PRIu64 " blocks of %u",
		    d->data->name, d->data->size_bytes, p->data_blocks, p->data_block_bytes);
	if (!range_inside(d->tree_offset_bytes, d->tree.total_blocks * p->hash_block_bytes,
			  d->hash->size_bytes))
		return diag_fail(DIAG_DAMAGED, ERANGE,
				 "%s is too small for a hash tree of %" PRIu64 " blocks",
				 d->hash->name, d->tree.total_blocks);
	return 0;
}

/* --- hashing runs of blocks --- */

static size_t read_room(const struct verity_params *p, unsigned workers)
{
	uint64_t room = min_u64(READ_BYTES, READS_BYTES / workers);

	room = max_u64(room, p->data_block_bytes);
	return (size_t)max_u64(room, p->hash_block_bytes);
}

int verity_worker_init(const struct verity_device *d, unsigned workers, struct verity_worker *ret)
{
	const struct verity_params *p = &d->params;
	struct verity_worker w = {.d = d, .room_bytes = read_room(p, workers)};
	int r = block_digest_new(p->algorithm, p->salt, p->salt_len, p->hash_type == 1, &w.digest);

	if (r < 0)
		return r;
	w.blocks = calloc(1, w.room_bytes);
	r = w.blocks ? block_digest_run(w.digest, w.blocks, p->data_block_bytes, 1, w.zero,
					sizeof(w.zero))
		     : -ENOMEM;
	if (r < 0) {
		verity_worker_free(&w);
		return diag_no_memory();
	}
	*ret = w;
	return 0;
}

void verity_worker_free(struct verity_worker *w)
{
	block_digest_free(w->digest);
	free(w->blocks);
	*w = (struct verity_worker){0};
}

uint64_t verity_run_blocks(const struct verity_worker *w, int level)
{
	return w->room_bytes / verity_level_block_bytes(w->d, level);
}

static bool is_zero(const uint8_t *p, size_t n)
{
	return p[0] == 0 && memcmp(p, p + 1, n - 1) == 0;
}

static bool is_hole(struct io *io, uint64_t offset, uint64_t len)
{
	uint64_t hole;
	bool data;

	return io_extent(io, offset, &data, &hole) == 0 && !data && hole >= len;
}

/* What fits into w->blocks. Data of zeroes are common, and their digest is known. */
static int hash_few(struct verity_worker *w, int level, uint64_t first, uint64_t n, uint8_t *ret)
{
	uint32_t size = verity_level_block_bytes(w->d, level), stride = w->d->tree.digest_stride;
	struct io *io;
	uint64_t offset = verity_locate(w->d, level, first, &io);
	bool hole = level < 0 && is_hole(io, offset, n * size);
	int r = hole ? 0 : io_read(io, w->blocks, (size_t)(n * size), offset);

	for (uint64_t i = 0; i < n && r >= 0; i++) {
		const uint8_t *block = w->blocks + i * size;

		if (hole || (level < 0 && is_zero(block, size)))
			memcpy(ret + i * stride, w->zero, w->d->tree.digest_bytes);
		else
			r = block_digest_run(w->digest, block, size, 1, ret + i * stride, stride);
	}
	return r;
}

int verity_hash_run(struct verity_worker *w, int level, uint64_t first, uint64_t n, uint8_t *ret)
{
	uint64_t at_once = verity_run_blocks(w, level);
	int r = 0;

	for (uint64_t i = 0; i < n && r >= 0; i += at_once)
		r = hash_few(w, level, first + i, min_u64(at_once, n - i),
			     ret + i * w->d->tree.digest_stride);
	return r;
}

bool verity_block_matches(struct verity_worker *w, const uint8_t *block, const uint8_t *expected)
{
	uint8_t digest[DIGEST_MAX_BYTES];

	return block_digest_run(w->digest, block, w->d->params.hash_block_bytes, 1, digest,
				sizeof(digest)) == 0 &&
	       digest_equal(digest, expected, w->d->tree.digest_bytes);
}

/* --- building --- */

struct scratch {
	struct verity_worker worker;
	uint8_t *hashes; /* one hash block */
};

/* One level of the tree being made from the level below it. */
struct build {
	const struct verity_device *d;
	struct env *env;
	int from;                /* level that is hashed; -1: data */
	uint64_t per_piece;      /* hash blocks that a piece makes */
	struct scratch *scratch; /* one a worker */
	unsigned n_scratch;
};

static void free_scratch(struct build *b)
{
	for (unsigned i = 0; i < b->n_scratch; i++) {
		verity_worker_free(&b->scratch[i].worker);
		free(b->scratch[i].hashes);
	}
	free(b->scratch);
}

static int make_scratch(struct build *b)
{
	unsigned n = pool_workers(b->env->pool);
	int r = 0;

	b->scratch = calloc(n, sizeof(*b->scratch));
	if (!b->scratch)
		return diag_no_memory();
	b->n_scratch = n; /* what is not there yet can be freed, too */
	for (unsigned i = 0; i < n && r >= 0; i++) {
		r = verity_worker_init(b->d, n, &b->scratch[i].worker);
		b->scratch[i].hashes = malloc(b->d->params.hash_block_bytes);
		if (r >= 0 && !b->scratch[i].hashes)
			r = diag_no_memory();
	}
	return r;
}

/* One hash block of the level above b->from. */
static int build_block(const struct build *b, struct scratch *s, uint64_t hash_block)
{
	const struct verity_device *d = b->d;
	uint64_t first, n = verity_children(d, b->from + 1, hash_block, &first), offset;
	struct io *io;
	int r;

	memset(s->hashes, 0, d->params.hash_block_bytes);
	r = verity_hash_run(&s->worker, b->from, first, n, s->hashes);
	if (r < 0)
		return r;
	if (b->from < 0)
		env_progress(b->env, n * d->params.data_block_bytes);
	offset = verity_locate(d, b->from + 1, hash_block, &io);
	return io_write(io, s->hashes, d->params.hash_block_bytes, offset);
}

static int build_piece(void *ctx, uint64_t piece, unsigned worker)
{
	struct build *b = ctx;
	uint64_t first = piece * b->per_piece;
	uint64_t end = min_u64(first + b->per_piece, verity_level_blocks(b->d, b->from + 1));

	for (uint64_t i = first; i < end; i++) {
		int r = build_block(b, &b->scratch[worker], i);

		if (r < 0)
			return r;
	}
	return 0;
}

/* Bytes of the level below that a piece covers: at least those of one hash block. */
static uint64_t choose_pieces(struct build *b, int from)
{
	uint64_t covers = (uint64_t)b->d->tree.per_block * verity_level_block_bytes(b->d, from);

	b->from = from;
	b->per_piece = max_u64(1, PIECE_BYTES / covers);
	return b->per_piece * covers;
}

static int fail_build(const struct build *b, int r)
{
	if (r == -ECANCELED)
		return diag_fail(DIAG_SIGNAL, ECANCELED, "stopped while the hash tree was made");
	return io_fail(b->from < 0 ? b->d->data : b->d->hash, r, "making the hash tree from", 0,
		       verity_level_blocks(b->d, b->from) *
			   verity_level_block_bytes(b->d, b->from));
}

/* The level above @from, from byte @start of @from on. */
static int build_level(struct build *b, int from, uint64_t start,
		       int (*done)(void *ctx, uint64_t bytes), void *ctx)
{
	uint64_t covers = choose_pieces(b, from);
	uint64_t end = verity_level_blocks(b->d, from) * verity_level_block_bytes(b->d, from);
	uint64_t pieces = div_round_up(end, covers);
	uint64_t window = max_u64(pool_workers(b->env->pool), WINDOW_BYTES / covers);
	int r = 0;

	for (uint64_t piece = start / covers; piece < pieces && r >= 0; piece += window) {
		uint64_t last = min_u64(piece + window, pieces);

		r = pool_run(b->env->pool, piece, last, build_piece, b, b->env->cancel);
		if (r < 0)
			return fail_build(b, r);
		r = done ? done(ctx, min_u64(last * covers, end)) : 0;
		env_tick(b->env);
	}
	return r;
}

int verity_build(const struct verity_device *d, struct env *env, uint64_t start,
		 int (*done)(void *ctx, uint64_t bytes), void *ctx)
{
	struct build b = {.d = d, .env = env};
	int r = make_scratch(&b);

	if (r >= 0 && d->tree.levels > 0) {
		env_progress(env,
			     min_u64(start, d->params.data_blocks * d->params.data_block_bytes));
		r = build_level(&b, -1, start, done, ctx);
	}
	for (int from = 0; from + 1 < (int)d->tree.levels && r >= 0; from++)
		r = build_level(&b, from, 0, NULL, NULL);
	free_scratch(&b);
	return r;
}

int verity_root(const struct verity_device *d, uint8_t ret[static DIGEST_MAX_BYTES])
{
	int top = (int)d->tree.levels - 1; /* -1: the only data block */
	uint32_t size = verity_level_block_bytes(d, top);
	struct verity_worker w;
	struct io *io;
	uint64_t offset = verity_locate(d, top, 0, &io);
	uint8_t digest[DIGEST_MAX_BYTES];
	int r = verity_worker_init(d, 1, &w);

	if (r < 0)
		return r;
	r = verity_hash_run(&w, top, 0, 1, digest);
	verity_worker_free(&w);
	if (r < 0)
		return io_fail(io, r, "reading", offset, size);
	memcpy(ret, digest, d->tree.digest_bytes);
	return 0;
}
