/* SPDX-License-Identifier: Apache-2.0 */
/* Builds or checks a hash tree with lib/userspace alone; what it costs is printed, too. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/diag.h"
#include "base/hex.h"
#include "base/overflow.h"
#include "base/pool.h"
#include "userspace/verity/verity.h"

static const char usage[] =
    "verity-format DATA HASH OFFSET ALGORITHM TYPE DATA_BLOCK HASH_BLOCK BLOCKS SALT UUID [ROOT]\n"
    "Without ROOT the superblock goes to OFFSET of HASH and the tree behind it. Prints the root\n"
    "hash, milliseconds, KiB of resident memory; with ROOT, all that does not verify.\n";

static struct progress progress;
static const atomic_bool never;
static struct env env = {.progress = &progress, .cancel = &never};

static int failed(void)
{
	for (size_t i = 0; i < diag_count(); i++)
		fprintf(stderr, "%s\n", diag_get(i)->text);
	return 1;
}

static int build(struct verity_device *d, uint64_t offset)
{
	uint8_t block[VERITY_BLOCK_MAX] = {0}, root[DIGEST_MAX_BYTES];
	char hex[2 * DIGEST_MAX_BYTES + 1];
	struct timespec from, to;
	struct rusage usage_now;

	verity_encode(&d->params, block);
	clock_gettime(CLOCK_MONOTONIC, &from);
	if (verity_build(d, &env, 0, NULL, NULL) < 0 || verity_root(d, root) < 0 ||
	    io_write(d->hash, block, VERITY_SUPERBLOCK_BYTES, offset) < 0)
		return failed();
	clock_gettime(CLOCK_MONOTONIC, &to);
	getrusage(RUSAGE_SELF, &usage_now);
	hex_encode(root, d->tree.digest_bytes, hex);
	printf("%s %ld %ld\n", hex,
	       (to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000,
	       usage_now.ru_maxrss);
	return 0;
}

static int print(void *ctx, const struct verity_found *f)
{
	static const char *const kinds[] = {"corrupt", "unproven", "unreadable"};

	printf("%s %d %" PRIu64 " %" PRIu64 "\n", kinds[f->kind], f->level, f->first_block,
	       f->blocks);
	return 0;
}

static int check(struct verity_device *d, const char *text)
{
	uint8_t root[DIGEST_MAX_BYTES];

	if (hex_decode(text, root, d->tree.digest_bytes) < 0)
		return 2;
	return verity_check(d, root, &env, print, NULL) < 0 ? failed() : 0;
}

static int scan(char **argv, struct verity_params *p)
{
	size_t salt_len = 0;

	if (strlen(argv[4]) >= sizeof(p->algorithm))
		return -1;
	strcpy(p->algorithm, argv[4]);
	p->hash_type = (uint32_t)atoi(argv[5]);
	p->data_block_bytes = (uint32_t)atoi(argv[6]);
	p->hash_block_bytes = (uint32_t)atoi(argv[7]);
	p->data_blocks = strtoull(argv[8], NULL, 10);
	if (hex_decode_upto(strcmp(argv[9], "-") == 0 ? "" : argv[9], p->salt, VERITY_SALT_MAX,
			    &salt_len) < 0)
		return -1;
	p->salt_len = (uint16_t)salt_len;
	return uuid_scan(argv[10], &p->uuid);
}

int main(int argc, char **argv)
{
	struct verity_device d = {0};
	uint64_t offset;
	int r;

	if (argc < 11 || argc > 12 || scan(argv, &d.params) < 0) {
		fputs(usage, stderr);
		return 2;
	}
	offset = strtoull(argv[3], NULL, 10);
	d.tree_offset_bytes = round_up(offset + VERITY_SUPERBLOCK_BYTES, d.params.hash_block_bytes);
	if (pool_new(0, &env.pool) < 0 || io_open_file(argv[1], 0, &d.data) < 0 ||
	    io_open_file(argv[2], argc == 11 ? IO_WRITE : 0, &d.hash) < 0 || verity_prepare(&d) < 0)
		return failed();
	r = argc == 11 ? build(&d, offset) : check(&d, argv[11]);
	io_close(d.data);
	io_close(d.hash);
	pool_free(env.pool);
	return r;
}
