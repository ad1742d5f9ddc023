/* SPDX-License-Identifier: Apache-2.0 */
/* A device that fails on purpose: a volatile cache over another device. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/overflow.h"
#include "lib/fault-io.h"

#define SECTOR    512
#define DISCARDED 0xd1

struct pending {
	uint64_t offset, len;
	uint8_t *bytes; /* NULL: all are @fill */
	uint8_t fill;
};

struct fault {
	struct io io;
	struct io *below;
	struct fault_plan *plan;
	pthread_mutex_t lock;
	ARRAY(struct pending) cache;
	uint64_t seed;
	bool off, shrunk;
};

static struct fault *fault(struct io *io)
{
	return (struct fault *)io;
}

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* Counts the operation; what it comes to. */
static int count(struct fault *f)
{
	uint64_t n = ++f->plan->ops;

	if (f->off || (f->plan->cut_at && n >= f->plan->cut_at)) {
		f->off = true;
		return -EIO;
	}
	f->shrunk |= f->plan->shrink_at && n >= f->plan->shrink_at;
	return f->plan->error_at == n ? -f->plan->error : 0;
}

/* Whether [offset, offset+len) is still there. */
static bool is_there(const struct fault *f, uint64_t len, uint64_t offset)
{
	return !f->shrunk || range_inside(offset, len, f->plan->shrink_bytes);
}

static int add(struct fault *f, const void *buf, uint8_t fill, uint64_t len, uint64_t offset)
{
	struct pending p = {.offset = offset, .len = len, .fill = fill};
	int r;

	pthread_mutex_lock(&f->lock);
	r = count(f);
	if (r == 0 && !is_there(f, len, offset))
		r = -EIO;
	/* The write that power goes away in may be there in part, too. */
	if (r == 0 || f->plan->cut_at == f->plan->ops) {
		if (buf) {
			p.bytes = malloc(len);
			must(p.bytes);
			memcpy(p.bytes, buf, len);
		}
		must(array_add(&f->cache, p) == 0);
	}
	pthread_mutex_unlock(&f->lock);
	return r;
}

static int fault_write(struct io *io, const void *buf, size_t len, uint64_t offset)
{
	return add(fault(io), buf, 0, len, offset);
}

static int fault_zero(struct io *io, uint64_t offset, uint64_t len)
{
	return add(fault(io), NULL, 0, len, offset);
}

static int fault_discard(struct io *io, uint64_t offset, uint64_t len)
{
	return add(fault(io), NULL, DISCARDED, len, offset);
}

static void overlay(const struct pending *p, uint8_t *buf, size_t len, uint64_t offset)
{
	uint64_t from = max_u64(p->offset, offset);
	uint64_t to = min_u64(p->offset + p->len, offset + len);

	if (from >= to)
		return;
	if (p->bytes)
		memcpy(buf + (from - offset), p->bytes + (from - p->offset), to - from);
	else
		memset(buf + (from - offset), p->fill, to - from);
}

static int fault_read(struct io *io, void *buf, size_t len, uint64_t offset)
{
	struct fault *f = fault(io);
	int r;

	pthread_mutex_lock(&f->lock);
	r = f->off || !is_there(f, len, offset) ? -EIO : io_read(f->below, buf, len, offset);
	for (size_t i = 0; r >= 0 && i < f->cache.n; i++)
		overlay(&f->cache.v[i], buf, len, offset);
	pthread_mutex_unlock(&f->lock);
	return r;
}

static void put(struct fault *f, const struct pending *p, uint64_t from, uint64_t len)
{
	uint8_t filled[SECTOR];

	if (p->bytes) {
		must(io_write(f->below, p->bytes + (from - p->offset), len, from) >= 0);
	} else if (!p->fill) {
		must(io_zero(f->below, from, len) >= 0);
	} else {
		memset(filled, p->fill, sizeof(filled));
		for (uint64_t at = from; at < from + len; at += SECTOR)
			must(io_write(f->below, filled, min_u64(SECTOR, from + len - at), at) >= 0);
	}
}

static void drop_cache(struct fault *f)
{
	array_each (p, &f->cache)
		free(p->bytes);
	f->cache.n = 0;
}

static int fault_flush(struct io *io)
{
	struct fault *f = fault(io);
	int r;

	pthread_mutex_lock(&f->lock);
	r = count(f);
	if (r == 0) {
		array_each (p, &f->cache)
			put(f, p, p->offset, p->len);
		drop_cache(f);
		r = f->shrunk && f->plan->shrink_bytes < io->size_bytes ? -ENODATA : 0;
	}
	pthread_mutex_unlock(&f->lock);
	return r;
}

static int fault_extent(struct io *io, uint64_t offset, bool *ret_data, uint64_t *ret_len)
{
	*ret_data = true;
	*ret_len = io->size_bytes - offset;
	return 0;
}

static int fault_resize(struct io *io, uint64_t size_bytes)
{
	struct fault *f = fault(io);
	int r;

	pthread_mutex_lock(&f->lock);
	r = f->off ? -EIO : io_resize(f->below, size_bytes);
	io->size_bytes = f->below->size_bytes;
	pthread_mutex_unlock(&f->lock);
	return r;
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Each sector has its own fate; so writes of one flush epoch are reordered, too. */
static void lose_power(struct fault *f)
{
	uint64_t state = f->seed * 0x9e3779b97f4a7c15u + 1;

	array_each (p, &f->cache) {
		for (uint64_t at = p->offset; at < p->offset + p->len;) {
			uint64_t n = min_u64(SECTOR - at % SECTOR, p->offset + p->len - at);
			uint64_t fate = next_random(&state) % 16;

			if (fate < 8)
				put(f, p, at, n);
			else if (fate == 8 && n > 1)
				put(f, p, at, n / 2);
			at += n;
		}
	}
}

static void fault_close(struct io *io)
{
	struct fault *f = fault(io);

	lose_power(f);
	drop_cache(f);
	array_free(&f->cache);
	pthread_mutex_destroy(&f->lock);
	io_close(f->below);
	free(f);
}

static const struct io_ops fault_ops = {
    .name = "fault",
    .read = fault_read,
    .write = fault_write,
    .flush = fault_flush,
    .zero = fault_zero,
    .discard = fault_discard,
    .extent = fault_extent,
    .resize = fault_resize,
    .close = fault_close,
};

struct io *fault_wrap(struct io *below, struct fault_plan *plan)
{
	struct fault *f = calloc(1, sizeof(*f));

	must(f);
	pthread_mutex_init(&f->lock, NULL);
	f->below = below;
	f->plan = plan;
	f->io = *below;
	f->io.ops = &fault_ops;
	return &f->io;
}

void fault_set_seed(struct io *io, uint64_t seed)
{
	fault(io)->seed = seed;
}
