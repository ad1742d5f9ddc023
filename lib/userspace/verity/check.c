/* SPDX-License-Identifier: Apache-2.0 */
/* Complete check of a verity device: finds every damaged block, also below damaged hash blocks. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/diag.h"
#include "base/overflow.h"
#include "base/pool.h"
#include "userspace/verity/mend.h"

#define WINDOW_BYTES  (16ULL * 1024 * 1024) /* of a level, between two calls of env_tick() */
#define PATCHES_BYTES (16ULL * 1024 * 1024)

/* The true contents of a hash block that is corrupt on the medium. */
struct patch {
	int level;
	uint64_t block;
	uint8_t *bytes;
};

/* What a hash block proves about the blocks that it covers. */
enum proof {
	PROOF_ON_MEDIUM, /* it is good: the digests on the medium count */
	PROOF_DONE,      /* corrupt, but all blocks below it were found unchanged */
	PROOF_BY_PATCH,  /* corrupt, but its true contents are known */
	PROOF_NONE,
};

struct scratch {
	struct verity_worker worker;
	struct verity_mender mender;
	uint8_t *parent;  /* one hash block */
	uint8_t *digests; /* of all children, strided like a hash block */
	uint8_t *status;  /* of all children: enum status, and perhaps DIFFERS */
};

enum status { FINE, CORRUPT, UNREADABLE, UNPROVEN, DIFFERS = 0x80 };

struct check {
	const struct verity_device *d;
	struct env *env;
	const uint8_t *root;
	int level;        /* of the children being checked */
	uint8_t *parents; /* enum proof of every block of level+1 */
	uint8_t *own;     /* the same for this level, being filled */
	bool rebuild;     /* mending: the second, thorough attempt */
	pthread_mutex_t lock;
	ARRAY(struct patch) patches;
	ARRAY(struct verity_found) found;
	struct scratch *scratch;
	unsigned n_scratch;
};

typedef int (*found_fn)(void *ctx, const struct verity_found *f);

