/* SPDX-License-Identifier: Apache-2.0 */
/* dm-integrity with lib/userspace alone, for a kernel to compare with. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/hex.h"
#include "base/overflow.h"
#include "crypto/digest.h"
#include "userspace/integrity/integrity.h"

static const char usage[] =
    "integrity-userspace choose FILE OPTION…             the superblock that would be made\n"
    "integrity-userspace show FILE OPTION…               the one that is there, and its MAC\n"
    "integrity-userspace make FILE OPTION…\n"
    "integrity-userspace write FILE FROM AT OPTION…      FROM at byte AT of the device\n"
    "integrity-userspace write-raw FILE FROM TAGS OPTION…\n"
    "integrity-userspace scan FILE MAP OPTION…           a letter for every sector, digest of the "
    "good\n"
    "integrity-userspace read-raw FILE DATA TAGS OPTION…\n"
    "integrity-userspace written FILE OPTION…            ranges of sectors with a tag\n"
    "integrity-userspace journal FILE OPTION…\n"
    "OPTION: algorithm=A mode=J|B|D sector=BYTES tag=BYTES key=HEX journal-key=HEX salt=HEX\n"
    "        journal=SECTORS interleave=SECTORS offset=BYTES size=BYTES start=BYTES\n";

static struct progress progress;
static const atomic_bool never;
static struct env env = {.progress = &progress, .cancel = &never};

struct options {
	struct integrity_params p;
	char algorithm[32];
	uint8_t key[64], journal_key[64];
	uint64_t offset, size;
};

static int failed(void)
{
	for (size_t i = 0; i < diag_count(); i++)
		fprintf(stderr, "%s\n", diag_get(i)->text);
	return 1;
}

/* --- arguments --- */

static size_t scan_hex(const char *text, uint8_t *ret, size_t room)
{
	size_t n = strlen(text) / 2;

	for (size_t i = 0; i < n && i < room; i++) {
		unsigned byte;

		if (sscanf(text + 2 * i, "%2x", &byte) != 1)
			exit(2);
		ret[i] = (uint8_t)byte;
	}
	return n;
}

static void set_option(struct options *o, const char *name, const char *value)
{
	uint64_t n = strtoull(value, NULL, 10);

	if (strcmp(name, "algorithm") == 0)
		o->p.algorithm = strncpy(o->algorithm, value, sizeof(o->algorithm) - 1);
	else if (strcmp(name, "mode") == 0)
		o->p.mode = *value == 'J'   ? INTEGRITY_JOURNAL
			    : *value == 'B' ? INTEGRITY_BITMAP
					    : INTEGRITY_DIRECT;
	else if (strcmp(name, "sector") == 0)
		o->p.sector_bytes = (uint32_t)n;
	else if (strcmp(name, "tag") == 0)
		o->p.tag_bytes = (uint32_t)n;
	else if (strcmp(name, "key") == 0)
		o->p.key_len = scan_hex(value, o->key, sizeof(o->key));
	else if (strcmp(name, "journal-key") == 0)
		o->p.journal_key_len = scan_hex(value, o->journal_key, sizeof(o->journal_key));
	else if (strcmp(name, "salt") == 0)
		scan_hex(value, o->p.salt, sizeof(o->p.salt));
	else if (strcmp(name, "journal") == 0)
		o->p.journal_sectors = (uint32_t)n;
	else if (strcmp(name, "interleave") == 0)
		o->p.interleave_sectors = (uint32_t)n;
	else if (strcmp(name, "offset") == 0)
		o->offset = n;
	else if (strcmp(name, "size") == 0)
		o->size = n;
	else if (strcmp(name, "start") == 0)
		o->p.start_bytes = n;
	else
		exit(2);
}

static void scan_options(struct options *o, char **argv)
{
	o->p.sector_bytes = 512;
	o->p.key = o->key;
	o->p.journal_key = o->journal_key;
	for (; *argv; argv++) {
		char *value = strchr(*argv, '=');

		if (!value)
			exit(2);
		*value++ = '\0';
		set_option(o, *argv, value);
	}
}

/* --- superblocks --- */

static void print(const struct integrity_superblock *sb)
{
	struct integrity_geometry g;
	const char *why;

	printf("version %u\ninterleave %u\ntag %u\nsections %u\nprovided %" PRIu64 "\nflags %x\n"
	       "block %u\nbitmap %u\nrecalc %" PRIu64 "\n",
	       sb->version, sb->log2_interleave_sectors, sb->tag_bytes, sb->journal_sections,
	       sb->provided_data_sectors, sb->flags, sb->log2_sectors_per_block,
	       sb->log2_blocks_per_bitmap_bit, sb->recalc_sector);
	if (integrity_geometry(sb, &g, &why) == 0)
		printf("initial %" PRIu64 "\n", g.initial_bytes);
}

