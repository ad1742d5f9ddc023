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
#include "soft/verity.h"

#define WINDOW_BYTES (64ULL * 1024 * 1024) /* between two calls of done() */

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

int verity_prepare(struct verity_device *d)
{
	uint32_t digest = (uint32_t)digest_bytes(d->params.algorithm);
	uint64_t data = d->params.data_blocks * d->params.data_block_bytes;

	if (!digest)
		return diag_fail(DIAG_NOT_BUILT, ENOTSUP, "hash algorithm \"%s\" is not known",
				 d->params.algorithm);
	if (verity_tree(&d->params, digest, &d->tree) < 0)
		return diag_fail(DIAG_DAMAGED, ERANGE,
				 "no hash tree is possible with blocks of %u bytes and %s",
				 d->params.hash_block_bytes, d->params.algorithm);
	if (data > d->data->size_bytes)
		return diag_fail(DIAG_DAMAGED, ERANGE,
				 "%s has %" PRIu64 " bytes, but its hash tree is for %" PRIu64,
				 d->data->name, d->data->size_bytes, data);
	if (!range_inside(d->tree_offset_bytes, d->tree.total_blocks * d->params.hash_block_bytes,
			  d->hash->size_bytes))
		return diag_fail(DIAG_DAMAGED, ERANGE,
				 "%s is too small for a hash tree of %" PRIu64 " blocks",
				 d->hash->name, d->tree.total_blocks);
	return 0;
}

struct block_digest *verity_digester(const struct verity_device *d)
{
	struct block_digest *ret = NULL;

	block_digest_new(d->params.algorithm, d->params.salt, d->params.salt_len,
			 d->params.hash_type == 1, &ret);
	return ret;
}

/* --- building --- */

struct scratch {
	struct block_digest *digest;
	uint8_t *blocks; /* VERITY_READ_BYTES, or one block if that is larger */
	uint8_t *hashes; /* one hash block */
};

/* One level of the tree being made from the level below it. */
struct build {
	const struct verity_device *d;
	struct env *env;
	int from;           /* level that is hashed; -1: data */
	uint64_t per_piece; /* hash blocks that a piece makes */
	uint8_t zero_digest[DIGEST_MAX_BYTES];
	struct scratch *scratch; /* one a worker */
	unsigned n_scratch;
};

static void free_scratch(struct build *b)
{
	for (unsigned i = 0; i < b->n_scratch; i++) {
		block_digest_free(b->scratch[i].digest);
		free(b->scratch[i].blocks);
		free(b->scratch[i].hashes);
	}
	free(b->scratch);
}

static size_t read_room(const struct verity_device *d)
{
	size_t room = VERITY_READ_BYTES;

	room = d->params.data_block_bytes > room ? d->params.data_block_bytes : room;
	return d->params.hash_block_bytes > room ? d->params.hash_block_bytes : room;
}

static int make_scratch(struct build *b)
{
	unsigned n = pool_workers(b->env->pool);

	b->scratch = calloc(n, sizeof(*b->scratch));
	if (!b->scratch)
		return diag_no_memory();
	for (; b->n_scratch < n; b->n_scratch++) {
		struct scratch *s = &b->scratch[b->n_scratch];

		s->digest = verity_digester(b->d);
		s->blocks = malloc(read_room(b->d));
		s->hashes = malloc(b->d->params.hash_block_bytes);
		if (!s->digest || !s->blocks || !s->hashes) {
			b->n_scratch++;
			return s->digest ? diag_no_memory() : -ENOTSUP;
		}
	}
	return 0;
}

/* Digests of @n blocks of the level below, from @block on, into @hashes. Holes are not read. */
static int hash_run(const struct build *b, struct scratch *s, uint64_t block, uint64_t n,
		    uint8_t *hashes)
{
	const struct verity_device *d = b->d;
	uint32_t size = verity_level_block_bytes(d, b->from);
	struct io *io;
	uint64_t offset = verity_locate(d, b->from, block, &io), hole = 0;
	bool data = true;
	int r;

	if (b->from < 0 && io_extent(io, offset, &data, &hole) == 0 && !data && hole >= n * size) {
		for (uint64_t i = 0; i < n; i++)
			memcpy(hashes + i * d->tree.digest_stride, b->zero_digest,
			       d->tree.digest_bytes);
		return 0;
	}
	r = io_read(io, s->blocks, (size_t)(n * size), offset);
	if (r < 0)
		return r;
	return block_digest_run(s->digest, s->blocks, size, (size_t)n, hashes,
				d->tree.digest_stride);
}

