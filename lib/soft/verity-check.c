/* SPDX-License-Identifier: Apache-2.0 */
/* Complete check of a verity device: every damaged block, whatever else is damaged. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/diag.h"
#include "base/overflow.h"
#include "base/pool.h"
#include "soft/verity.h"

#define WINDOW_PIECES 2048 /* parents whose findings are collected before they are told */
#define DOUBTS_MAX    12   /* digests of a corrupt hash block that may be the wrong ones */
#define ATTEMPTS_MAX  100000
#define PATCHES_MAX   4096 /* corrupt hash blocks whose true contents are remembered */

/* A hash block's true contents, where the medium's are corrupt. */
struct patch {
	int level;
	uint64_t block;
	uint8_t *bytes;
};

struct scratch {
	struct block_digest *digest;
	uint8_t *blocks;   /* children, a run at a time */
	uint8_t *parent;   /* one hash block */
	uint8_t *own;      /* the block being solved, as the medium has it */
	uint8_t *attempt;  /* a reconstruction of it */
	uint8_t *digests;  /* of all children, strided like a hash block */
	uint8_t *computed; /* the same, kept while others are computed */
	uint8_t *status;   /* of all children */
};

enum status { FINE, CORRUPT, UNREADABLE, UNPROVEN };

struct check {
	const struct verity_device *d;
	struct env *env;
	const uint8_t *root;
	int level;           /* of the children being checked */
	uint8_t *parent_bad; /* a byte a block of level+1: it vouches for nothing */
	uint8_t *child_bad;  /* the same for this level, being filled */
	pthread_mutex_t lock;
	ARRAY(struct patch) patches;
	ARRAY(struct verity_found) found;
	struct scratch *scratch;
	unsigned n_scratch;
};

static int add_found(struct check *c, enum status status, int level, uint64_t block)
{
	static const enum verity_found_kind kinds[] = {[CORRUPT] = VERITY_CORRUPT,
						       [UNREADABLE] = VERITY_UNREADABLE,
						       [UNPROVEN] = VERITY_UNPROVEN};
	struct verity_found f = {
	    .kind = kinds[status], .level = level, .first_block = block, .blocks = 1};
	struct verity_found *last = c->found.n ? &c->found.v[c->found.n - 1] : NULL;

	if (last && last->kind == f.kind && last->level == level &&
	    last->first_block + last->blocks == block) {
		last->blocks++;
		return 0;
	}
	return array_add(&c->found, f);
}

static const uint8_t *find_patch(struct check *c, int level, uint64_t block)
{
	const uint8_t *bytes = NULL;

	pthread_mutex_lock(&c->lock);
	array_each (p, &c->patches) {
		if (p->level == level && p->block == block)
			bytes = p->bytes;
	}
	pthread_mutex_unlock(&c->lock);
	return bytes;
}

static int keep_patch(struct check *c, int level, uint64_t block, const uint8_t *bytes)
{
	struct patch p = {.level = level, .block = block};
	int r = -ENOMEM;

	p.bytes = malloc(c->d->params.hash_block_bytes);
	if (!p.bytes)
		return r;
	memcpy(p.bytes, bytes, c->d->params.hash_block_bytes);
	pthread_mutex_lock(&c->lock);
	if (c->patches.n < PATCHES_MAX)
		r = array_add(&c->patches, p);
	pthread_mutex_unlock(&c->lock);
	if (r < 0)
		free(p.bytes);
	return r;
}

/* Digests of @n blocks of @level from @first on; what cannot be read gets no digest. */
static void digest_children(const struct verity_device *d, struct scratch *s, int level,
			    uint64_t first, uint64_t n)
{
	uint32_t size = verity_level_block_bytes(d, level), stride = d->tree.digest_stride;
	uint64_t at_once = max_u64(1, VERITY_READ_BYTES / size);
	struct io *io;

	memset(s->digests, 0, d->params.hash_block_bytes);
	memset(s->status, FINE, (size_t)n);
	for (uint64_t i = 0; i < n;) {
		uint64_t run = min_u64(at_once, n - i);
		uint64_t offset = verity_locate(d, level, first + i, &io);

		if (io_read(io, s->blocks, (size_t)(run * size), offset) == 0) {
			block_digest_run(s->digest, s->blocks, size, (size_t)run,
					 s->digests + i * stride, stride);
			i += run;
			continue;
		}
		for (uint64_t end = i + run; i < end; i++) { /* one by one, to tell which */
			offset = verity_locate(d, level, first + i, &io);
			if (io_read(io, s->blocks, size, offset) < 0)
				s->status[i] = UNREADABLE;
			else
				block_digest_run(s->digest, s->blocks, size, 1,
						 s->digests + i * stride, stride);
		}
	}
}

