/* SPDX-License-Identifier: Apache-2.0 */
/* Verified reads: every block is checked up to the root hash, hash blocks once while they are kept.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/overflow.h"
#include "userspace/verity/verity.h"

#define KEPT 64 /* hash blocks kept per level */

struct kept {
	bool valid;
	uint64_t block;
	uint8_t *bytes;
};

struct reader {
	struct io io;
	struct verity_device d;
	bool owns; /* closes d's devices, too */
	uint8_t root[DIGEST_MAX_BYTES];
	pthread_mutex_t lock;
	struct block_digest *digest;
	struct kept (*kept)[KEPT]; /* [levels] */
	uint8_t *block;            /* one data block */
};

static int check(struct reader *r, const uint8_t *block, uint32_t size, const uint8_t *expected)
{
	uint8_t digest[DIGEST_MAX_BYTES];
	int e = block_digest_run(r->digest, block, size, 1, digest, sizeof(digest));

	if (e < 0)
		return e;
	return digest_equal(digest, expected, r->d.tree.digest_bytes) ? 0 : -EILSEQ;
}

/* Returns a verified hash block; recurses upwards until a kept one, or the root, proves it. */
static int hash_block(struct reader *r, int level, uint64_t block, const uint8_t **ret)
{
	const struct verity_tree *t = &r->d.tree;
	struct kept *k = &r->kept[level][block % KEPT];
	const uint8_t *expected = r->root;
	struct io *io;
	int e;

	if (k->valid && k->block == block) {
		*ret = k->bytes;
		return 0;
	}
	if (level + 1 < (int)t->levels) {
		e = hash_block(r, level + 1, block / t->per_block, &expected);
		if (e < 0)
			return e;
		expected += block % t->per_block * t->digest_stride;
	}
	if (!k->bytes)
		k->bytes = malloc(r->d.params.hash_block_bytes);
	if (!k->bytes)
		return -ENOMEM;
	k->valid = false;
	e = io_read(r->d.hash, k->bytes, r->d.params.hash_block_bytes,
		    verity_locate(&r->d, level, block, &io));
	if (e >= 0)
		e = check(r, k->bytes, r->d.params.hash_block_bytes, expected);
	if (e < 0)
		return e;
	k->valid = true;
	k->block = block;
	*ret = k->bytes;
	return 0;
}

/* Checks @bytes against the digest of data block @block. */
static int check_data(struct reader *r, uint64_t block, const uint8_t *bytes)
{
	const struct verity_tree *t = &r->d.tree;
	const uint8_t *expected = r->root;
	int e = t->levels > 0 ? hash_block(r, 0, block / t->per_block, &expected) : 0;

	if (e < 0)
		return e;
	if (t->levels > 0)
		expected += block % t->per_block * t->digest_stride;
	return check(r, bytes, r->d.params.data_block_bytes, expected);
}

/* Reads and checks whole blocks. */
static int read_blocks(struct reader *r, uint64_t first, uint64_t n, uint8_t *to)
{
	uint32_t size = r->d.params.data_block_bytes;
	int e = io_read(r->d.data, to, (size_t)(n * size), first * size);

	for (uint64_t i = 0; i < n && e >= 0; i++)
		e = check_data(r, first + i, to + i * size);
	return e;
}

/* Reads a part of one block, and checks all of it. */
static int read_part(struct reader *r, uint64_t block, size_t skip, size_t len, uint8_t *to)
{
	int e = read_blocks(r, block, 1, r->block);

	if (e >= 0)
		memcpy(to, r->block + skip, len);
	return e;
}

static int reader_read(struct io *io, void *buf, size_t len, uint64_t offset)
{
	struct reader *r = (struct reader *)io;
	uint32_t size = r->d.params.data_block_bytes;
	size_t done = 0;
	int e = 0;

	pthread_mutex_lock(&r->lock);
	while (done < len && e >= 0) {
		uint64_t block = (offset + done) / size;
		size_t skip = (size_t)((offset + done) % size), n = len - done;

		if (skip || n < size) {
			n = (size_t)min_u64(n, size - skip);
			e = read_part(r, block, skip, n, (uint8_t *)buf + done);
		} else {
			n = (size_t)round_down(n, size);
			e = read_blocks(r, block, n / size, (uint8_t *)buf + done);
		}
		done += n;
	}
	pthread_mutex_unlock(&r->lock);
	if (e < 0)
		memset(buf, 0, len); /* leave nothing unverified in it */
	return e;
}

static int reader_write(struct io *io, const void *buf, size_t len, uint64_t offset)
{
	return -EROFS;
}

static void reader_close(struct io *io)
{
	struct reader *r = (struct reader *)io;

	for (unsigned i = 0; r->kept && i < r->d.tree.levels; i++) {
		for (unsigned j = 0; j < KEPT; j++)
			free(r->kept[i][j].bytes);
	}
	free(r->kept);
	free(r->block);
	block_digest_free(r->digest);
	if (r->owns) {
		io_close(r->d.data);
		io_close(r->d.hash);
	}
	pthread_mutex_destroy(&r->lock);
	free(r);
}

static const struct io_ops reader_ops = {
    .name = "verity",
    .read = reader_read,
    .write = reader_write,
    .close = reader_close,
};

int verity_open_reader(const struct verity_device *d, const uint8_t *root, bool owns,
		       struct io **ret)
{
	struct reader *r = calloc(1, sizeof(*r));
	int e;

	if (!r)
		return diag_no_memory();
	pthread_mutex_init(&r->lock, NULL);
	r->d = *d;
	memcpy(r->root, root, d->tree.digest_bytes);
	e = block_digest_new(d->params.algorithm, d->params.salt, d->params.salt_len,
			     d->params.hash_type == 1, &r->digest);
	r->block = malloc(d->params.data_block_bytes);
	r->kept = calloc(d->tree.levels ? d->tree.levels : 1, sizeof(*r->kept));
	r->io = (struct io){
	    .ops = &reader_ops,
	    .name = d->data->name,
	    .size_bytes = d->params.data_blocks * d->params.data_block_bytes,
	    .sector_bytes = d->data->sector_bytes,
	    .read_only = true,
	};
	if (e >= 0 && (!r->block || !r->kept))
		e = diag_no_memory();
	if (e < 0) {
		reader_close(&r->io); /* the devices stay the caller's */
		return e;
	}
	r->owns = owns;
	*ret = &r->io;
	return 0;
}
