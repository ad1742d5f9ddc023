/* SPDX-License-Identifier: Apache-2.0 */
/* An authenticated device as an image of its contents. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/overflow.h"
#include "layer/tagged/reader.h"
#include "layer/tagged/use.h"

struct reader {
	struct io io;
	struct sector_device d;
	pthread_mutex_t lock; /* of use, which is for one thread */
	struct sector_use use;
};

static struct reader *reader(struct io *io)
{
	return (struct reader *)io;
}

static uint64_t use_run(struct reader *r, uint64_t sector, uint64_t n, bool *ret_in_use)
{
	pthread_mutex_lock(&r->lock);
	n = sector_use_run(&r->use, sector, n, ret_in_use);
	pthread_mutex_unlock(&r->lock);
	return n;
}

static int judge(struct reader *r, uint64_t first, uint64_t n, const uint8_t *states)
{
	for (uint64_t i = 0; i < n; i++) {
		bool in_use;

		if (states[i] == SECTOR_GOOD)
			continue;
		if (states[i] == SECTOR_BAD)
			return -EILSEQ;
		use_run(r, first + i, 1, &in_use);
		if (in_use)
			return -EILSEQ;
	}
	return 0;
}

/* Whole sectors: the filter above sees to that. */
static int reader_read(struct io *io, void *buf, size_t len, uint64_t offset)
{
	struct reader *r = reader(io);
	uint64_t first = offset / r->d.sector_bytes, n = len / r->d.sector_bytes;
	uint8_t *states = malloc(n ? n : 1);
	int e = states ? r->d.states(r->d.ctx, first, n, states, buf) : -ENOMEM;

	if (e >= 0)
		e = judge(r, first, n, states);
	free(states);
	return e;
}

/* Long runs that were never written, and that nothing uses, are holes. */
static int reader_extent(struct io *io, uint64_t offset, bool *ret_data, uint64_t *ret_len)
{
	struct reader *r = reader(io);
	uint64_t first = offset / r->d.sector_bytes, next, n;
	bool in_use = false;
	int e = integrity_next_written(r->d.device, first, &next);

	if (e < 0)
		return e;
	n = next > first ? use_run(r, first, next - first, &in_use) : 0;
	*ret_data = n == 0 || in_use;
	*ret_len = (n ? n : 1) * r->d.sector_bytes - offset % r->d.sector_bytes;
	return 0;
}

static void reader_close(struct io *io)
{
	struct reader *r = reader(io);

	sector_use_close(&r->use);
	pthread_mutex_destroy(&r->lock);
	io_close(r->d.plain);
	free(r);
}

static const struct io_ops reader_ops = {
    .name = "reader",
    .read = reader_read,
    .extent = reader_extent,
    .close = reader_close,
};

int sector_reader_open(const struct sector_device *d, struct job *job, struct io **ret)
{
	struct reader *r = calloc(1, sizeof(*r));
	int e;

	if (!r) {
		io_close(d->plain);
		return diag_no_memory();
	}
	pthread_mutex_init(&r->lock, NULL);
	r->io = *d->plain;
	r->io.ops = &reader_ops;
	r->io.read_only = true;
	r->d = *d;
	if (r->d.ctx == d)
		r->d.ctx = &r->d;
	e = sector_use_open(&r->d, job, &r->use);
	if (e >= 0)
		return io_open_blocks(&r->io, d->sector_bytes, NULL, ret);
	reader_close(&r->io);
	return io_fail(job->target, e, "reading", 0, 0);
}