static bool matches(const struct verity_device *d, struct scratch *s, const uint8_t *block,
		    const uint8_t *expected)
{
	uint8_t digest[DIGEST_MAX_BYTES];

	return block_digest_run(s->digest, block, d->params.hash_block_bytes, 1, digest,
				sizeof(digest)) == 0 &&
	       digest_equal(digest, expected, d->tree.digest_bytes);
}

/* The digest that a hash block would have if everything below it were as the data say. */
static int rebuild(const struct verity_device *d, struct scratch *s, int level, uint64_t block,
		   uint8_t *ret)
{
	uint64_t first = block * d->tree.per_block;
	uint64_t n = min_u64(d->tree.per_block, verity_level_blocks(d, level - 1) - first);
	uint8_t *own;
	int r = 0;

	if (level == 0) {
		digest_children(d, s, -1, first, n);
		return block_digest_run(s->digest, s->digests, d->params.hash_block_bytes, 1, ret,
					DIGEST_MAX_BYTES);
	}
	own = calloc(1, d->params.hash_block_bytes);
	if (!own)
		return -ENOMEM;
	for (uint64_t i = 0; i < n && r >= 0; i++) {
		uint8_t digest[DIGEST_MAX_BYTES];

		r = rebuild(d, s, level - 1, first + i, digest);
		memcpy(own + i * d->tree.digest_stride, digest, d->tree.digest_bytes);
	}
	if (r >= 0)
		r = block_digest_run(s->digest, own, d->params.hash_block_bytes, 1, ret,
				     DIGEST_MAX_BYTES);
	free(own);
	return r;
}

/* Digests of a corrupt hash block that may be any of these. */
struct doubts {
	uint64_t at[DOUBTS_MAX]; /* which child */
	uint8_t choice[DOUBTS_MAX][3][DIGEST_MAX_BYTES];
	unsigned n, choices;
};

/* Where the block and what is below it disagree. False: in too many places. */
static bool collect_doubts(const struct verity_device *d, struct scratch *s, int level,
			   uint64_t block, struct doubts *ret)
{
	uint64_t first = block * d->tree.per_block;
	uint64_t n = min_u64(d->tree.per_block, verity_level_blocks(d, level - 1) - first);
	uint32_t stride = d->tree.digest_stride, len = d->tree.digest_bytes;

	ret->n = 0;
	ret->choices = level > 0 ? 3 : 2;
	for (uint64_t i = 0; i < n; i++) {
		if (memcmp(s->computed + i * stride, s->own + i * stride, len) == 0)
			continue;
		if (ret->n == DOUBTS_MAX)
			return false;
		memcpy(ret->choice[ret->n][0], s->computed + i * stride, len);
		memcpy(ret->choice[ret->n][1], s->own + i * stride, len);
		ret->at[ret->n++] = i;
	}
	for (unsigned i = 0; i < ret->n && level > 0; i++) {
		if (rebuild(d, s, level - 1, first + ret->at[i], ret->choice[i][2]) < 0)
			return false;
	}
	return true;
}

/* Tries every choice of every doubt, like counting. True: s->attempt is it. */
static bool try_choices(const struct verity_device *d, struct scratch *s,
			const struct doubts *doubts, const uint8_t *expected)
{
	unsigned digit[DOUBTS_MAX] = {0}, i;
	uint64_t attempts = 0;

	memcpy(s->attempt, s->computed, d->params.hash_block_bytes);
	do {
		for (i = 0; i < doubts->n; i++)
			memcpy(s->attempt + doubts->at[i] * d->tree.digest_stride,
			       doubts->choice[i][digit[i]], d->tree.digest_bytes);
		if (matches(d, s, s->attempt, expected))
			return true;
		for (i = 0; i < doubts->n && ++digit[i] == doubts->choices; i++)
			digit[i] = 0;
	} while (i < doubts->n && ++attempts < ATTEMPTS_MAX);
	return false;
}

/*
 * A hash block of @level is corrupt, its own digest @expected is not. Its true contents are, digest
 * by digest, what it says, or what the block below has, or what that would have if it were made
 * from the data anew: where these agree there is no doubt, and of the others all choices are tried.
 * True: s->attempt holds the true contents.
 */
