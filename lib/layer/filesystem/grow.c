/* SPDX-License-Identifier: Apache-2.0 */
/* Growing an ext4 in place, offline, so that a power cut leaves the old one or the new one:
 * resize2fs works on a sparse copy; what it changed is written after the old end first, then,
 * through a redo log in the new free space, before it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/endian.h"
#include "base/io.h"
#include "base/overflow.h"
#include "base/spawn.h"
#include "crypto/digest.h"
#include "layer/filesystem/grow.h"
#include "layer/filesystem/tool.h"

#define BLOCK     4096
#define LOG_MAGIC "holdfast-regrow1"

/* The redo log lies in the last blocks of the place: header, list, blocks. Little-endian. */
struct log_disk {
	uint8_t magic[16];  /*  0 */
	le64_t blocks;      /* 16 that follow the list */
	uint8_t digest[32]; /* 24 SHA-256 of list and blocks */
};

struct log {
	ARRAY(uint64_t) changed; /* block numbers, all below the old end */
	uint8_t *bytes;          /* list (padded to blocks), then blocks */
	size_t len;
};

static void log_free(struct log *log)
{
	array_free(&log->changed);
	free(log->bytes);
}
#define _cleanup_log_ __attribute__((cleanup(log_free)))

static uint64_t list_bytes(uint64_t blocks)
{
	return round_up(blocks * sizeof(le64_t), BLOCK);
}

static int fail(struct io *io, int r)
{
	return io_fail(io, r, "growing the file system,", 0, io->size_bytes);
}

/* How many bytes the ext4 on @io says that it has; 0: there is none. */
static uint64_t ext4_bytes(struct io *io)
{
	uint8_t sb[1024];
	le32_t low, high, log_size;

	if (io_read(io, sb, sizeof(sb), 1024) < 0 || sb[56] != 0x53 || sb[57] != 0xef)
		return 0;
	memcpy(&low, sb + 4, 4);
	memcpy(&high, sb + 0x150, 4);
	memcpy(&log_size, sb + 24, 4);
	return ((uint64_t)le32_get(high) << 32 | le32_get(low)) << (10 + (le32_get(log_size) & 7));
}

static int run(struct env *env, struct io *work, const char *program, const char *flag)
{
	const char *argv[] = {program, flag, filesystem_path(work), NULL};
	const char *const set_env[] = {"E2FSPROGS_FAKE_TIME=" FILESYSTEM_TIME_TEXT,
				       "E2FSCK_TIME=" FILESYSTEM_TIME_TEXT, NULL};

	return filesystem_run(env, argv, set_env, work, -1);
}

/* A sparse copy of the old file system, grown. */
static int resize(struct io *place, uint64_t old_bytes, struct env *env, struct io **ret)
{
	_cleanup_io_ struct io *work = NULL;
	int r = env_work_file(env, "ext4", round_down(place->size_bytes, BLOCK), &work);

	if (r >= 0) {
		r = io_copy(place, 0, work, 0, old_bytes, true, env);
		r = r < 0 ? fail(place, r) : 0;
	}
	if (r >= 0)
		r = run(env, work, "e2fsck", "-fp");
	if (r >= 0)
		r = run(env, work, "resize2fs", "-f");
	if (r >= 0)
		*ret = TAKE(work);
	return r;
}

/* Which blocks below the old end differ now. */
static int compare(struct io *place, struct io *work, uint64_t old_bytes, struct log *log)
{
	uint8_t before[BLOCK], after[BLOCK];

	for (uint64_t at = 0; at < old_bytes; at += BLOCK) {
		int r = io_read(place, before, BLOCK, at);

		if (r >= 0)
			r = io_read(work, after, BLOCK, at);
		if (r < 0)
			return fail(place, r);
		if (memcmp(before, after, BLOCK) != 0 && array_add(&log->changed, at / BLOCK) < 0)
			return diag_no_memory();
	}
	return 0;
}

static int fill_log(struct io *work, struct log *log)
{
	uint64_t list = list_bytes(log->changed.n);

	log->len = list + log->changed.n * BLOCK;
	log->bytes = calloc(1, log->len ? log->len : 1);
	if (!log->bytes)
		return diag_no_memory();
	for (size_t i = 0; i < log->changed.n; i++) {
		const le64_t number = le64_make(log->changed.v[i]);
		int r =
		    io_read(work, log->bytes + list + i * BLOCK, BLOCK, log->changed.v[i] * BLOCK);

		if (r < 0)
			return fail(work, r);
		memcpy(log->bytes + i * sizeof(number), &number, sizeof(number));
	}
	return 0;
}

/* The log's header is the place's last block; list and blocks end before it. */
static uint64_t header_offset(const struct io *place)
{
	return round_down(place->size_bytes, BLOCK) - BLOCK;
}

