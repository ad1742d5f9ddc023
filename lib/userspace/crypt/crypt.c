/* SPDX-License-Identifier: Apache-2.0 */
/* dm-crypt in user space: a plaintext device over ciphertext and, with authentication, tags. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/endian.h"
#include "base/overflow.h"
#include "base/pool.h"
#include "crypto/aead.h"
#include "crypto/cipher.h"
#include "userspace/crypt/crypt.h"

#define CHUNK_BYTES   (128 * 1024) /* fits into the processor's cache until it is written */
#define IVS_BYTES     4096         /* drawn at once */
#define NONCE_MAX     16
#define BATCH_SECTORS 16

/* One thread's contexts and buffers; a thread that finds none idle waits. */
struct context {
	struct aead *aead;     /* with tags */
	struct cipher *cipher; /* without */
	uint8_t *data;         /* a chunk */
	uint8_t *tags;         /* of a chunk */
	uint8_t *states;
	uint8_t *ivs;
};

struct crypt {
	struct io io;
	const struct crypt_kind *kind;
	struct io *below; /* with tags: the device below them, only to be flushed */
	struct integrity *tags;
	bool raw;
	struct env *env;
	uint32_t sector_bytes;
	uint32_t tag_bytes; /* with the IV */
	uint32_t chunk_sectors;
	struct context *contexts;
	struct context **idle;
	unsigned n, n_idle;
	pthread_mutex_t lock;
	pthread_cond_t one_idle;
	char name[];
};

static struct context *take(struct crypt *c)
{
	struct context *x;

	pthread_mutex_lock(&c->lock);
	while (c->n_idle == 0)
		pthread_cond_wait(&c->one_idle, &c->lock);
	x = c->idle[--c->n_idle];
	pthread_mutex_unlock(&c->lock);
	return x;
}

static void give_back(struct crypt *c, struct context *x)
{
	pthread_mutex_lock(&c->lock);
	c->idle[c->n_idle++] = x;
	pthread_cond_signal(&c->one_idle);
	pthread_mutex_unlock(&c->lock);
}

/* --- a batch of sectors: ciphers do several at once faster than one by one --- */

/* What is authenticated beside the data: the sector's number, and the IV. */
struct associated {
	le64_t number;
	uint8_t iv[NONCE_MAX];
};

struct batch {
	struct associated ad[BATCH_SECTORS];
	struct aead_message m[BATCH_SECTORS];
	uint32_t sector[BATCH_SECTORS]; /* in the chunk */
	bool good[BATCH_SECTORS];
	size_t n;
};

/* @tag: where the tag is read or written, followed by its IV. */
static void batch_add(const struct crypt *c, struct batch *b, uint64_t first, uint32_t sector,
		      const uint8_t *in, uint8_t *out, uint8_t *tag)
{
	uint64_t number = (first + sector) * (c->sector_bytes / 512);
	struct associated *a = &b->ad[b->n];

	a->number = le64_make(number);
	if (c->kind->iv_bytes)
		memcpy(a->iv, tag + c->kind->tag_bytes, c->kind->iv_bytes);
	else
		cipher_iv_plain64(number, a->iv);
	b->m[b->n] = (struct aead_message){a->iv, a, in, out, tag};
	b->sector[b->n++] = sector;
}

static size_t associated_bytes(const struct context *x)
{
	return sizeof(le64_t) + aead_iv_bytes(x->aead);
}

static int batch_encrypt(const struct crypt *c, const struct context *x, struct batch *b)
{
	int r = 0;

	if (x->aead)
		r = aead_encrypt_many(x->aead, b->m, b->n, associated_bytes(x), c->sector_bytes);
	for (size_t i = 0; x->cipher && i < b->n && r >= 0; i++)
		r = cipher_encrypt(x->cipher, b->m[i].iv, b->m[i].in, c->sector_bytes, b->m[i].out);
	b->n = 0;
	return r;
}