/* One hash block of the level above b->from. */
static int build_block(const struct build *b, struct scratch *s, uint64_t hash_block)
{
	const struct verity_device *d = b->d;
	uint32_t size = verity_level_block_bytes(d, b->from);
	uint64_t first = hash_block * d->tree.per_block;
	uint64_t n = min_u64(d->tree.per_block, verity_level_blocks(d, b->from) - first);
	uint64_t at_once = max_u64(1, VERITY_READ_BYTES / size), offset;
	struct io *io;

	memset(s->hashes, 0, d->params.hash_block_bytes);
	for (uint64_t i = 0; i < n;) {
		uint64_t run = min_u64(at_once, n - i);
		int r = hash_run(b, s, first + i, run, s->hashes + i * d->tree.digest_stride);

		if (r < 0)
			return r;
		if (b->from < 0)
			env_progress(b->env, run * size);
		i += run;
	}
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

/* Pieces of about VERITY_READ_BYTES of the level below, at least one hash block each. */
static void choose_pieces(struct build *b, int from)
{
	uint64_t covers = (uint64_t)b->d->tree.per_block * verity_level_block_bytes(b->d, from);

	b->from = from;
	b->per_piece = max_u64(1, VERITY_READ_BYTES / covers);
}

static int fail_build(const struct build *b, int r)
{
	if (r == -ECANCELED)
		return diag_fail(DIAG_SIGNAL, ECANCELED, "stopped while the hash tree was made");
	return io_fail(b->from < 0 ? b->d->data : b->d->hash, r, "making the hash tree from", 0,
		       verity_level_blocks(b->d, b->from) *
			   verity_level_block_bytes(b->d, b->from));
}

static int build_data_level(struct build *b, uint64_t start, int (*done)(void *ctx, uint64_t bytes),
			    void *ctx)
{
	const struct verity_device *d = b->d;
	uint64_t covers, pieces, window, piece;

	choose_pieces(b, -1);
	covers = b->per_piece * d->tree.per_block * d->params.data_block_bytes;
	pieces = div_round_up(d->tree.level[0].blocks, b->per_piece);
	window = max_u64(1, WINDOW_BYTES / covers);
	env_progress(b->env, min_u64(start, d->params.data_blocks * d->params.data_block_bytes));
	for (piece = start / covers; piece < pieces;) {
		uint64_t end = min_u64(piece + window, pieces);
		int r = pool_run(b->env->pool, piece, end, build_piece, b, b->env->cancel);

		if (r < 0)
			return fail_build(b, r);
		r = done ? done(ctx, end * covers) : 0;
		if (r < 0)
			return r;
		if (b->env->tick)
			b->env->tick(b->env);
		piece = end;
	}
	return 0;
}

static int build_levels(struct build *b, uint64_t start, int (*done)(void *ctx, uint64_t bytes),
			void *ctx)
{
	const struct verity_device *d = b->d;
	int r;

	if (d->tree.levels == 0)
		return 0;
	r = build_data_level(b, start, done, ctx);
	for (int from = 0; from + 1 < (int)d->tree.levels && r >= 0; from++) {
		choose_pieces(b, from);
		r = pool_run(b->env->pool, 0,
			     div_round_up(d->tree.level[from + 1].blocks, b->per_piece),
			     build_piece, b, b->env->cancel);
		if (r < 0)
			return fail_build(b, r);
	}
	return r;
}

int verity_build(const struct verity_device *d, struct env *env, uint64_t start,
		 int (*done)(void *ctx, uint64_t bytes), void *ctx)
{
	struct build b = {.d = d, .env = env};
	int r = make_scratch(&b);

	if (r >= 0) {
		memset(b.scratch[0].blocks, 0, d->params.data_block_bytes);
		r = block_digest_run(b.scratch[0].digest, b.scratch[0].blocks,
				     d->params.data_block_bytes, 1, b.zero_digest,
				     DIGEST_MAX_BYTES);
	}
	if (r >= 0)
		r = build_levels(&b, start, done, ctx);
	free_scratch(&b);
	return r;
}

int verity_root(const struct verity_device *d, uint8_t ret[static DIGEST_MAX_BYTES])
{
	int top = (int)d->tree.levels - 1; /* -1: the only data block */
	uint32_t size = verity_level_block_bytes(d, top);
	struct block_digest *digest = verity_digester(d);
	_cleanup_free_ uint8_t *block = malloc(size);
	struct io *io;
	uint64_t offset = verity_locate(d, top, 0, &io);
	int r;

	if (!block || !digest) {
		block_digest_free(digest);
		return diag_no_memory();
	}
	r = io_read(io, block, size, offset);
	if (r >= 0)
		r = block_digest_run(digest, block, size, 1, ret, DIGEST_MAX_BYTES);
	block_digest_free(digest);
	return r < 0 ? io_fail(io, r, "reading", offset, size) : 0;
}
