/* SPDX-License-Identifier: Apache-2.0 */
/* Building a hash tree, level by level, in parallel, in little memory. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/overflow.h"
#include "base/pool.h"
#include "userspace/verity/worker.h"

#define WINDOW_BYTES (16ULL * 1024 * 1024) /* between two calls of done() */
#define PIECE_BYTES  (1024 * 1024)         /* one piece of work, or what one hash block covers */

struct scratch {
	struct verity_worker worker;
	uint8_t *hashes; /* one hash block */
};

/* Building one level of the tree from the level below it. */
struct build {
	const struct verity_device *d;
	struct env *env;
	int from;                /* level that is hashed; -1: data */
	uint64_t per_piece;      /* hash blocks per piece of work */
	struct scratch *scratch; /* one per worker */
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
	b->n_scratch = n; /* entries not yet initialised can be freed, too */
	for (unsigned i = 0; i < n && r >= 0; i++) {
		r = verity_worker_init(b->d, n, &b->scratch[i].worker);
		b->scratch[i].hashes = malloc(b->d->params.hash_block_bytes);
		if (r >= 0 && !b->scratch[i].hashes)
			r = diag_no_memory();
	}
	return r;
}

/* Builds one hash block of the level above b->from. */
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

/* Sets b->from and b->per_piece. Returns the bytes of level @from that one piece covers. */
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

/* Builds the level above @from, starting at byte @start of @from. */
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