/* Zeroes where it is not good. */
static int batch_decrypt(const struct crypt *c, const struct context *x, struct batch *b)
{
	int r = 0;

	if (x->aead)
		r = aead_decrypt_many(x->aead, b->m, b->n, associated_bytes(x), c->sector_bytes,
				      b->good);
	for (size_t i = 0; x->cipher && i < b->n && r >= 0; i++)
		r = cipher_decrypt(x->cipher, b->m[i].iv, b->m[i].in, c->sector_bytes, b->m[i].out);
	for (size_t i = 0; i < b->n; i++)
		x->states[b->sector[i]] = x->cipher || b->good[i] ? CRYPT_GOOD : CRYPT_BAD;
	b->n = 0;
	return r;
}

/* --- a chunk --- */

static bool is_zero(const uint8_t *p, size_t n)
{
	return p[0] == 0 && memcmp(p, p + 1, n - 1) == 0;
}

/* Sectors into @data, and their states into x->states. */
static int read_chunk(const struct crypt *c, struct context *x, uint64_t first, uint32_t n,
		      uint8_t *data)
{
	size_t size = c->sector_bytes;
	struct batch b = {.n = 0};
	int r = c->tags ? integrity_read(c->tags, first, n, data, x->tags)
			: io_read(c->below, data, n * size, first * size);

	for (uint32_t i = 0; i < n && r >= 0; i++) {
		uint8_t *tag = x->tags + (size_t)i * c->tag_bytes, *sector = data + i * size;

		if (c->tags && is_zero(tag, c->tag_bytes)) {
			x->states[i] = CRYPT_NEVER;
			memset(sector, 0, size);
			continue;
		}
		batch_add(c, &b, first, i, sector, sector, tag);
		if (b.n == BATCH_SECTORS)
			r = batch_decrypt(c, x, &b);
	}
	return r < 0 ? r : batch_decrypt(c, x, &b);
}

static int write_chunk(const struct crypt *c, struct context *x, uint64_t first, uint32_t n,
		       const uint8_t *data, const uint8_t *ivs)
{
	size_t size = c->sector_bytes, iv_bytes = c->kind->iv_bytes;
	struct batch b = {.n = 0};
	int r = 0;

	for (uint32_t i = 0; i < n && r >= 0; i++) {
		uint8_t *tag = x->tags + (size_t)i * c->tag_bytes;

		if (iv_bytes)
			memcpy(tag + c->kind->tag_bytes, ivs + i * iv_bytes, iv_bytes);
		batch_add(c, &b, first, i, data + i * size, x->data + i * size, tag);
		if (b.n == BATCH_SECTORS)
			r = batch_encrypt(c, x, &b);
	}
	if (r >= 0)
		r = batch_encrypt(c, x, &b);
	if (r < 0)
		return r;
	return c->tags ? integrity_write(c->tags, first, n, x->data, x->tags)
		       : io_write(c->below, x->data, n * size, first * size);
}

/* --- the device --- */

static bool whole(const struct crypt *c, uint64_t offset, uint64_t len)
{
	return (offset | len) % c->sector_bytes == 0;
}

static bool all_good(const uint8_t *states, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		if (states[i] != CRYPT_GOOD)
			return false;
	}
	return true;
}

static int crypt_read(struct io *io, void *buf, size_t len, uint64_t offset)
{
	struct crypt *c = (struct crypt *)io;
	uint64_t first = offset / c->sector_bytes, end = first + len / c->sector_bytes;
	uint8_t *to = buf;
	struct context *x;
	int r = 0;

	if (!whole(c, offset, len))
		return -EINVAL;
	x = take(c);
	for (uint64_t n; first < end && r >= 0; first += n, to += n * c->sector_bytes) {
		n = min_u64(end - first, c->chunk_sectors);
		r = read_chunk(c, x, first, (uint32_t)n, to);
		if (r >= 0 && !c->raw && !all_good(x->states, n))
			r = -EILSEQ;
	}
	give_back(c, x);
	if (r < 0)
		memset(buf, 0, len); /* nothing unverified is left for anybody to use */
	return r;
}