static int choose(struct io *io, const struct options *o, struct integrity_superblock *ret)
{
	int r = integrity_choose(&o->p, io->size_bytes, ret);

	if (r < 0)
		fprintf(stderr, "choose: %s\n", strerror(-r));
	return r;
}

static int do_choose(struct io *io, const struct options *o)
{
	struct integrity_superblock sb;

	if (choose(io, o, &sb) < 0)
		return 1;
	print(&sb);
	return 0;
}

/* As it is on the medium; its MAC must be right. */
static int look(struct io *io, const struct options *o, struct integrity_superblock *ret)
{
	uint8_t bytes[INTEGRITY_SUPERBLOCK_BYTES];
	const char *why = "there is none";
	int r = io_read(io, bytes, sizeof(bytes), 0);

	if (r >= 0)
		r = integrity_decode(bytes, sizeof(bytes), ret, &why);
	if (r >= 0 && integrity_authentic(bytes, ret, &o->p) != 1) {
		why = "its MAC is wrong";
		r = -1;
	}
	if (r < 0)
		fprintf(stderr, "superblock: %s\n", why);
	return r;
}

static int do_show(struct io *io, const struct options *o)
{
	struct integrity_superblock sb;

	if (look(io, o, &sb) < 0)
		return 1;
	print(&sb);
	printf("salt ");
	for (size_t i = 0; i < sizeof(sb.salt); i++)
		printf("%02x", sb.salt[i]);
	printf("\n");
	return 0;
}

static int do_make(struct io *io, const struct options *o)
{
	struct integrity_superblock sb;

	return choose(io, o, &sb) < 0 || integrity_prepare(io, &o->p, &sb, &env) < 0 ||
	       integrity_finish(io, &o->p, &sb) < 0;
}

/* --- contents --- */

static struct integrity *open_device(struct io *io, const struct options *o)
{
	struct integrity_superblock sb;
	struct integrity *i;

	if (look(io, o, &sb) < 0 || integrity_open(io, &o->p, &sb, true, &env, &i) < 0)
		exit(failed());
	return i;
}

static uint8_t *read_file(const char *path, size_t *ret_len)
{
	struct io *io;
	uint8_t *bytes;

	if (io_open_file(path, 0, &io) < 0)
		exit(failed());
	bytes = malloc(io->size_bytes);
	if (!bytes || io_read(io, bytes, io->size_bytes, 0) < 0)
		exit(1);
	*ret_len = io->size_bytes;
	io_close(io);
	return bytes;
}

static int write_file(const char *path, const uint8_t *bytes, size_t len)
{
	FILE *f = fopen(path, "w");
	bool good = f && fwrite(bytes, 1, len, f) == len;

	return !f || fclose(f) != 0 || !good;
}

static int do_write(struct io *io, const struct options *o, char **argv)
{
	size_t len;
	_cleanup_free_ uint8_t *bytes = read_file(argv[0], &len);
	_cleanup_io_ struct io *device = NULL;
	int r;

	if (integrity_io(open_device(io, o), "device", false, &device) < 0)
		return failed();
	r = io_write(device, bytes, len, strtoull(argv[1], NULL, 10));
	if (r < 0)
		fprintf(stderr, "write: %s\n", strerror(-r));
	return r < 0;
}

static int do_write_raw(struct io *io, const struct options *o, char **argv)
{
	size_t len, tags_len;
	_cleanup_free_ uint8_t *bytes = read_file(argv[0], &len);
	_cleanup_free_ uint8_t *tags = read_file(argv[1], &tags_len);
	struct integrity *i = open_device(io, o);
	uint64_t n = len / o->p.sector_bytes;
	int r = tags_len == n * integrity_tag_bytes(i) ? integrity_write(i, 0, n, bytes, tags) : -1;

	integrity_close(i);
	return r < 0;
}

static int do_read_raw(struct io *io, const struct options *o, char **argv)
{
	struct integrity *i = open_device(io, o);
	uint64_t n = integrity_sectors(i);
	size_t len = n * o->p.sector_bytes, tags_len = n * integrity_tag_bytes(i);
	_cleanup_free_ uint8_t *bytes = malloc(len), *tags = malloc(tags_len);
	int r = bytes && tags ? integrity_read(i, 0, n, bytes, tags) : -1;

	integrity_close(i);
	return r < 0 || write_file(argv[0], bytes, len) || write_file(argv[1], tags, tags_len);
}