static bool solve(const struct verity_device *d, struct scratch *s, int level, uint64_t block,
		  const uint8_t *expected)
{
	uint64_t first = block * d->tree.per_block;
	uint64_t n = min_u64(d->tree.per_block, verity_level_blocks(d, level - 1) - first);
	struct doubts doubts;

	digest_children(d, s, level - 1, first, n);
	memcpy(s->computed, s->digests, d->params.hash_block_bytes);
	memcpy(s->attempt, s->computed, d->params.hash_block_bytes);
	if (matches(d, s, s->attempt, expected))
		return true;
	return collect_doubts(d, s, level, block, &doubts) && try_choices(d, s, &doubts, expected);
}

/* Is the hash block still good for vouching, through its true contents? */
static bool mend(struct check *c, struct scratch *s, uint64_t block, const uint8_t *expected)
{
	const struct verity_device *d = c->d;
	struct io *io;
	uint64_t offset = verity_locate(d, c->level, block, &io);

	if (io_read(io, s->own, d->params.hash_block_bytes, offset) < 0)
		memset(s->own, 0, d->params.hash_block_bytes);
	return solve(d, s, c->level, block, expected) &&
	       keep_patch(c, c->level, block, s->attempt) == 0;
}

/* What vouches for the children of @parent: NULL when nothing does. */
static const uint8_t *vouching(struct check *c, struct scratch *s, uint64_t parent)
{
	const struct verity_device *d = c->d;
	const uint8_t *patch;
	struct io *io;
	uint64_t offset;

	if (c->level + 1 == (int)d->tree.levels)
		return c->root;
	if (c->parent_bad[parent])
		return NULL;
	patch = find_patch(c, c->level + 1, parent);
	if (patch)
		return patch;
	offset = verity_locate(d, c->level + 1, parent, &io);
	return io_read(io, s->parent, d->params.hash_block_bytes, offset) < 0 ? NULL : s->parent;
}

static void judge(const struct verity_device *d, struct scratch *s, const uint8_t *expected,
		  uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		if (!expected)
			s->status[i] = UNPROVEN;
		else if (s->status[i] == FINE &&
			 !digest_equal(s->digests + i * d->tree.digest_stride,
				       expected + i * d->tree.digest_stride, d->tree.digest_bytes))
			s->status[i] = CORRUPT;
	}
}

/* All children of one parent. */
static int check_piece(void *ctx, uint64_t parent, unsigned worker)
{
	struct check *c = ctx;
	const struct verity_device *d = c->d;
	struct scratch *s = &c->scratch[worker];
	uint64_t first = parent * d->tree.per_block;
	uint64_t n = min_u64(d->tree.per_block, verity_level_blocks(d, c->level) - first);
	const uint8_t *expected = vouching(c, s, parent);
	uint64_t wrong = 0;
	int r = 0;

	digest_children(d, s, c->level, first, n);
	judge(d, s, expected, n);
	if (c->level < 0)
		env_progress(c->env, n * d->params.data_block_bytes);
	for (uint64_t i = 0; i < n; i++)
		wrong += s->status[i] != FINE;
	if (!wrong)
		return 0;
	pthread_mutex_lock(&c->lock);
	for (uint64_t i = 0; i < n && r >= 0; i++) {
		if (s->status[i] != FINE)
			r = add_found(c, (enum status)s->status[i], c->level, first + i);
		if (s->status[i] != FINE && c->level >= 0)
			c->child_bad[first + i] = 1;
	}
	pthread_mutex_unlock(&c->lock);
	return r;
}

/* The hash blocks of this level that turned out corrupt: can they be reconstructed? One by one. */
static void mend_level(struct check *c)
{
	const struct verity_device *d = c->d;
	struct scratch *s = &c->scratch[0];

	for (uint64_t i = 0; i < verity_level_blocks(d, c->level); i++) {
		const uint8_t *expected;

		if (!c->child_bad[i])
			continue;
		expected = vouching(c, s, i / d->tree.per_block);
		if (expected && c->level + 1 < (int)d->tree.levels)
			expected += i % d->tree.per_block * d->tree.digest_stride;
		if (expected && mend(c, s, i, expected))
			c->child_bad[i] = 0;
	}
}

static int by_block(const void *a, const void *b)
{
	const struct verity_found *x = a, *y = b;

	return x->first_block < y->first_block ? -1 : x->first_block > y->first_block;
}