/* IVs are drawn for many chunks at once: asking for few bytes costs as much as for many. */
static int crypt_write(struct io *io, const void *buf, size_t len, uint64_t offset)
{
	struct crypt *c = (struct crypt *)io;
	uint64_t first = offset / c->sector_bytes, end = first + len / c->sector_bytes, drawn = 0;
	const uint8_t *from = buf, *iv = NULL;
	struct context *x;
	int r = 0;

	if (!whole(c, offset, len))
		return -EINVAL;
	x = take(c);
	for (uint64_t n; first < end && r >= 0; first += n, from += n * c->sector_bytes) {
		n = min_u64(end - first, c->chunk_sectors);
		if (c->kind->iv_bytes && drawn == 0) {
			drawn = min_u64(end - first, IVS_BYTES / c->kind->iv_bytes);
			r = c->env->random(x->ivs, (size_t)drawn * c->kind->iv_bytes);
			iv = x->ivs;
		}
		if (c->kind->iv_bytes)
			n = min_u64(n, drawn);
		if (r >= 0)
			r = write_chunk(c, x, first, (uint32_t)n, from, iv);
		if (c->kind->iv_bytes) {
			drawn -= n;
			iv += n * c->kind->iv_bytes;
		}
	}
	give_back(c, x);
	return r;
}

static int crypt_flush(struct io *io)
{
	return io_flush(((struct crypt *)io)->below);
}

static int crypt_extent(struct io *io, uint64_t offset, bool *ret_data, uint64_t *ret_len)
{
	struct crypt *c = (struct crypt *)io;
	uint64_t sector = offset / c->sector_bytes, next = sector, end;
	int r = 0;

	*ret_data = true;
	*ret_len = io->size_bytes - offset;
	if (!c->raw || !c->tags)
		return 0;
	r = integrity_next_written(c->tags, sector, &next);
	if (r < 0)
		return r;
	*ret_data = next == sector;
	end = next == sector ? sector + c->chunk_sectors : next;
	*ret_len = min_u64(end * c->sector_bytes, io->size_bytes) - offset;
	return 0;
}

static void free_context(struct context *x)
{
	aead_free(x->aead);
	cipher_free(x->cipher);
	if (x->data)
		explicit_bzero(x->data, CHUNK_BYTES); /* crypt_check() leaves plaintext there */
	free(x->data);
	free(x->tags);
	free(x->states);
	free(x->ivs);
}

