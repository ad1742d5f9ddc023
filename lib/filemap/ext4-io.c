/* SPDX-License-Identifier: Apache-2.0 */
/* libext2fs reads through a struct io. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "filemap/ext4-io.h"

/* libext2fs hands a manager nothing but a name: the device's address, as text. */
#define NAME_FORMAT "io-%p"

static struct struct_io_manager manager;

struct channel {
	struct struct_io_channel head;
	struct io *io;
	char name[40];
};

static errcode_t io_open(const char *name, int flags, io_channel *ret)
{
	struct channel *c = calloc(1, sizeof(*c));
	void *io;

	if (!c)
		return EXT2_ET_NO_MEMORY;
	if (sscanf(name, NAME_FORMAT, &io) != 1) {
		free(c);
		return EXT2_ET_BAD_DEVICE_NAME;
	}
	c->io = io;
	snprintf(c->name, sizeof(c->name), "%s", name);
	c->head.magic = EXT2_ET_MAGIC_IO_CHANNEL;
	c->head.manager = &manager;
	c->head.name = c->name;
	c->head.block_size = 1024;
	c->head.refcount = 1;
	c->head.private_data = c;
	*ret = &c->head;
	return 0;
}

static errcode_t channel_close(io_channel channel)
{
	if (--channel->refcount == 0)
		free(channel->private_data);
	return 0;
}

static errcode_t set_block_size(io_channel channel, int block_bytes)
{
	channel->block_size = block_bytes;
	return 0;
}

/* A negative count is in bytes. */
static errcode_t read_blocks64(io_channel channel, unsigned long long block, int count, void *buf)
{
	struct channel *c = channel->private_data;
	size_t len = count < 0 ? (size_t) - (int64_t)count : (size_t)count * channel->block_size;
	uint64_t offset;
	int r;

	if (__builtin_mul_overflow(block, (uint64_t)channel->block_size, &offset))
		return EXT2_ET_SHORT_READ;
	r = io_read(c->io, buf, len, offset);
	if (r == -ENOMEM)
		return EXT2_ET_NO_MEMORY;
	return r < 0 ? EIO : 0;
}

static errcode_t read_blocks(io_channel channel, unsigned long block, int count, void *buf)
{
	return read_blocks64(channel, block, count, buf);
}

static errcode_t write_blocks64(io_channel channel, unsigned long long block, int count,
				const void *buf)
{
	return EROFS;
}

static errcode_t write_blocks(io_channel channel, unsigned long block, int count, const void *buf)
{
	return EROFS;
}

static errcode_t flush(io_channel channel)
{
	return 0;
}

static struct struct_io_manager manager = {
    .magic = EXT2_ET_MAGIC_IO_MANAGER,
    .name = "struct io",
    .open = io_open,
    .close = channel_close,
    .set_blksize = set_block_size,
    .read_blk = read_blocks,
    .write_blk = write_blocks,
    .flush = flush,
    .read_blk64 = read_blocks64,
    .write_blk64 = write_blocks64,
};

errcode_t ext4_open_fs(struct io *io, ext2_filsys *ret)
{
	char name[40];

	snprintf(name, sizeof(name), NAME_FORMAT, (void *)io);
	return ext2fs_open(name, EXT2_FLAG_64BITS | EXT2_FLAG_SOFTSUPP_FEATURES, 0, 0, &manager,
			   ret);
}

int ext4_read_block(ext2_filsys fs, uint64_t block, void *ret)
{
	errcode_t e;

	if (block >= ext2fs_blocks_count(fs->super))
		return -EIO;
	e = io_channel_read_blk64(fs->io, block, 1, ret);
	return e == EXT2_ET_NO_MEMORY ? -ENOMEM : e ? -EIO : 0;
}
