/* SPDX-License-Identifier: Apache-2.0 */
/* What lib/filemap says of an image: every run of one use, or the names of single blocks. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "filemap/ext4.h"

static const char usage[] =
    "filemap-list IMAGE              OFFSET LENGTH USE of every run, then what is to be noted\n"
    "filemap-list IMAGE UNIT N…      the name of each of these units of UNIT bytes\n";

static struct progress progress;
static const atomic_bool never;
static struct env env = {.progress = &progress, .cancel = &never};

static int list(struct filemap *f, uint64_t size)
{
	static const char *const uses[] = {"free", "unwritten", "used"};
	uint64_t n;

	for (uint64_t at = 0; at < size; at += n) {
		enum filemap_use use = filemap_run(f, at, size - at, &n);

		printf("%" PRIu64 " %" PRIu64 " %s\n", at, n, uses[use]);
	}
	if (filemap_note(f))
		printf("note: %s\n", filemap_note(f));
	return 0;
}

static int names(struct filemap *f, uint64_t unit, char **numbers)
{
	for (; *numbers; numbers++) {
		_cleanup_text_ struct text t = {0};

		if (filemap_name(f, strtoull(*numbers, NULL, 10) * unit, unit, &t) < 0)
			return 1;
		printf("%s: %s\n", *numbers, t.s);
	}
	return 0;
}

int main(int argc, char **argv)
{
	_cleanup_filemap_ struct filemap *f = NULL;
	_cleanup_io_ struct io *io = NULL;
	const char *why;
	int r;

	if (argc < 2 || argc == 3) {
		fputs(usage, stderr);
		return 2;
	}
	if (io_open_file(argv[1], 0, &io) < 0) {
		fprintf(stderr, "%s\n", diag_get(0)->text);
		return 1;
	}
	r = filemap_ext4_open(io, &env, &f, &why);
	if (r < 0) {
		printf("%s\n", r == -ENODATA ? "no ext4" : r == -EUCLEAN ? why : strerror(-r));
		return 3;
	}
	return argc == 2 ? list(f, io->size_bytes)
			 : names(f, strtoull(argv[2], NULL, 10), argv + 3);
}
