/* SPDX-License-Identifier: Apache-2.0 */
/* dm-crypt over dm-integrity on an image file, with lib/userspace alone: for comparing with the
 * kernel.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/hex.h"
#include "base/pool.h"
#include "crypto/random.h"
#include "userspace/crypt/crypt.h"

static const char usage[] =
    "crypt-userspace COMMAND CIPHER INTEGRITY SECTOR_BYTES KEY IMAGE OFFSET BYTES …\n"
    "  make FILE      dm-integrity, where there are tags; FILE from the start\n"
    "  write AT FILE  FILE from byte AT on\n"
    "  read AT LEN    to standard output\n"
    "  check          states of all sectors, in runs\n"
    "  where SECTOR   on IMAGE: of its data, of its tag\n"
    "  table DEVICE   for dmsetup; over DEVICE, which is dm-integrity's where there are tags\n"
    "  names          the cipher's in LUKS2, the integrity's there, both in the kernel\n";

static struct progress progress;
static const atomic_bool never;
static struct env env = {.progress = &progress, .cancel = &never, .random = random_bytes};

struct job {
	const struct crypt_kind *kind;
	struct integrity_params params;
	uint8_t key[128];
	struct io *image, *place;
	struct io *io;
};

static int failed(void)
{
	for (size_t i = 0; i < diag_count(); i++)
		fprintf(stderr, "%s\n", diag_get(i)->text);
	return 1;
}

/* The device that @sb says, or of plain sectors. */
static int open_over(struct job *j, const struct integrity_superblock *sb)
{
	struct integrity *tags = NULL;
	int r = 0;

	if (j->kind->tag_bytes)
		r = integrity_open(j->place, &j->params, sb, true, &env, &tags);
	if (r >= 0)
		r = crypt_open(j->kind, j->params.sector_bytes, j->key, tags ? NULL : j->place,
			       tags, false, &env, "crypt", &j->io);
	return r;
}

static int open_device(struct job *j)
{
	uint8_t bytes[INTEGRITY_SUPERBLOCK_BYTES];
	struct integrity_superblock sb = {0};
	const char *why = "";
	int r = 0;

	if (j->kind->tag_bytes)
		r = io_read(j->place, bytes, sizeof(bytes), 0);
	if (j->kind->tag_bytes && r >= 0)
		r = integrity_decode(bytes, sizeof(bytes), &sb, &why);
	if (r < 0)
		return diag_fail(DIAG_DAMAGED, r, "no superblock of dm-integrity: %s", why);
	return open_over(j, &sb);
}

static int make_device(struct job *j)
{
	struct integrity_superblock sb = {0};
	int r = 0;

	if (j->kind->tag_bytes)
		r = integrity_choose(&j->params, j->place->size_bytes, &sb);
	if (r < 0)
		return diag_fail(DIAG_TARGET_SIZE, r, "no room for dm-integrity");
	if (j->kind->tag_bytes)
		r = integrity_prepare(j->place, &j->params, &sb, &env);
	if (r >= 0 && j->kind->tag_bytes)
		r = integrity_finish(j->place, &j->params, &sb);
	return r < 0 ? r : open_over(j, &sb);
}

static int write_file(struct job *j, uint64_t at, const char *path)
{
	_cleanup_io_ struct io *file = NULL;
	_cleanup_free_ uint8_t *bytes = NULL;
	int r = io_open_file(path, 0, &file);

	if (r < 0)
		return r;
	bytes = malloc(file->size_bytes + 1);
	r = bytes ? io_read(file, bytes, file->size_bytes, 0) : -ENOMEM;
	if (r >= 0)
		r = io_write(j->io, bytes, file->size_bytes, at);
	if (r >= 0)
		r = io_flush(j->io);
	return r < 0 ? diag_fail(DIAG_IO, r, "%s: %s", path, strerror(-r)) : 0;
}

static int read_out(struct job *j, uint64_t at, uint64_t len)
{
	_cleanup_free_ uint8_t *bytes = malloc(len + 1);
	int r = bytes ? io_read(j->io, bytes, len, at) : -ENOMEM;

	if (r < 0)
		return diag_fail(DIAG_IO, r, "read: %s", strerror(-r));
	return fwrite(bytes, 1, len, stdout) == len ? 0 : -EIO;
}