static void free_crypt(struct crypt *c)
{
	for (unsigned i = 0; c->contexts && i < c->n; i++)
		free_context(&c->contexts[i]);
	free(c->contexts);
	free(c->idle);
	pthread_cond_destroy(&c->one_idle);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static void crypt_close(struct io *io)
{
	struct crypt *c = (struct crypt *)io;

	integrity_close(c->tags);
	free_crypt(c);
}

static const struct io_ops crypt_ops = {
    .name = "crypt",
    .read = crypt_read,
    .write = crypt_write,
    .flush = crypt_flush,
    .extent = crypt_extent,
    .close = crypt_close,
};

/* --- opening --- */

static int make_context(const struct crypt *c, const uint8_t *key, struct context *x)
{
	x->data = malloc(CHUNK_BYTES);
	x->tags = calloc(c->chunk_sectors, c->tag_bytes + 1);
	x->states = calloc(c->chunk_sectors, 1);
	x->ivs = malloc(IVS_BYTES);
	if (!x->data || !x->tags || !x->states || !x->ivs)
		return diag_no_memory();
	if (c->tags)
		return aead_new(c->kind->algorithm, key, c->kind->key_bytes, &x->aead);
	return cipher_new(c->kind->algorithm, key, c->kind->key_bytes, &x->cipher);
}

static int make_contexts(struct crypt *c, const uint8_t *key)
{
	unsigned n = (c->env->pool ? pool_workers(c->env->pool) : 1) + 1;
	int r = 0;

	c->contexts = calloc(n, sizeof(*c->contexts));
	c->idle = calloc(n, sizeof(struct context *));
	if (!c->contexts || !c->idle)
		return diag_no_memory();
	for (; c->n < n && r >= 0; c->n++) {
		r = make_context(c, key, &c->contexts[c->n]);
		c->idle[c->n] = &c->contexts[c->n];
	}
	c->n_idle = c->n;
	return r;
}

/* Is it possible at all? */
static int check(const struct crypt_kind *kind, uint32_t sector_bytes, const struct integrity *tags)
{
	if (!kind->soft)
		return diag_fail(DIAG_NOT_BUILT, ENOTSUP,
				 "%s can be read and written by the kernel only", kind->cipher);
	if (sector_bytes < 512 || sector_bytes > 4096 || !is_power_of_2(sector_bytes))
		return diag_fail(DIAG_DAMAGED, EUCLEAN,
				 "encrypted sectors of %u bytes are not possible", sector_bytes);
	if (!tags != !kind->tag_bytes)
		return diag_fail(DIAG_INTERNAL, EINVAL, "%s with integrity \"%s\" %s tags",
				 kind->cipher, kind->integrity, tags ? "has no" : "needs");
	if (tags && integrity_tag_bytes(tags) != kind->tag_bytes + kind->iv_bytes)
		return diag_fail(
		    DIAG_DAMAGED, EUCLEAN, "%s has tags of %u bytes, but dm-integrity below has %u",
		    kind->cipher, kind->tag_bytes + kind->iv_bytes, integrity_tag_bytes(tags));
	if (tags && integrity_sector_bytes(tags) != sector_bytes)
		return diag_fail(DIAG_DAMAGED, EUCLEAN,
				 "encrypted sectors have %u bytes, but dm-integrity's below %u",
				 sector_bytes, integrity_sector_bytes(tags));
	return 0;
}

/* With a journal in front of the data, writes would be hidden by it. */
static bool is_read_only(const struct crypt *c)
{
	struct integrity_journal_report report = {0};

	if (c->tags)
		integrity_journal(c->tags, &report);
	return c->below->read_only || report.replayed_sectors;
}

int crypt_open(const struct crypt_kind *kind, uint32_t sector_bytes, const uint8_t *key,
	       struct io *below, struct integrity *tags, bool raw, struct env *env,
	       const char *name, struct io **ret)
{
	int r = check(kind, sector_bytes, tags);
	struct crypt *c;

	if (r < 0)
		return r;
	c = calloc(1, sizeof(*c) + strlen(name) + 1);
	if (!c)
		return diag_no_memory();
	strcpy(c->name, name);
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->one_idle, NULL);
	c->kind = kind;
	c->below = tags ? integrity_below(tags) : below;
	c->tags = tags;
	c->raw = raw;
	c->env = env;
	c->sector_bytes = sector_bytes;
	c->tag_bytes = (uint32_t)kind->tag_bytes + kind->iv_bytes;
	c->chunk_sectors = CHUNK_BYTES / sector_bytes;
	c->io = (struct io){
	    .ops = &crypt_ops,
	    .name = c->name,
	    .size_bytes = tags ? integrity_sectors(tags) * sector_bytes
			       : round_down(below->size_bytes, sector_bytes),
	    .sector_bytes = sector_bytes,
	    .read_only = is_read_only(c),
	};
	r = make_contexts(c, key);
	if (r < 0)
		free_crypt(c);
	else
		*ret = &c->io;
	return r;
}

int crypt_check(struct io *crypt, uint64_t first, uint64_t n, uint8_t *ret_states, uint8_t *data)
{
	struct crypt *c = (struct crypt *)crypt;
	struct context *x;
	int r = 0;

	if (!range_inside(first, n, crypt->size_bytes / c->sector_bytes))
		return -EIO;
	x = take(c);
	for (uint64_t done = 0, now; done < n && r >= 0; done += now) {
		now = min_u64(n - done, c->chunk_sectors);
		r = read_chunk(c, x, first + done, (uint32_t)now,
			       data ? data + done * c->sector_bytes : x->data);
		memcpy(ret_states + done, x->states, (size_t)now);
	}
	give_back(c, x);
	return r;
}

struct integrity *crypt_tags(struct io *crypt)
{
	return ((struct crypt *)crypt)->tags;
}
