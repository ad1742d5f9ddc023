/* SPDX-License-Identifier: Apache-2.0 */
/* vfat: mkfs.vfat, then mtools put the contents in, in order of names. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/overflow.h"
#include "base/text.h"
#include "layer/filesystem/tool.h"
#include "layer/filesystem/type.h"

#define ARGS_MAX 40

static const char *const fixed_time[] = {"SOURCE_DATE_EPOCH=" FILESYSTEM_TIME_TEXT,
					 "MTOOLSRC=/dev/null", "MTOOLS_SKIP_CHECK=1", "TZ=UTC",
					 NULL};

static int tool(struct env *env, char ret[static 64])
{
	const char *fat[] = {"mkfs.vfat", "--help", NULL};
	const char *mtools[] = {"mcopy", "--version", NULL};
	char first[64], second[64];
	int r = filesystem_version(env, mtools, "mcopy ", second);

	if (r >= 0 && filesystem_version(env, fat, "mkfs.fat ", first) < 0)
		snprintf(first, sizeof(first), "mkfs.vfat");
	if (r >= 0)
		snprintf(ret, 64, "%.31s, %.30s", first, second);
	return r;
}

static uint64_t least(const struct source_tree *tree)
{
	uint64_t bytes = tree->file_bytes + tree->entries * 4096;

	return round_up(bytes + bytes / 16 + 2 * 1024 * 1024, 1024 * 1024);
}

static int make(const struct filesystem_make *m, struct io *to, struct env *env)
{
	const char *argv[ARGS_MAX] = {"mkfs.vfat", "--invariant", "-i"};
	char id[9], sector[12];
	size_t n = 3;

	snprintf(id, sizeof(id), "%02x%02x%02x%02x", m->uuid.b[0], m->uuid.b[1], m->uuid.b[2],
		 m->uuid.b[3]);
	snprintf(sector, sizeof(sector), "%u", m->sector_bytes);
	argv[n++] = id;
	argv[n++] = "-S";
	argv[n++] = sector;
	if (m->label) {
		argv[n++] = "-n";
		argv[n++] = m->label;
	}
	for (size_t i = 0; i < m->n_options && n < ARGS_MAX - 2; i++)
		argv[n++] = m->options[i];
	argv[n++] = filesystem_path(to);
	return filesystem_run(env, argv, fixed_time, to, -1);
}

/* One directory or file: what stands in the image at "::@inside". */
static int put(struct env *env, struct io *to, bool directory, const char *from, const char *inside)
{
	_cleanup_free_ char *target = text_make("::%s", inside);
	const char *mmd[] = {"mmd", "-i", filesystem_path(to), target, NULL};
	const char *mcopy[] = {"mcopy", "-i", filesystem_path(to), from, target, NULL};

	if (!target)
		return diag_no_memory();
	return filesystem_run(env, directory ? mmd : mcopy, fixed_time, to, -1);
}

static int put_directory(struct env *env, struct io *to, const char *from, const char *inside);

static int put_entry(struct env *env, struct io *to, const char *from, const char *inside)
{
	struct stat st;
	int r;

	if (lstat(from, &st) < 0)
		return diag_file(errno, from);
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return diag_fail(DIAG_SOURCE, EINVAL,
				 "source %s: vfat holds files and directories only", from);
	r = put(env, to, S_ISDIR(st.st_mode), from, inside);
	return r < 0 || !S_ISDIR(st.st_mode) ? r : put_directory(env, to, from, inside);
}

static int no_dots(const struct dirent *e)
{
	return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
}

static int in_order(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int put_directory(struct env *env, struct io *to, const char *from, const char *inside)
{
	struct dirent **entries;
	int n = scandir(from, &entries, no_dots, in_order), r = 0;

	if (n < 0)
		return diag_file(errno, from);
	for (int i = 0; i < n; i++) {
		_cleanup_free_ char *path = text_make("%s/%s", from, entries[i]->d_name);
		_cleanup_free_ char *name = text_make("%s/%s", inside, entries[i]->d_name);

		if (r >= 0)
			r = path && name ? put_entry(env, to, path, name) : diag_no_memory();
		free(entries[i]);
	}
	free(entries);
	return r;
}

static int build(const struct filesystem_make *m, struct io *to, struct env *env)
{
	int r = make(m, to, env);

	return r < 0 || !m->source ? r : put_directory(env, to, m->source, "");
}

const struct filesystem_type filesystem_vfat = {
    .name = "vfat",
    .mount_type = "vfat",
    .label_bytes = 11,
    .empty_bytes = 8 * 1024 * 1024,
    .tool = tool,
    .least = least,
    .build = build,
    .magic_offset = 510,
    .magic = "\x55\xaa",
    .magic_len = 2,
};