static int check(struct job *j)
{
	static const char *const words[] = {"good", "never", "bad"};
	uint64_t n = j->io->size_bytes / j->params.sector_bytes;
	_cleanup_free_ uint8_t *states = malloc(n + 1);
	int r = states ? crypt_check(j->io, 0, n, states, NULL) : -ENOMEM;

	if (r < 0)
		return diag_fail(DIAG_IO, r, "check: %s", strerror(-r));
	for (uint64_t i = 0, run; i < n; i += run) {
		for (run = 1; i + run < n && states[i + run] == states[i];)
			run++;
		printf("%s %" PRIu64 " %" PRIu64 "\n", words[states[i]], i, run);
	}
	return 0;
}

static int table(struct job *j, const char *device)
{
	const struct crypt_kind *k = j->kind;
	uint64_t size = j->io ? j->io->size_bytes : j->place->size_bytes;
	char hex[2 * sizeof(j->key) + 1];

	hex_encode(j->key, k->key_bytes, hex);
	printf("0 %" PRIu64 " crypt %s %s 0 %s 0 %d sector_size:%u", size / 512, k->kernel, hex,
	       device, k->tag_bytes ? 2 : 1, j->params.sector_bytes);
	if (k->tag_bytes)
		printf(" integrity:%d:%s", k->tag_bytes + k->iv_bytes, k->dm_integrity);
	putchar('\n');
	return 0;
}

static int where(struct job *j, uint64_t sector, uint64_t offset)
{
	struct integrity *tags = crypt_tags(j->io);

	if (tags)
		printf("%" PRIu64 " %" PRIu64 "\n", offset + integrity_data_offset(tags, sector),
		       offset + integrity_tag_offset(tags, sector));
	else
		printf("%" PRIu64 "\n", offset + sector * j->params.sector_bytes);
	return 0;
}

static int names(const struct crypt_kind *k)
{
	printf("%s %s %s\n", k->luks_cipher, k->luks_integrity ? k->luks_integrity : "-",
	       k->kernel);
	return 0;
}

/* COMMAND's own arguments are in @argv. */
static int run(struct job *j, const char *command, int argc, char **argv, uint64_t offset)
{
	int r = 0;

	if (strcmp(command, "names") == 0)
		return names(j->kind);
	if (strcmp(command, "make") == 0)
		r = make_device(j);
	else if (j->kind->soft)
		r = open_device(j);
	if (r < 0)
		return r;
	if (strcmp(command, "where") == 0 && argc == 1)
		return where(j, strtoull(argv[0], NULL, 10), offset);
	if (strcmp(command, "make") == 0 && argc == 1)
		return write_file(j, 0, argv[0]);
	if (strcmp(command, "write") == 0 && argc == 2)
		return write_file(j, strtoull(argv[0], NULL, 10), argv[1]);
	if (strcmp(command, "read") == 0 && argc == 2)
		return read_out(j, strtoull(argv[0], NULL, 10), strtoull(argv[1], NULL, 10));
	if (strcmp(command, "check") == 0 && argc == 0)
		return check(j);
	if (strcmp(command, "table") == 0 && argc == 1)
		return table(j, argv[0]);
	return diag_fail(DIAG_USAGE, EINVAL, "%s", usage);
}

int main(int argc, char **argv)
{
	struct job j = {0};
	size_t key_len = 0;
	int r;

	if (argc < 9 || !(j.kind = crypt_kind(argv[2], argv[3])) ||
	    hex_decode_upto(argv[5], j.key, sizeof(j.key), &key_len) < 0 ||
	    key_len != j.kind->key_bytes) {
		fputs(usage, stderr);
		return 2;
	}
	j.params.mode = INTEGRITY_JOURNAL;
	j.params.sector_bytes = (uint32_t)atoi(argv[4]);
	j.params.tag_bytes = (uint32_t)j.kind->tag_bytes + j.kind->iv_bytes;
	if (pool_new(0, &env.pool) < 0 || io_open_file(argv[6], IO_WRITE, &j.image) < 0 ||
	    io_open_window(j.image, "place", strtoull(argv[7], NULL, 10),
			   strtoull(argv[8], NULL, 10), &j.place) < 0)
		return failed();
	r = run(&j, argv[1], argc - 9, argv + 9, strtoull(argv[7], NULL, 10));
	io_close(j.io);
	io_close(j.place);
	io_close(j.image);
	pool_free(env.pool);
	return r < 0 ? failed() : 0;
}
