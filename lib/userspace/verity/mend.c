/* SPDX-License-Identifier: Apache-2.0 */
/* Reconstructs a corrupt hash block from the blocks that it covers; its digest proves the result.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/overflow.h"
#include "userspace/verity/mend.h"

#define DOUBTS_MAX   12 /* uncertain digests of one hash block */
#define CHOICES_MAX  3
#define ATTEMPTS_MAX 100000

int verity_mender_init(struct verity_worker *w, struct verity_mender *ret)
{
	size_t size = w->d->params.hash_block_bytes;

	*ret = (struct verity_mender){
	    .w = w, .own = malloc(size), .computed = malloc(size), .attempt = malloc(size)};
	if (ret->own && ret->computed && ret->attempt)
		return 0;
	verity_mender_free(ret);
	return -ENOMEM;
}

void verity_mender_free(struct verity_mender *m)
{
	free(m->own);
	free(m->computed);
	free(m->attempt);
	*m = (struct verity_mender){0};
}

/* The digest of a hash block whose whole subtree is rebuilt from the data. */
static int digest_rebuilt(struct verity_mender *m, struct env *env, int level, uint64_t block,
			  uint8_t *ret)
{
	const struct verity_device *d = m->w->d;
	uint32_t size = d->params.hash_block_bytes, stride = d->tree.digest_stride;
	uint64_t first, n = verity_children(d, level, block, &first);
	uint8_t *rebuilt = calloc(1, size);
	int r = 0;

	if (!rebuilt)
		return -ENOMEM;
	if (env_cancelled(env))
		r = -ECANCELED;
	else if (level == 0)
		r = verity_hash_run(m->w, -1, first, n, rebuilt);
	for (uint64_t i = 0; level > 0 && i < n && r >= 0; i++) {
		uint8_t digest[DIGEST_MAX_BYTES];

		r = digest_rebuilt(m, env, level - 1, first + i, digest);
		if (r >= 0)
			memcpy(rebuilt + i * stride, digest, d->tree.digest_bytes);
	}
	if (r >= 0)
		r = block_digest_run(m->w->digest, rebuilt, size, 1, ret, DIGEST_MAX_BYTES);
	if (level == 1)
		env_tick(env);
	free(rebuilt);
	return r;
}

/* The uncertain digests of a corrupt hash block, with the candidates for each. */
struct doubts {
	uint64_t at[DOUBTS_MAX]; /* which child */
	uint8_t choice[DOUBTS_MAX][CHOICES_MAX][DIGEST_MAX_BYTES];
	unsigned n, choices;
};

/* Collects the digests where the block and the blocks below it disagree. False: too many. */
static bool collect(const struct verity_mender *m, uint64_t n, struct doubts *ret)
{
	uint32_t stride = m->w->d->tree.digest_stride, len = m->w->d->tree.digest_bytes;

	ret->n = 0;
	ret->choices = 2;
	for (uint64_t i = 0; i < n; i++) {
		const uint8_t *computed = m->computed + i * stride, *own = m->own + i * stride;

		if (memcmp(computed, own, len) == 0)
			continue;
		if (ret->n == DOUBTS_MAX)
			return false;
		memcpy(ret->choice[ret->n][0], computed, len);
		memcpy(ret->choice[ret->n][1], own, len);
		ret->at[ret->n++] = i;
	}
	return true;
}

/* The digest of child @i as rebuilt from the data; if that fails, its digest as it is. */
static int child_rebuilt(struct verity_mender *m, struct env *env, int level, uint64_t first,
			 uint64_t i, uint8_t *ret)
{
	const struct verity_tree *t = &m->w->d->tree;
	int r = digest_rebuilt(m, env, level - 1, first + i, ret);

	if (r < 0)
		memcpy(ret, m->computed + i * t->digest_stride, t->digest_bytes);
	return r == -ECANCELED ? r : 0;
}

