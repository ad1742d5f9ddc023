/* SPDX-License-Identifier: Apache-2.0 */
/* A window onto another device: the same bytes under offsets of its own. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/overflow.h"

struct io_window {
	struct io io;
	struct io *below;
	uint64_t offset_bytes;
	char name[];
};

static struct io_window *window(struct io *io)
{
	return (struct io_window *)io;
}

static int window_read(struct io *io, void *buf, size_t len, uint64_t offset)
{
	return io_read(window(io)->below, buf, len, window(io)->offset_bytes + offset);
}

static int window_write(struct io *io, const void *buf, size_t len, uint64_t offset)
{
	return io_write(window(io)->below, buf, len, window(io)->offset_bytes + offset);
}

static int window_flush(struct io *io)
{
	return io_flush(window(io)->below);
}

static int window_zero(struct io *io, uint64_t offset, uint64_t len)
{
	return io_zero(window(io)->below, window(io)->offset_bytes + offset, len);
}

static int window_discard(struct io *io, uint64_t offset, uint64_t len)
{
	return io_discard(window(io)->below, window(io)->offset_bytes + offset, len);
}

static int window_extent(struct io *io, uint64_t offset, bool *ret_data, uint64_t *ret_len)
{
	int r = io_extent(window(io)->below, window(io)->offset_bytes + offset, ret_data, ret_len);

	if (r >= 0)
		*ret_len = min_u64(*ret_len, io->size_bytes - offset);
	return r;
}

static void window_hint(struct io *io, enum io_hint hint, uint64_t offset, uint64_t len)
{
	io_hint(window(io)->below, hint, window(io)->offset_bytes + offset, len);
}

static void window_close(struct io *io)
{
	free(io);
}

static const struct io_ops window_ops = {
    .name = "window",
    .read = window_read,
    .write = window_write,
    .flush = window_flush,
    .zero = window_zero,
    .discard = window_discard,
    .extent = window_extent,
    .hint = window_hint,
    .close = window_close,
};

int io_open_window(struct io *below, const char *name, uint64_t offset, uint64_t len,
		   struct io **ret)
{
	struct io_window *w;

	if (!range_inside(offset, len, below->size_bytes))
		return diag_fail(DIAG_TARGET_SIZE, ERANGE,
				 "%s: %s needs %llu bytes at %llu, but it ends at %llu",
				 below->name, name, (unsigned long long)len,
				 (unsigned long long)offset, (unsigned long long)below->size_bytes);
	w = calloc(1, sizeof(*w) + strlen(name) + 1);
	if (!w)
		return diag_no_memory();
	strcpy(w->name, name);
	w->below = below;
	w->offset_bytes = offset;
	w->io = (struct io){
	    .ops = &window_ops,
	    .name = w->name,
	    .size_bytes = len,
	    .sector_bytes = below->sector_bytes,
	    .read_only = below->read_only,
	};
	*ret = &w->io;
	return 0;
}