/* Free in the grown file system, and after the old one? */
static int check_room(struct io *place, struct io *work, uint64_t old_bytes, size_t log_len)
{
	uint64_t from = header_offset(place) - min_u64(header_offset(place), log_len), len;
	bool data = true;

	if (from >= old_bytes && io_extent(work, from, &data, &len) >= 0 && !data &&
	    from + len >= work->size_bytes)
		return 0;
	return diag_fail(
	    DIAG_LAYOUT_SPACE, ENOSPC,
	    "the file system grew too little to be grown safely in place; give its source "
	    "directory, and it is made again");
}

static int write_log(struct io *place, const struct log *log)
{
	uint8_t block[BLOCK] = {0};
	struct log_disk d = {.blocks = le64_make(log->changed.n)};
	int r = digest_sha256(log->bytes, log->len, d.digest);

	memcpy(d.magic, LOG_MAGIC, sizeof(d.magic));
	memcpy(block, &d, sizeof(d));
	if (r < 0)
		return r;
	r = io_write(place, log->bytes, log->len, header_offset(place) - log->len);
	if (r >= 0)
		r = io_flush(place);
	if (r >= 0)
		r = io_write(place, block, BLOCK, header_offset(place));
	if (r >= 0)
		r = io_flush(place);
	return r < 0 ? fail(place, r) : 0;
}

/* A log that was written completely: 1, 0 none, -errno. */
static int read_log(struct io *place, uint64_t old_bytes, struct log *log)
{
	struct log_disk d;
	uint8_t digest[32];
	uint64_t blocks;
	int r = io_read(place, &d, sizeof(d), header_offset(place));

	if (r < 0)
		return fail(place, r);
	blocks = le64_get(d.blocks);
	if (memcmp(d.magic, LOG_MAGIC, sizeof(d.magic)) != 0 || blocks > old_bytes / BLOCK ||
	    list_bytes(blocks) + blocks * BLOCK > header_offset(place))
		return 0;
	log->len = list_bytes(blocks) + blocks * BLOCK;
	log->bytes = malloc(log->len ? log->len : 1);
	if (!log->bytes)
		return diag_no_memory();
	r = io_read(place, log->bytes, log->len, header_offset(place) - log->len);
	if (r < 0)
		return fail(place, r);
	if (digest_sha256(log->bytes, log->len, digest) < 0 ||
	    memcmp(digest, d.digest, sizeof(digest)) != 0)
		return 0;
	for (uint64_t i = 0; i < blocks; i++) {
		le64_t number;

		memcpy(&number, log->bytes + i * sizeof(number), sizeof(number));
		if (le64_get(number) >= old_bytes / BLOCK ||
		    array_add(&log->changed, le64_get(number)) < 0)
			return 0;
	}
	return 1;
}

/* The header last: while it is there, what else is to be cleared is known. */
static int clear_log(struct io *place, const struct log *log)
{
	int r = io_zero(place, header_offset(place) - log->len, log->len);

	if (r >= 0)
		r = io_flush(place);
	if (r >= 0)
		r = io_zero(place, header_offset(place), BLOCK);
	return r < 0 ? fail(place, r) : 0;
}

static int apply_log(struct io *place, const struct log *log)
{
	const uint8_t *block = log->bytes + list_bytes(log->changed.n);
	int r = 0;

	for (size_t i = 0; i < log->changed.n && r >= 0; i++)
		r = io_write(place, block + i * BLOCK, BLOCK, log->changed.v[i] * BLOCK);
	if (r >= 0)
		r = io_flush(place);
	return r < 0 ? fail(place, r) : clear_log(place, log);
}

/* Nothing that the old file system reads: can be cut and repeated at will. */
static int write_new_part(struct io *place, struct io *work, uint64_t old_bytes, struct env *env)
{
	int r = io_copy(work, old_bytes, place, old_bytes, work->size_bytes - old_bytes, true, env);

	if (r >= 0)
		r = io_flush(place);
	return r < 0 ? fail(place, r) : 0;
}

int filesystem_grow_ext4(struct io *place, uint64_t old_bytes, struct env *env)
{
	_cleanup_io_ struct io *work = NULL;
	_cleanup_log_ struct log log = {0};
	int r;

	old_bytes = round_down(old_bytes, BLOCK);
	if (ext4_bytes(place) > old_bytes) {
		r = read_log(place, old_bytes, &log); /* applied, perhaps only in part */
		if (r == 0 && log.len)
			return clear_log(place, &log); /* all of it, and cut while it was cleared */
		return r == 1 ? apply_log(place, &log) : r;
	}
	r = read_log(place, old_bytes, &log);
	if (r == 1)
		return apply_log(place, &log);
	log_free(&log);
	log = (struct log){0};
	if (r >= 0)
		r = resize(place, old_bytes, env, &work);
	if (r >= 0)
		r = compare(place, work, old_bytes, &log);
	if (r >= 0)
		r = fill_log(work, &log);
	if (r >= 0)
		r = check_room(place, work, old_bytes, log.len);
	if (r >= 0)
		r = write_new_part(place, work, old_bytes, env);
	if (r >= 0)
		r = write_log(place, &log);
	return r < 0 ? r : apply_log(place, &log);
}
