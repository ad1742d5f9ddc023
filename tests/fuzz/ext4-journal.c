/* SPDX-License-Identifier: Apache-2.0 */
/* The journal of an ext4 with blocks of 1 KiB; zeroes follow what there is of it. */
#include <stdlib.h>
#include <string.h>

#include "base/overflow.h"
#include "filemap/ext4-journal.h"

#define BLOCK     1024
#define BLOCKS    1024
#define FS_BLOCKS 8192

struct journal_io {
	struct io io;
	const uint8_t *data;
	size_t size;
};

static int read_journal(struct io *io, void *buf, size_t len, uint64_t offset)
{
	struct journal_io *j = (struct journal_io *)io;
	size_t n;

	offset -= min_u64(offset, BLOCK); /* block 0 is no part of the journal */
	n = offset < j->size ? (size_t)min_u64(len, j->size - offset) : 0;

	if (n)
		memcpy(buf, j->data + offset, n);
	memset((uint8_t *)buf + n, 0, len - n);
	return 0;
}

static const struct io_ops ops = {.name = "journal", .read = read_journal};

/* The overlay is read at all of its edges. */
static void read_all(struct io *below, struct ext4_replay *replay)
{
	uint8_t buf[3 * BLOCK];
	struct io *io;

	if (ext4_replay_open(below, BLOCK, replay, &io) < 0)
		return;
	for (uint64_t at = 0; at + sizeof(buf) <= io->size_bytes; at += 2 * BLOCK - 100) {
		if (io_read(io, buf, sizeof(buf), at) < 0)
			abort();
	}
	io_close(io);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint64_t blocks[BLOCKS];
	struct journal_io io = {
	    .io = {.ops = &ops, .name = "fuzz", .size_bytes = (BLOCKS + 1) * BLOCK},
	    .data = data,
	    .size = size};
	const struct ext4_journal j = {&io.io, BLOCK, blocks, BLOCKS};
	struct ext4_replay replay;
	const char *why;
	int r;

	for (size_t i = 0; i < BLOCKS; i++)
		blocks[i] = i + 1; /* 0 would be a hole */
	r = ext4_journal_read(&j, FS_BLOCKS, &replay, &why);
	if (r < 0 && (replay.n || replay.v || !why))
		abort();
	for (size_t i = 0; i < replay.n; i++) {
		if (replay.v[i].block >= FS_BLOCKS || replay.v[i].journal > BLOCKS ||
		    (i && replay.v[i].block <= replay.v[i - 1].block))
			abort();
	}
	if (r >= 0)
		read_all(&io.io, &replay);
	free(replay.v);
	return 0;
}