/* Tells what a window found, in order, neighbours put together. */
static int tell(struct check *c, int (*found)(void *ctx, const struct verity_found *f), void *ctx)
{
	size_t n = c->found.n;
	int r = 0;

	if (n)
		qsort(c->found.v, n, sizeof(*c->found.v), by_block);
	for (size_t i = 0; i < n && r >= 0;) {
		struct verity_found f = c->found.v[i++];

		while (i < n && c->found.v[i].kind == f.kind &&
		       c->found.v[i].first_block == f.first_block + f.blocks)
			f.blocks += c->found.v[i++].blocks;
		r = found(ctx, &f);
	}
	c->found.n = 0;
	return r;
}

static int check_level(struct check *c, int (*found)(void *ctx, const struct verity_found *f),
		       void *ctx)
{
	uint64_t parents = div_round_up(verity_level_blocks(c->d, c->level), c->d->tree.per_block);
	int r;

	for (uint64_t first = 0; first < parents; first += WINDOW_PIECES) {
		r = pool_run(c->env->pool, first, min_u64(first + WINDOW_PIECES, parents),
			     check_piece, c, c->env->cancel);
		if (r == -ECANCELED)
			return diag_fail(DIAG_SIGNAL, ECANCELED, "stopped while checking");
		if (r < 0)
			return diag_no_memory();
		r = tell(c, found, ctx);
		if (r < 0)
			return r;
		if (c->env->tick)
			c->env->tick(c->env);
	}
	return 0;
}

static int check_all(struct check *c, int (*found)(void *ctx, const struct verity_found *f),
		     void *ctx)
{
	int r = 0;

	for (c->level = (int)c->d->tree.levels - 1; c->level >= -1 && r >= 0; c->level--) {
		if (c->level >= 0) {
			c->child_bad = calloc(verity_level_blocks(c->d, c->level), 1);
			if (!c->child_bad)
				return diag_no_memory();
		}
		r = check_level(c, found, ctx);
		if (c->level >= 0 && r >= 0)
			mend_level(c);
		free(c->parent_bad);
		c->parent_bad = c->child_bad;
		c->child_bad = NULL;
	}
	return r;
}

static int make_scratch(struct check *c)
{
	const struct verity_params *p = &c->d->params;
	unsigned n = pool_workers(c->env->pool);
	size_t room = VERITY_READ_BYTES;

	room = p->data_block_bytes > room ? p->data_block_bytes : room;
	room = p->hash_block_bytes > room ? p->hash_block_bytes : room;
	c->scratch = calloc(n, sizeof(*c->scratch));
	if (!c->scratch)
		return diag_no_memory();
	c->n_scratch = n;
	for (unsigned i = 0; i < n; i++) {
		struct scratch *s = &c->scratch[i];

		s->digest = verity_digester(c->d);
		s->blocks = malloc(room);
		s->parent = malloc(p->hash_block_bytes);
		s->own = malloc(p->hash_block_bytes);
		s->attempt = malloc(p->hash_block_bytes);
		s->digests = malloc(p->hash_block_bytes);
		s->computed = malloc(p->hash_block_bytes);
		s->status = malloc(c->d->tree.per_block);
		if (!s->digest || !s->blocks || !s->parent || !s->own || !s->attempt ||
		    !s->digests || !s->computed || !s->status)
			return diag_no_memory();
	}
	return 0;
}

static void free_check(struct check *c)
{
	for (unsigned i = 0; i < c->n_scratch; i++) {
		struct scratch *s = &c->scratch[i];

		block_digest_free(s->digest);
		free(s->blocks);
		free(s->parent);
		free(s->own);
		free(s->attempt);
		free(s->digests);
		free(s->computed);
		free(s->status);
	}
	free(c->scratch);
	array_each (p, &c->patches)
		free(p->bytes);
	array_free(&c->patches);
	array_free(&c->found);
	free(c->parent_bad);
	free(c->child_bad);
	pthread_mutex_destroy(&c->lock);
}

int verity_check(const struct verity_device *d, const uint8_t *root, struct env *env,
		 int (*found)(void *ctx, const struct verity_found *f), void *ctx)
{
	struct check c = {.d = d, .env = env, .root = root};
	int r;

	pthread_mutex_init(&c.lock, NULL);
	r = make_scratch(&c);
	if (r >= 0)
		r = check_all(&c, found, ctx);
	free_check(&c);
	return r;
}
