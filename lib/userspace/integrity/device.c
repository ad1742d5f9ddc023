/* SPDX-License-Identifier: Apache-2.0 */
/* dm-integrity in user space: the device that is above it, with tags of its own algorithm. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/overflow.h"
#include "userspace/integrity/tag.h"

#define RUN_BYTES      (1024 * 1024)
#define LOOK_BYTES     (64 * 1024) /* of tags */
#define SURE_TAG_BYTES 16          /* no data has a zero tag of this length */

struct integrity_io {
	struct io io;
	struct integrity *i;
	bool raw;
	char name[];
};

/* Tags of one run, and what was found out about each. */
struct run {
	uint64_t room; /* sectors */
	uint8_t *tags;
	uint8_t *states;
};

static int make_run(const struct integrity *i, uint64_t sectors, struct run *ret)
{
	uint64_t room = min_u64(sectors, RUN_BYTES / i->g.sector_bytes);

	ret->room = room;
	ret->tags = calloc(room, (size_t)i->g.tag_bytes + 1);
	ret->states = ret->tags ? ret->tags + room * i->g.tag_bytes : NULL;
	return ret->tags ? 0 : -ENOMEM;
}

/* 0, or what the kernel would say. */
static int judge(const struct integrity_io *d, uint64_t n, const uint8_t *states, uint8_t *data)
{
	for (uint64_t k = 0; k < n; k++) {
		if (d->raw && states[k] == INTEGRITY_NEVER)
			memset(data + k * d->i->g.sector_bytes, 0, d->i->g.sector_bytes);
		else if (!d->raw && states[k] != INTEGRITY_GOOD && states[k] != INTEGRITY_UNSURE)
			return -EILSEQ;
	}
	return 0;
}

static int read_run(const struct integrity_io *d, uint64_t first, uint64_t n, const struct run *run,
		    uint8_t *data)
{
	int r = integrity_read(d->i, first, n, data, run->tags);

	if (r >= 0)
		r = integrity_check(d->i, first, n, data, run->tags, run->states);
	return r < 0 ? r : judge(d, n, run->states, data);
}

static int write_run(const struct integrity_io *d, uint64_t first, uint64_t n,
		     const struct run *run, const uint8_t *data)
{
	int r = integrity_tags(d->i, first, n, data, run->tags);

	return r < 0 ? r : integrity_write(d->i, first, n, data, run->tags);
}

static bool whole(const struct integrity_io *d, uint64_t offset, uint64_t len)
{
	return (offset | len) % d->i->g.sector_bytes == 0;
}

static int device_read(struct io *io, void *buf, size_t len, uint64_t offset)
{
	struct integrity_io *d = (struct integrity_io *)io;
	uint32_t size = d->i->g.sector_bytes;
	struct run run;
	int r = whole(d, offset, len) ? make_run(d->i, len / size, &run) : -EINVAL;

	if (r < 0)
		return r;
	for (uint64_t k = 0; k < len / size && r >= 0; k += run.room)
		r = read_run(d, offset / size + k, min_u64(run.room, len / size - k), &run,
			     (uint8_t *)buf + k * size);
	if (r < 0)
		memset(buf, 0, len); /* nothing unverified is left for anybody to use */
	free(run.tags);
	return r;
}

static int device_write(struct io *io, const void *buf, size_t len, uint64_t offset)
{
	struct integrity_io *d = (struct integrity_io *)io;
	uint32_t size = d->i->g.sector_bytes;
	struct run run;
	int r = whole(d, offset, len) ? make_run(d->i, len / size, &run) : -EINVAL;

	if (r < 0)
		return r;
	for (uint64_t k = 0; k < len / size && r >= 0; k += run.room)
		r = write_run(d, offset / size + k, min_u64(run.room, len / size - k), &run,
			      (const uint8_t *)buf + k * size);
	free(run.tags);
	return r;
}

static int device_flush(struct io *io)
{
	return io_flush(((struct integrity_io *)io)->i->below);
}

/* Until where nothing is, or 0: there is something at @sector. */
static int empty_run(const struct integrity_io *d, uint64_t sector, uint64_t *ret)
{
	uint64_t end, len;
	bool data;
	int r = integrity_next_written(d->i, sector, &end);

	*ret = 0;
	if (r < 0 || end == sector)
		return r;
	*ret = end - sector;
	if (d->i->g.tag_bytes >= SURE_TAG_BYTES)
		return 0;
	/* Some data may have a tag of zeroes: then there must be none. */
	end = min_u64(end, sector + integrity_area_rest(&d->i->g, sector));
	r = io_extent(d->i->below, integrity_locate_data(&d->i->g, sector), &data, &len);
	if (r < 0)
		return r;
	*ret = data ? 0 : min_u64(end - sector, len / d->i->g.sector_bytes);
	return 0;
}

/* How many sectors from @sector on have tags; not farther than one look. At least 1. */
static int full_run(const struct integrity_io *d, uint64_t sector, uint64_t *ret)
{
	uint32_t size = d->i->g.tag_bytes;
	uint64_t n = min_u64(LOOK_BYTES / size, d->i->g.sectors - sector), k = 1;
	_cleanup_free_ uint8_t *tags = malloc(n * size);
	int r = tags ? integrity_read(d->i, sector, n, NULL, tags) : -ENOMEM;

	while (r >= 0 && k < n && !integrity_is_all(tags + k * size, size, 0))
		k++;
	*ret = k;
	return r;
}

static int device_extent(struct io *io, uint64_t offset, bool *ret_data, uint64_t *ret_len)
{
	struct integrity_io *d = (struct integrity_io *)io;
	uint32_t size = d->i->g.sector_bytes;
	uint64_t sector = offset / size, n;
	int r;

	*ret_data = true;
	*ret_len = io->size_bytes - offset;
	if (!d->raw)
		return 0;
	r = empty_run(d, sector, &n);
	*ret_data = n == 0;
	if (r >= 0 && n == 0)
		r = full_run(d, sector, &n);
	*ret_len = n * size - offset % size;
	return r;
}

static void device_close(struct io *io)
{
	struct integrity_io *d = (struct integrity_io *)io;

	integrity_close(d->i);
	free(d);
}

static const struct io_ops device_ops = {
    .name = "integrity",
    .read = device_read,
    .write = device_write,
    .flush = device_flush,
    .extent = device_extent,
    .close = device_close,
};

int integrity_io(struct integrity *i, const char *name, bool raw, struct io **ret)
{
	struct integrity_io *d = calloc(1, sizeof(*d) + strlen(name) + 1);

	if (!d)
		return diag_no_memory();
	strcpy(d->name, name);
	d->i = i;
	d->raw = raw;
	d->io = (struct io){
	    .ops = &device_ops,
	    .name = d->name,
	    .size_bytes = i->g.sectors * i->g.sector_bytes,
	    .sector_bytes = i->g.sector_bytes,
	    .read_only = i->below->read_only || i->n_overlay,
	};
	*ret = &d->io;
	return 0;
}
