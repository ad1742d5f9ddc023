/* SPDX-License-Identifier: Apache-2.0 */
/* The checked entries to every byte device, and copying between two. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/env.h"
#include "base/io.h"
#include "base/overflow.h"
#include "base/arena.h"

#define COPY_BYTES (1024 * 1024)
#define ZERO_BYTES (16 * 1024 * 1024) /* at once: cancelling and the watchdog wait for it */

int io_read(struct io *io, void *buf, size_t len, uint64_t offset)
{
	if (!range_inside(offset, len, io->size_bytes))
		return -EIO;
	return len ? io->ops->read(io, buf, len, offset) : 0;
}

/* What every change must pass. */
static int check_change(const struct io *io, uint64_t offset, uint64_t len)
{
	if (io->read_only)
		return -EROFS;
	return range_inside(offset, len, io->size_bytes) ? 0 : -EIO;
}

int io_write(struct io *io, const void *buf, size_t len, uint64_t offset)
{
	int r = check_change(io, offset, len);

	return r < 0 || !len ? r : io->ops->write(io, buf, len, offset);
}

int io_flush(struct io *io)
{
	return io->read_only || !io->ops->flush ? 0 : io->ops->flush(io);
}

static int write_zeroes(struct io *io, uint64_t offset, uint64_t len)
{
	static uint8_t zeroes[256 * 1024]; /* not const: it would take room in the program file */

	while (len > 0) {
		size_t n = (size_t)min_u64(len, sizeof(zeroes));
		int r = io->ops->write(io, zeroes, n, offset);

		if (r < 0)
			return r;
		offset += n;
		len -= n;
	}
	return 0;
}

int io_zero(struct io *io, uint64_t offset, uint64_t len)
{
	int r = check_change(io, offset, len);

	if (r < 0 || !len)
		return r;
	r = io->ops->zero ? io->ops->zero(io, offset, len) : -EOPNOTSUPP;
	return r == -EOPNOTSUPP ? write_zeroes(io, offset, len) : r;
}

int io_discard(struct io *io, uint64_t offset, uint64_t len)
{
	int r = check_change(io, offset, len);

	if (r < 0 || !len || !io->ops->discard)
		return r;
	r = io->ops->discard(io, offset, len);
	return r == -EOPNOTSUPP ? 0 : r;
}

void io_hint(struct io *io, enum io_hint hint, uint64_t offset, uint64_t len)
{
	if (io->ops->hint && range_inside(offset, len, io->size_bytes))
		io->ops->hint(io, hint, offset, len);
}

int io_extent(struct io *io, uint64_t offset, bool *ret_data, uint64_t *ret_len)
{
	if (offset >= io->size_bytes)
		return -EIO;
	if (!io->ops->extent) {
		*ret_data = true;
		*ret_len = io->size_bytes - offset;
		return 0;
	}
	return io->ops->extent(io, offset, ret_data, ret_len);
}

int io_resize(struct io *io, uint64_t size_bytes)
{
	if (io->read_only)
		return -EROFS;
	return io->ops->resize ? io->ops->resize(io, size_bytes) : -EOPNOTSUPP;
}

struct io *io_close(struct io *io)
{
	if (io)
		io->ops->close(io);
	return NULL;
}

static void close_kept(void *io)
{
	io_close(io);
}

int io_keep(struct io *io, struct arena *arena)
{
	if (arena_on_free(arena, close_kept, io) >= 0)
		return 0;
	io_close(io);
	return diag_no_memory();
}

void io_closep(struct io **io)
{
	io_close(*io);
}

int io_fail(const struct io *io, int err, const char *doing, uint64_t offset, uint64_t len)
{
	char what[512];

	snprintf(what, sizeof(what), "%s: %s %" PRIu64 " bytes at %" PRIu64, io->name, doing, len,
		 offset);
	return diag_io(abs(err), what);
}

struct copy {
	struct io *from, *to;
	uint64_t from_offset, to_offset;
	bool to_is_zero;
	uint8_t *buf;
	struct env *env; /* or NULL */
};

static int copy_piece(const struct copy *c, uint64_t n, bool data)
{
	int r;

	if (c->env && env_cancelled(c->env))
		return -ECANCELED;
	if (!data)
		return c->to_is_zero ? 0 : io_zero(c->to, c->to_offset, n);
	r = io_read(c->from, c->buf, (size_t)n, c->from_offset);
	return r < 0 ? r : io_write(c->to, c->buf, (size_t)n, c->to_offset);
}

/* A run of data, or a hole: a device may have to write the zeroes one by one, so both are done in
 * pieces. */
static int copy_extent(struct copy *c, uint64_t len, bool data)
{
	while (len > 0) {
		uint64_t n = min_u64(len, data ? COPY_BYTES : ZERO_BYTES);
		int r = copy_piece(c, n, data);

		if (r < 0)
			return r;
		if (c->env) {
			env_progress(c->env, n);
			env_tick(c->env);
		}
		c->from_offset += n;
		c->to_offset += n;
		len -= n;
	}
	return 0;
}

int io_copy(struct io *from, uint64_t from_offset, struct io *to, uint64_t to_offset, uint64_t len,
	    bool to_is_zero, struct env *env)
{
	_cleanup_free_ uint8_t *buf = malloc(COPY_BYTES);
	struct copy c = {from, to, from_offset, to_offset, to_is_zero, buf, env};

	if (!buf)
		return -ENOMEM;
	while (len > 0) {
		uint64_t n;
		bool data;
		int r = io_extent(from, c.from_offset, &data, &n);

		if (r < 0)
			return r;
		n = min_u64(n, len);
		r = copy_extent(&c, n, data);
		if (r < 0)
			return r;
		len -= n;
	}
	return 0;
}
