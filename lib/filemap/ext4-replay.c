/* SPDX-License-Identifier: Apache-2.0 */
/* A file system with its journal replayed, for reading: contents come straight from where they
 * stand in the journal. */
#include <errno.h>
#include <stdlib.h>

#include "base/overflow.h"
#include "filemap/ext4-replay.h"

struct replay_io {
	struct io io;
	struct io *below;
	uint32_t block_bytes;
	struct ext4_replay replay;
};

/* The first replayed block that is not before @block; replay.n: there is none. */
static size_t find(const struct ext4_replay *replay, uint64_t block)
{
	size_t from = 0, to = replay->n;

	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (replay->v[mid].block < block)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

/* A part of a replayed block. */
static int read_replayed(struct replay_io *p, const struct ext4_replayed *b, uint8_t *buf,
			 uint32_t skip, size_t len)
{
	static const uint8_t magic[4] = {0xc0, 0x3b, 0x39, 0x98};
	int r = io_read(p->below, buf, len, b->journal * p->block_bytes + skip);

	for (uint32_t i = skip; r >= 0 && b->escaped && i < sizeof(magic) && i - skip < len; i++)
		buf[i - skip] = magic[i];
	return r;
}

static int replay_read(struct io *io, void *buf, size_t len, uint64_t offset)
{
	struct replay_io *p = (struct replay_io *)io;
	uint8_t *to = buf;
	int r = 0;

	while (len > 0 && r >= 0) {
		uint64_t block = offset / p->block_bytes;
		uint32_t skip = (uint32_t)(offset % p->block_bytes);
		size_t i = find(&p->replay, block);
		bool here = i < p->replay.n && p->replay.v[i].block == block;
		size_t n = len;

		if (here) {
			n = (size_t)min_u64(len, p->block_bytes - skip);
			r = read_replayed(p, &p->replay.v[i], to, skip, n);
		} else {
			if (i < p->replay.n)
				n = (size_t)min_u64(len,
						    p->replay.v[i].block * p->block_bytes - offset);
			r = io_read(p->below, to, n, offset);
		}
		to += n;
		offset += n;
		len -= n;
	}
	return r;
}

static void replay_close(struct io *io)
{
	struct replay_io *p = (struct replay_io *)io;

	free(p->replay.v);
	free(p);
}

static const struct io_ops replay_ops = {
    .name = "replay",
    .read = replay_read,
    .close = replay_close,
};

int ext4_replay_open(struct io *below, uint32_t block_bytes, struct ext4_replay *replay,
		     struct io **ret)
{
	struct replay_io *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->io = *below;
	p->io.ops = &replay_ops;
	p->io.read_only = true;
	p->below = below;
	p->block_bytes = block_bytes;
	p->replay = *replay;
	*replay = (struct ext4_replay){0};
	*ret = &p->io;
	return 0;
}
