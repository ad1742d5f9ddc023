/* SPDX-License-Identifier: Apache-2.0 */
/* dm-integrity in user space: tags of its own algorithms. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/crc32c.h"
#include "base/diag.h"
#include "base/endian.h"
#include "base/overflow.h"
#include "base/pool.h"
#include "userspace/integrity/tag.h"

#define DISCARDED 0xf6 /* DISCARD_FILLER */

size_t integrity_hash_bytes(const char *algorithm)
{
	size_t n;

	if (!algorithm)
		return 0;
	if (strcmp(algorithm, "crc32c") == 0)
		return 4;
	n = mac_bytes(algorithm);
	return n ? n : digest_bytes(algorithm);
}

bool integrity_is_all(const uint8_t *p, size_t n, uint8_t byte)
{
	return p[0] == byte && memcmp(p, p + 1, n - 1) == 0;
}

/* --- one hash per thread --- */

static int make_hash(const struct integrity_params *p, struct integrity_hash *ret)
{
	if (strcmp(p->algorithm, "crc32c") == 0)
		return 0;
	if (mac_bytes(p->algorithm))
		return mac_new(p->algorithm, p->key, p->key_len, &ret->mac);
	return digest_new(p->algorithm, &ret->digest);
}

int integrity_hashes_init(struct integrity_hashes *h, const struct integrity_params *p,
			  const struct env *env)
{
	unsigned n = env && env->pool ? pool_workers(env->pool) + 1 : 1;
	int r = 0;

	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->one_idle, NULL);
	if (!p->algorithm)
		return 0;
	h->bytes = integrity_hash_bytes(p->algorithm);
	if (!h->bytes)
		return diag_fail(DIAG_NOT_BUILT, ENOTSUP, "integrity algorithm \"%s\" is not known",
				 p->algorithm);
	h->v = calloc(n, sizeof(*h->v));
	h->idle = calloc(n, sizeof(struct integrity_hash *));
	if (!h->v || !h->idle)
		return diag_no_memory();
	for (h->n = 0; h->n < n && r >= 0; h->n++) {
		r = make_hash(p, &h->v[h->n]);
		h->idle[h->n_idle++] = &h->v[h->n];
	}
	return r;
}

void integrity_hashes_free(struct integrity_hashes *h)
{
	for (unsigned i = 0; i < h->n; i++) {
		digest_free(h->v[i].digest);
		mac_free(h->v[i].mac);
	}
	free(h->v);
	free(h->idle);
	pthread_mutex_destroy(&h->lock);
	pthread_cond_destroy(&h->one_idle);
}

static struct integrity_hash *take(struct integrity_hashes *h)
{
	struct integrity_hash *one;

	pthread_mutex_lock(&h->lock);
	while (!h->n_idle)
		pthread_cond_wait(&h->one_idle, &h->lock);
	one = h->idle[--h->n_idle];
	pthread_mutex_unlock(&h->lock);
	return one;
}

static void give_back(struct integrity_hashes *h, struct integrity_hash *one)
{
	pthread_mutex_lock(&h->lock);
	h->idle[h->n_idle++] = one;
	pthread_cond_signal(&h->one_idle);
	pthread_mutex_unlock(&h->lock);
}

/* --- tags --- */

static int digest_pieces(struct digest *d, const void *head, size_t head_len, const void *data,
			 size_t len, uint8_t *ret)
{
	int r = digest_reset(d);

	if (r >= 0)
		r = digest_add(d, head, head_len);
	if (r >= 0)
		r = digest_add(d, data, len);
	return r < 0 ? r : digest_finish(d, ret);
}

/* Hashes one sector: salt, sector number in units of 512 bytes, data. */
static int hash_sector(const struct integrity *i, const struct integrity_hash *h, uint64_t sector,
		       const uint8_t *data, uint8_t *ret)
{
	uint8_t head[INTEGRITY_SALT_BYTES + 8];
	size_t salt = i->sb.flags & INTEGRITY_FIXED_HMAC ? INTEGRITY_SALT_BYTES : 0;
	le64_t number = le64_make(sector * i->g.sectors_per_block);
	le32_t crc;

	memcpy(head, i->sb.salt, salt);
	memcpy(head + salt, &number, sizeof(number));
	if (h->mac) {
		const struct mac_piece pieces[] = {{head, salt + sizeof(number)},
						   {data, i->g.sector_bytes}};

		return mac_run(h->mac, pieces, 2, ret);
	}
	if (h->digest)
		return digest_pieces(h->digest, head, salt + sizeof(number), data,
				     i->g.sector_bytes, ret);
	crc = le32_make(crc32c(crc32c(0, head, salt + sizeof(number)), data, i->g.sector_bytes));
	memcpy(ret, &crc, sizeof(crc));
	return 0;
}

/* A tag longer than the hash is padded with zeroes; a shorter one is a prefix of it. */
static int tag_of(const struct integrity *i, const struct integrity_hash *h, uint64_t sector,
		  const uint8_t *data, uint8_t *ret)
{
	uint8_t all[DIGEST_MAX_BYTES];
	size_t n = (size_t)min_u64(i->hashes.bytes, i->g.tag_bytes);
	int r = hash_sector(i, h, sector, data, all);

	if (r < 0)
		return r;
	memcpy(ret, all, n);
	memset(ret + n, 0, i->g.tag_bytes - n);
	return 0;
}

int integrity_tags(struct integrity *i, uint64_t first, uint64_t n, const void *data,
		   uint8_t *ret_tags)
{
	struct integrity_hash *h;
	int r = 0;

	if (!i->hashes.bytes)
		return -ENOTSUP;
	h = take(&i->hashes);
	for (uint64_t k = 0; k < n && r >= 0; k++)
		r = tag_of(i, h, first + k, (const uint8_t *)data + k * i->g.sector_bytes,
			   ret_tags + k * i->g.tag_bytes);
	give_back(&i->hashes, h);
	return r;
}

/* True if the kernel recalculates the tag before it compares, or has yet to do so. */
static bool is_unsure(const struct integrity *i, uint64_t sector)
{
	if (i->sb.flags & INTEGRITY_RECALCULATING &&
	    sector * i->g.sectors_per_block >= i->sb.recalc_sector)
		return true;
	return i->bitmap && integrity_bitmap_bit(&i->sb, i->bitmap, sector);
}

static uint8_t judge(const struct integrity *i, uint64_t sector, const uint8_t *want,
		     const uint8_t *tag)
{
	if (digest_equal(want, tag, i->g.tag_bytes))
		return INTEGRITY_GOOD;
	if (is_unsure(i, sector))
		return INTEGRITY_UNSURE;
	if (integrity_is_all(tag, i->g.tag_bytes, 0) ||
	    integrity_is_all(tag, i->g.tag_bytes, DISCARDED))
		return INTEGRITY_NEVER;
	return INTEGRITY_BAD;
}

int integrity_check(struct integrity *i, uint64_t first, uint64_t n, const void *data,
		    const uint8_t *tags, uint8_t *ret)
{
	uint8_t want[INTEGRITY_TAG_MAX];
	struct integrity_hash *h;
	int r = 0;

	if (!i->hashes.bytes)
		return -ENOTSUP;
	h = take(&i->hashes);
	for (uint64_t k = 0; k < n && r >= 0; k++) {
		r = tag_of(i, h, first + k, (const uint8_t *)data + k * i->g.sector_bytes, want);
		if (r >= 0)
			ret[k] = judge(i, first + k, want, tags + k * i->g.tag_bytes);
	}
	give_back(&i->hashes, h);
	return r;
}