/* The digest is over what the kernel lets one read. */
static int scan(struct integrity *i, uint32_t sector, uint8_t *map, uint8_t ret[static 32])
{
	uint64_t n = integrity_sectors(i), good = 0;
	_cleanup_free_ uint8_t *bytes = malloc(n * sector);
	_cleanup_free_ uint8_t *tags = malloc(n * integrity_tag_bytes(i));
	int r = bytes && tags ? integrity_read(i, 0, n, bytes, tags) : -1;

	if (r >= 0)
		r = integrity_check(i, 0, n, bytes, tags, map);
	for (uint64_t k = 0; k < n && r >= 0; k++) {
		if (map[k] == INTEGRITY_GOOD || map[k] == INTEGRITY_UNSURE)
			memmove(bytes + good++ * sector, bytes + k * sector, sector);
		map[k] = (uint8_t) "gnbu"[map[k]];
	}
	return r < 0 ? r : digest_sha256(bytes, good * sector, ret);
}

static int do_scan(struct io *io, const struct options *o, char **argv)
{
	struct integrity *i = open_device(io, o);
	uint64_t n = integrity_sectors(i);
	_cleanup_free_ uint8_t *map = malloc(n);
	uint8_t digest[32];
	int r = map ? scan(i, o->p.sector_bytes, map, digest) : -1;

	integrity_close(i);
	if (r < 0 || write_file(argv[0], map, n))
		return 1;
	for (size_t k = 0; k < sizeof(digest); k++)
		printf("%02x", digest[k]);
	printf("\n");
	return 0;
}

static int do_written(struct io *io, const struct options *o)
{
	struct integrity *i = open_device(io, o);
	uint64_t first = 0, end = 0, next = 0, n = integrity_sectors(i);
	int r = integrity_next_written(i, 0, &next);

	while (r >= 0 && next < n) {
		first = next;
		for (end = first; r >= 0 && next == end && end < n; end++)
			r = integrity_next_written(i, end + 1, &next);
		printf("%" PRIu64 "+%" PRIu64 "\n", first, end - first);
	}
	integrity_close(i);
	return r < 0;
}

static int do_journal(struct io *io, const struct options *o)
{
	struct integrity *i = open_device(io, o);
	struct integrity_journal_report j;

	integrity_journal(i, &j);
	integrity_close(i);
	printf("sections %" PRIu64 " empty %" PRIu64 " committed %" PRIu64 " torn %" PRIu64
	       " bad %" PRIu64 " replayed %" PRIu64 " unsure %" PRIu64 " dirty %d\n",
	       j.sections, j.empty, j.committed, j.torn, j.bad, j.replayed_sectors,
	       j.unsure_sectors, j.dirty);
	return 0;
}

/* --- commands --- */

static const struct command {
	const char *name;
	int words;
	bool writes;
	int (*run)(struct io *io, const struct options *o);
	int (*run_words)(struct io *io, const struct options *o, char **argv);
} commands[] = {
    {"choose", 0, false, do_choose, NULL},      {"show", 0, false, do_show, NULL},
    {"make", 0, true, do_make, NULL},           {"write", 2, true, NULL, do_write},
    {"write-raw", 2, true, NULL, do_write_raw}, {"scan", 1, false, NULL, do_scan},
    {"read-raw", 2, false, NULL, do_read_raw},  {"written", 0, false, do_written, NULL},
    {"journal", 0, false, do_journal, NULL},
};

static int run(const struct command *c, int argc, char **argv)
{
	_cleanup_io_ struct io *file = NULL, *window = NULL;
	struct options o = {.offset = 0};

	if (argc < 3 + c->words) {
		fputs(usage, stderr);
		return 2;
	}
	scan_options(&o, argv + 3 + c->words);
	if (io_open_file(argv[2], c->writes ? IO_WRITE : 0, &file) < 0)
		return failed();
	if (!o.size)
		o.size = file->size_bytes - o.offset;
	if (io_open_window(file, argv[2], o.offset, o.size, &window) < 0)
		return failed();
	return (c->run ? c->run(window, &o) : c->run_words(window, &o, argv + 3)) ? 1 : 0;
}

int main(int argc, char **argv)
{
	int r = 2;

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (argc > 1 && strcmp(argv[1], commands[i].name) == 0)
			r = run(&commands[i], argc, argv);
	}
	if (r == 2)
		fputs(usage, stderr);
	else if (r)
		failed();
	return r;
}
