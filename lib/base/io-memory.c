/* SPDX-License-Identifier: Apache-2.0 */
/* A device in memory, for tests and fuzz targets. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/io.h"

struct io_memory {
	struct io io;
	uint8_t *bytes;
	char name[64];
};

static uint8_t *bytes_of(struct io *io)
{
	return ((struct io_memory *)io)->bytes;
}

static int memory_read(struct io *io, void *buf, size_t len, uint64_t offset)
{
	memcpy(buf, bytes_of(io) + offset, len);
	return 0;
}

static int memory_write(struct io *io, const void *buf, size_t len, uint64_t offset)
{
	memcpy(bytes_of(io) + offset, buf, len);
	return 0;
}

static int memory_flush(struct io *io)
{
	return 0;
}

static int memory_zero(struct io *io, uint64_t offset, uint64_t len)
{
	memset(bytes_of(io) + offset, 0, (size_t)len);
	return 0;
}

static int memory_resize(struct io *io, uint64_t size_bytes)
{
	struct io_memory *m = (struct io_memory *)io;
	uint8_t *bytes = realloc(m->bytes, size_bytes ? size_bytes : 1);

	if (!bytes)
		return -ENOMEM;
	if (size_bytes > io->size_bytes)
		memset(bytes + io->size_bytes, 0, (size_t)(size_bytes - io->size_bytes));
	m->bytes = bytes;
	io->size_bytes = size_bytes;
	return 0;
}

static void memory_close(struct io *io)
{
	free(bytes_of(io));
	free(io);
}

static const struct io_ops memory_ops = {
    .name = "memory",
    .read = memory_read,
    .write = memory_write,
    .flush = memory_flush,
    .zero = memory_zero,
    .resize = memory_resize,
    .close = memory_close,
};

int io_open_memory(const char *name, uint64_t size_bytes, struct io **ret)
{
	struct io_memory *m = calloc(1, sizeof(*m));

	if (m)
		m->bytes = calloc(1, size_bytes ? size_bytes : 1);
	if (!m || !m->bytes) {
		free(m);
		return diag_no_memory();
	}
	strncpy(m->name, name, sizeof(m->name) - 1);
	m->io = (struct io){
	    .ops = &memory_ops, .name = m->name, .size_bytes = size_bytes, .sector_bytes = 512};
	*ret = &m->io;
	return 0;
}

void *io_memory_bytes(struct io *io)
{
	return bytes_of(io);
}