/* Adds a third candidate, for when a hash block below and its digest here are both corrupt. */
static bool collect_rebuilt(struct verity_mender *m, struct env *env, int level, uint64_t first,
			    struct doubts *doubts)
{
	doubts->choices = 3;
	for (unsigned i = 0; i < doubts->n; i++) {
		if (child_rebuilt(m, env, level, first, doubts->at[i], doubts->choice[i][2]) < 0)
			return false;
	}
	return true;
}

/* Replaces m->own, which is of no use, by digests rebuilt from the data. */
static bool replace_own(struct verity_mender *m, struct env *env, int level, uint64_t first,
			uint64_t n)
{
	const struct verity_tree *t = &m->w->d->tree;

	memset(m->own, 0, m->w->d->params.hash_block_bytes);
	for (uint64_t i = 0; i < n; i++) {
		uint8_t digest[DIGEST_MAX_BYTES];

		if (child_rebuilt(m, env, level, first, i, digest) < 0)
			return false;
		memcpy(m->own + i * t->digest_stride, digest, t->digest_bytes);
	}
	return true;
}

/* Tries all combinations of candidates. True: m->attempt has the right one. */
static bool try_choices(struct verity_mender *m, const struct doubts *doubts,
			const uint8_t *expected)
{
	const struct verity_device *d = m->w->d;
	unsigned digit[DOUBTS_MAX] = {0}, i;
	uint64_t attempts = 0;

	memcpy(m->attempt, m->computed, d->params.hash_block_bytes);
	do {
		for (i = 0; i < doubts->n; i++)
			memcpy(m->attempt + doubts->at[i] * d->tree.digest_stride,
			       doubts->choice[i][digit[i]], d->tree.digest_bytes);
		if (verity_block_matches(m->w, m->attempt, expected))
			return true;
		for (i = 0; i < doubts->n && ++digit[i] == doubts->choices; i++)
			digit[i] = 0;
	} while (i < doubts->n && ++attempts < ATTEMPTS_MAX);
	return false;
}

/* Digests of the blocks below as they are; zeroes for one that cannot be read. */
static void compute(struct verity_mender *m, int level, uint64_t first, uint64_t n)
{
	const struct verity_device *d = m->w->d;
	uint32_t stride = d->tree.digest_stride;

	memset(m->computed, 0, d->params.hash_block_bytes);
	if (verity_hash_run(m->w, level - 1, first, n, m->computed) == 0)
		return;
	memset(m->computed, 0, d->params.hash_block_bytes);
	for (uint64_t i = 0; i < n; i++) {
		if (verity_hash_run(m->w, level - 1, first + i, 1, m->computed + i * stride) < 0)
			memset(m->computed + i * stride, 0, stride);
	}
}

enum verity_mended verity_mend(struct verity_mender *m, struct env *env, int level, uint64_t block,
			       const uint8_t *expected, bool rebuild)
{
	const struct verity_device *d = m->w->d;
	uint64_t first, n = verity_children(d, level, block, &first);
	struct doubts doubts;
	struct io *io;
	uint64_t offset = verity_locate(d, level, block, &io);
	bool few;

	compute(m, level, first, n);
	if (verity_block_matches(m->w, m->computed, expected))
		return VERITY_CHILDREN_PROVE;
	if (io_read(io, m->own, d->params.hash_block_bytes, offset) < 0)
		memset(m->own, 0, d->params.hash_block_bytes);
	if (rebuild && level == 0)
		return VERITY_LOST; /* data cannot be rebuilt */
	few = collect(m, n, &doubts);
	if (rebuild && few && !collect_rebuilt(m, env, level, first, &doubts))
		return VERITY_LOST;
	if (rebuild && !few) {
		if (!replace_own(m, env, level, first, n))
			return VERITY_LOST;
		if (verity_block_matches(m->w, m->own, expected)) { /* only the tree is damaged */
			memcpy(m->attempt, m->own, d->params.hash_block_bytes);
			return VERITY_MENDED;
		}
		few = collect(m, n, &doubts);
	}
	return few && try_choices(m, &doubts, expected) ? VERITY_MENDED : VERITY_LOST;
}