/* Joins neighbours of one piece. The caller holds the lock. */
static int add_found(struct check *c, uint8_t status, uint64_t block)
{
	static const enum verity_found_kind kinds[] = {[CORRUPT] = VERITY_CORRUPT,
						       [UNREADABLE] = VERITY_UNREADABLE,
						       [UNPROVEN] = VERITY_UNPROVEN};
	struct verity_found f = {.kind = kinds[status & ~DIFFERS],
				 .differs = status & DIFFERS,
				 .level = c->level,
				 .first_block = block,
				 .blocks = 1};
	struct verity_found *last = c->found.n ? &c->found.v[c->found.n - 1] : NULL;

	if (last && last->kind == f.kind && last->differs == f.differs &&
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

static int keep_patch(struct check *c, uint64_t block, const uint8_t *bytes)
{
	struct patch p = {.level = c->level, .block = block};
	size_t size = c->d->params.hash_block_bytes;
	int r = -ENOMEM;

	p.bytes = malloc(size);
	if (!p.bytes)
		return r;
	memcpy(p.bytes, bytes, size);
	pthread_mutex_lock(&c->lock);
	if (c->patches.n < PATCHES_BYTES / size)
		r = array_add(&c->patches, p);
	pthread_mutex_unlock(&c->lock);
	if (r < 0)
		free(p.bytes);
	return r;
}

/* --- one parent's children --- */

/* Fills the digests of all children; those that cannot be read become UNREADABLE. */
static void digest_children(struct scratch *s, int level, uint64_t first, uint64_t n)
{
	uint32_t stride = s->worker.d->tree.digest_stride;
	uint64_t at_once = verity_run_blocks(&s->worker, level);

	memset(s->status, FINE, (size_t)n);
	for (uint64_t i = 0; i < n;) {
		uint64_t end = i + min_u64(at_once, n - i);

		if (verity_hash_run(&s->worker, level, first + i, end - i,
				    s->digests + i * stride) == 0)
			i = end;
		for (; i < end; i++) { /* one by one, to find the unreadable ones */
			if (verity_hash_run(&s->worker, level, first + i, 1,
					    s->digests + i * stride) < 0)
				s->status[i] = UNREADABLE;
		}
	}
}

/* The digests of @parent's children. NULL: its block cannot be read. */
static const uint8_t *expected_digests(struct check *c, struct scratch *s, uint64_t parent)
{
	const struct verity_device *d = c->d;
	struct io *io;
	uint64_t offset;

	if (c->level + 1 == (int)d->tree.levels)
		return c->root;
	if (c->parents[parent] == PROOF_BY_PATCH)
		return find_patch(c, c->level + 1, parent);
	offset = verity_locate(d, c->level + 1, parent, &io);
	return io_read(io, s->parent, d->params.hash_block_bytes, offset) < 0 ? NULL : s->parent;
}

static enum proof proof_of(const struct check *c, uint64_t parent)
{
	return c->level + 1 == (int)c->d->tree.levels ? PROOF_ON_MEDIUM
						      : (enum proof)c->parents[parent];
}

/* Compares the digests and sets the status of every child. Returns how many are not FINE. */
static uint64_t judge(struct check *c, struct scratch *s, uint64_t parent, uint64_t n)
{
	const uint8_t *expected = expected_digests(c, s, parent);
	bool proof = expected && proof_of(c, parent) != PROOF_NONE;
	uint32_t stride = c->d->tree.digest_stride, len = c->d->tree.digest_bytes;
	uint64_t wrong = 0;

	for (uint64_t i = 0; i < n; i++) {
		bool equal = s->status[i] == FINE && expected &&
			     digest_equal(s->digests + i * stride, expected + i * stride, len);

		if (s->status[i] == FINE && proof && !equal)
			s->status[i] = CORRUPT;
		else if (s->status[i] == FINE && !proof)
			s->status[i] = UNPROVEN | (expected && !equal ? DIFFERS : 0);
		wrong += s->status[i] != FINE;
	}
	return wrong;
}

static int keep_wrong(struct check *c, const struct scratch *s, uint64_t first, uint64_t n)
{
	int r = 0;

	pthread_mutex_lock(&c->lock);
	for (uint64_t i = 0; i < n && r >= 0; i++) {
		if (s->status[i] != FINE)
			r = add_found(c, s->status[i], first + i);
		if (s->status[i] != FINE && c->level >= 0)
			c->own[first + i] = PROOF_NONE;
	}
	pthread_mutex_unlock(&c->lock);
	return r;
}

/* All children of one parent. */
static int check_piece(void *ctx, uint64_t parent, unsigned worker)
{
	struct check *c = ctx;
	struct scratch *s = &c->scratch[worker];
	uint64_t first, n = verity_children(c->d, c->level + 1, parent, &first);
	uint64_t wrong = 0;

	if (proof_of(c, parent) !=
	    PROOF_DONE) { /* else mending has read all of them and found them good */
		digest_children(s, c->level, first, n);
		wrong = judge(c, s, parent, n);
	}
	if (c->level < 0)
		env_progress(c->env, n * c->d->params.data_block_bytes);
	return wrong ? keep_wrong(c, s, first, n) : 0;
}

/* --- one level --- */

static int by_block(const void *a, const void *b)
{
	const struct verity_found *x = a, *y = b;

	return x->first_block < y->first_block ? -1 : x->first_block > y->first_block;
}

/* Reports the findings of a window in order, neighbours joined. */
static int tell(struct check *c, found_fn found, void *ctx)
{
	size_t n = c->found.n;
	int r = 0;

	if (n)
		qsort(c->found.v, n, sizeof(*c->found.v), by_block);
	for (size_t i = 0; i < n && r >= 0;) {
		struct verity_found f = c->found.v[i++];

		while (i < n && c->found.v[i].kind == f.kind &&
		       c->found.v[i].differs == f.differs &&
		       c->found.v[i].first_block == f.first_block + f.blocks)
			f.blocks += c->found.v[i++].blocks;
		r = found(ctx, &f);
	}
	c->found.n = 0;
	return r;
}

static int stopped(void)
{
	return diag_fail(DIAG_SIGNAL, ECANCELED, "stopped while checking");
}

/* Runs @fn over pieces [0, @end) of @covers bytes each, window by window. @found NULL: no report.
 */
static int run_windows(struct check *c, pool_fn fn, uint64_t end, uint64_t covers, found_fn found,
		       void *ctx)
{
	uint64_t window = max_u64(pool_workers(c->env->pool), WINDOW_BYTES / covers);

	for (uint64_t first = 0; first < end; first += window) {
		int r = pool_run(c->env->pool, first, min_u64(first + window, end), fn, c,
				 c->env->cancel);

		if (r < 0)
			return r == -ECANCELED ? stopped() : diag_no_memory();
		r = found ? tell(c, found, ctx) : 0;
		if (r < 0)
			return r;
		env_tick(c->env);
	}
	return 0;
}

/* Tries to find the true contents of a corrupt hash block of this level. */
static int mend_piece(void *ctx, uint64_t block, unsigned worker)
{
	struct check *c = ctx;
	struct scratch *s = &c->scratch[worker];
	uint64_t parent = block / c->d->tree.per_block;
	enum verity_mended mended;
	const uint8_t *expected;

	if (c->own[block] != PROOF_NONE || proof_of(c, parent) == PROOF_NONE)
		return 0;
	expected = expected_digests(c, s, parent);
	if (!expected)
		return 0;
	if (c->level + 1 < (int)c->d->tree.levels)
		expected += block % c->d->tree.per_block * c->d->tree.digest_stride;
	mended = verity_mend(&s->mender, c->env, c->level, block, expected, c->rebuild);
	if (mended == VERITY_CHILDREN_PROVE)
		c->own[block] = PROOF_DONE;
	else if (mended == VERITY_MENDED && keep_patch(c, block, s->mender.attempt) == 0)
		c->own[block] = PROOF_BY_PATCH;
	return 0;
}

/* Cheap attempts first, in parallel; then one by one those that rebuild parts of the tree. */
static int mend_level(struct check *c)
{
	uint64_t blocks = verity_level_blocks(c->d, c->level);
	uint64_t covers =
	    (uint64_t)c->d->tree.per_block * verity_level_block_bytes(c->d, c->level - 1);
	int r;

	if (!memchr(c->own, PROOF_NONE, (size_t)blocks))
		return 0;
	c->rebuild = false;
	r = run_windows(c, mend_piece, blocks, covers, NULL, NULL);
	c->rebuild = true;
	for (uint64_t i = 0; i < blocks && c->level > 0 && r >= 0; i++) {
		mend_piece(c, i, 0);
		if (env_cancelled(c->env))
			r = stopped();
	}
	return r;
}

static int check_level(struct check *c, found_fn found, void *ctx)
{
	uint64_t blocks = verity_level_blocks(c->d, c->level);
	uint64_t covers = (uint64_t)c->d->tree.per_block * verity_level_block_bytes(c->d, c->level);
	int r;

	if (c->level >= 0) {
		c->own = calloc((size_t)blocks, 1);
		if (!c->own)
			return diag_no_memory();
	}
	r = run_windows(c, check_piece, div_round_up(blocks, c->d->tree.per_block), covers, found,
			ctx);
	return r >= 0 && c->level >= 0 ? mend_level(c) : r;
}

static int check_all(struct check *c, found_fn found, void *ctx)
{
	int r = 0;

	for (c->level = (int)c->d->tree.levels - 1; c->level >= -1 && r >= 0; c->level--) {
		r = check_level(c, found, ctx);
		free(c->parents);
		c->parents = c->own;
		c->own = NULL;
	}
	return r;
}

/* --- the whole --- */

static int make_scratch(struct check *c)
{
	unsigned n = pool_workers(c->env->pool);

	c->scratch = calloc(n, sizeof(*c->scratch));
	if (!c->scratch)
		return diag_no_memory();
	c->n_scratch = n; /* entries not yet initialised can be freed, too */
	for (unsigned i = 0; i < n; i++) {
		struct scratch *s = &c->scratch[i];
		int r = verity_worker_init(c->d, n, &s->worker);

		if (r < 0)
			return r;
		s->parent = malloc(c->d->params.hash_block_bytes);
		s->digests = malloc(c->d->params.hash_block_bytes);
		s->status = malloc(c->d->tree.per_block);
		if (!s->parent || !s->digests || !s->status ||
		    verity_mender_init(&s->worker, &s->mender) < 0)
			return diag_no_memory();
	}
	return 0;
}

static void free_check(struct check *c)
{
	for (unsigned i = 0; i < c->n_scratch; i++) {
		struct scratch *s = &c->scratch[i];

		verity_mender_free(&s->mender);
		verity_worker_free(&s->worker);
		free(s->parent);
		free(s->digests);
		free(s->status);
	}
	free(c->scratch);
	array_each (p, &c->patches)
		free(p->bytes);
	array_free(&c->patches);
	array_free(&c->found);
	free(c->parents);
	free(c->own);
	pthread_mutex_destroy(&c->lock);
}

int verity_check(const struct verity_device *d, const uint8_t *root, struct env *env,
		 found_fn found, void *ctx)
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
