/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges of bytes over a device that moves whole blocks: encrypted or authenticated sectors. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/io.h"
#include "base/overflow.h"

struct io_blocks {
	struct io io;
	struct io *below, *ground;
	uint32_t block;
};

static struct io_blocks *blocks(struct io *io)
{
	return (struct io_blocks *)io;
}

/* A range in at most three parts: a piece of a block, whole blocks, a piece of a block. */
struct part {
	uint64_t offset, len; /* what is wanted */
	uint64_t block;       /* where the block begins that it is a piece of */
	bool whole;
};

static struct part next_part(const struct io_blocks *b, uint64_t offset, uint64_t len)
{
	uint64_t in = offset % b->block;
	struct part p = {.offset = offset, .block = offset - in};

	p.whole = in == 0 && len >= b->block;
	p.len = p.whole ? round_down(len, b->block) : min_u64(len, b->block - in);
	return p;
}

static int blocks_read(struct io *io, void *buf, size_t len, uint64_t offset)
{
	struct io_blocks *b = blocks(io);
	_cleanup_free_ uint8_t *block = NULL;
	int r = 0;

	for (size_t done = 0; done < len && r >= 0;) {
		struct part p = next_part(b, offset + done, len - done);
		uint8_t *to = (uint8_t *)buf + done;

		if (p.whole) {
			r = io_read(b->below, to, (size_t)p.len, p.offset);
		} else {
			block = block ? block : malloc(b->block);
			r = block ? io_read(b->below, block, b->block, p.block) : -ENOMEM;
			if (r >= 0)
				memcpy(to, block + (p.offset - p.block), (size_t)p.len);
		}
		done += (size_t)p.len;
	}
	return r;
}

/* @buf NULL: zeroes. */
static int change(struct io_blocks *b, const void *buf, uint64_t len, uint64_t offset)
{
	_cleanup_free_ uint8_t *block = NULL;
	int r = 0;

	for (uint64_t done = 0; done < len && r >= 0;) {
		struct part p = next_part(b, offset + done, len - done);
		const uint8_t *from = buf ? (const uint8_t *)buf + done : NULL;

		if (p.whole) {
			r = from ? io_write(b->below, from, (size_t)p.len, p.offset)
				 : io_zero(b->below, p.offset, p.len);
		} else {
			block = block ? block : malloc(b->block);
			r = block ? io_read(b->below, block, b->block, p.block) : -ENOMEM;
			if (r >= 0 && from)
				memcpy(block + (p.offset - p.block), from, (size_t)p.len);
			else if (r >= 0)
				memset(block + (p.offset - p.block), 0, (size_t)p.len);
			if (r >= 0)
				r = io_write(b->below, block, b->block, p.block);
		}
		done += p.len;
	}
	return r;
}

static int blocks_write(struct io *io, const void *buf, size_t len, uint64_t offset)
{
	return change(blocks(io), buf, len, offset);
}

static int blocks_zero(struct io *io, uint64_t offset, uint64_t len)
{
	return change(blocks(io), NULL, len, offset);
}

static int blocks_flush(struct io *io)
{
	return io_flush(blocks(io)->below);
}

static int blocks_extent(struct io *io, uint64_t offset, bool *ret_data, uint64_t *ret_len)
{
	uint64_t in = offset % blocks(io)->block;
	int r = io_extent(blocks(io)->below, offset - in, ret_data, ret_len);

	*ret_len -= in;
	return r;
}

static void blocks_close(struct io *io)
{
	io_close(blocks(io)->below);
	io_close(blocks(io)->ground);
	free(io);
}

static const struct io_ops blocks_ops = {
    .name = "blocks",
    .read = blocks_read,
    .write = blocks_write,
    .flush = blocks_flush,
    .zero = blocks_zero,
    .extent = blocks_extent,
    .close = blocks_close,
};

int io_open_blocks(struct io *below, uint32_t block_bytes, struct io *ground, struct io **ret)
{
	struct io_blocks *b = calloc(1, sizeof(*b));

	if (!b) {
		io_close(below);
		io_close(ground);
		return diag_no_memory();
	}
	b->below = below;
	b->ground = ground;
	b->block = block_bytes;
	b->io = *below;
	b->io.ops = &blocks_ops;
	b->io.size_bytes = round_down(below->size_bytes, block_bytes);
	*ret = &b->io;
	return 0;
}
