/* SPDX-License-Identifier: Apache-2.0 */
/* Hashing runs of blocks of a verity device, in bounded memory. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/overflow.h"
#include "userspace/verity/worker.h"

#define READ_BYTES  (1024 * 1024)      /* of one worker, at most */
#define READS_BYTES (16 * 1024 * 1024) /* of all workers together */

static size_t read_room(const struct verity_params *p, unsigned workers)
{
	uint64_t room = min_u64(READ_BYTES, READS_BYTES / workers);

	room = max_u64(room, p->data_block_bytes);
	return (size_t)max_u64(room, p->hash_block_bytes);
}

int verity_worker_init(const struct verity_device *d, unsigned workers, struct verity_worker *ret)
{
	const struct verity_params *p = &d->params;
	struct verity_worker w = {.d = d, .room_bytes = read_room(p, workers)};
	int r = block_digest_new(p->algorithm, p->salt, p->salt_len, p->hash_type == 1, &w.digest);

	if (r < 0)
		return r;
	w.blocks = calloc(1, w.room_bytes);
	r = w.blocks ? block_digest_run(w.digest, w.blocks, p->data_block_bytes, 1, w.zero,
					sizeof(w.zero))
		     : -ENOMEM;
	if (r < 0) {
		verity_worker_free(&w);
		return diag_no_memory();
	}
	*ret = w;
	return 0;
}

void verity_worker_free(struct verity_worker *w)
{
	block_digest_free(w->digest);
	free(w->blocks);
	*w = (struct verity_worker){0};
}

uint64_t verity_run_blocks(const struct verity_worker *w, int level)
{
	return w->room_bytes / verity_level_block_bytes(w->d, level);
}

static bool is_zero(const uint8_t *p, size_t n)
{
	return p[0] == 0 && memcmp(p, p + 1, n - 1) == 0;
}

static bool is_hole(struct io *io, uint64_t offset, uint64_t len)
{
	uint64_t hole;
	bool data;

	return io_extent(io, offset, &data, &hole) == 0 && !data && hole >= len;
}

/* A run that fits into w->blocks. Data blocks of zeroes are common, so their digest is kept. */
static int hash_few(struct verity_worker *w, int level, uint64_t first, uint64_t n, uint8_t *ret)
{
	uint32_t size = verity_level_block_bytes(w->d, level), stride = w->d->tree.digest_stride;
	struct io *io;
	uint64_t offset = verity_locate(w->d, level, first, &io);
	bool hole = level < 0 && is_hole(io, offset, n * size);
	int r = hole ? 0 : io_read(io, w->blocks, (size_t)(n * size), offset);

	for (uint64_t i = 0; i < n && r >= 0; i++) {
		const uint8_t *block = w->blocks + i * size;

		if (hole || (level < 0 && is_zero(block, size)))
			memcpy(ret + i * stride, w->zero, w->d->tree.digest_bytes);
		else
			r = block_digest_run(w->digest, block, size, 1, ret + i * stride, stride);
	}
	return r;
}

int verity_hash_run(struct verity_worker *w, int level, uint64_t first, uint64_t n, uint8_t *ret)
{
	uint64_t at_once = verity_run_blocks(w, level);
	int r = 0;

	for (uint64_t i = 0; i < n && r >= 0; i += at_once)
		r = hash_few(w, level, first + i, min_u64(at_once, n - i),
			     ret + i * w->d->tree.digest_stride);
	return r;
}

bool verity_block_matches(struct verity_worker *w, const uint8_t *block, const uint8_t *expected)
{
	uint8_t digest[DIGEST_MAX_BYTES];

	return block_digest_run(w->digest, block, w->d->params.hash_block_bytes, 1, digest,
				sizeof(digest)) == 0 &&
	       digest_equal(digest, expected, w->d->tree.digest_bytes);
}
