/* SPDX-License-Identifier: Apache-2.0 */
/* erofs and squashfs: compressed or plain read-only images, as large as their contents. */
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "layer/filesystem/tool.h"
#include "layer/filesystem/type.h"

#define ARGS_MAX 48

static void add_options(const struct filesystem_make *m, const char **argv, size_t *n)
{
	for (size_t i = 0; i < m->n_options && *n < ARGS_MAX - 4; i++)
		argv[(*n)++] = m->options[i];
}

static int erofs_tool(struct env *env, char ret[static 64])
{
	const char *argv[] = {"mkfs.erofs", "--version", NULL};

	return filesystem_version(env, argv, "mkfs.erofs ", ret);
}

static int erofs_build(const struct filesystem_make *m, struct io *to, struct env *env)
{
	const char *argv[ARGS_MAX] = {"mkfs.erofs", "--quiet", "-T" FILESYSTEM_TIME_TEXT};
	char uuid_arg[2 + UUID_TEXT_SIZE] = "-U";
	size_t n = 3;

	uuid_print(&m->uuid, uuid_arg + 2);
	argv[n++] = uuid_arg;
	if (m->all_root)
		argv[n++] = "--all-root";
	add_options(m, argv, &n);
	argv[n++] = filesystem_path(to);
	argv[n++] = m->source;
	return filesystem_run(env, argv, NULL, to, -1);
}

const struct filesystem_type filesystem_erofs = {
    .name = "erofs",
    .mount_type = "erofs",
    .exact = true,
    .tool = erofs_tool,
    .build = erofs_build,
    .magic_offset = 1024,
    .magic = "\xe2\xe1\xf5\xe0",
    .magic_len = 4,
};

static int squashfs_tool(struct env *env, char ret[static 64])
{
	const char *argv[] = {"mksquashfs", "-version", NULL};

	return filesystem_version(env, argv, "mksquashfs version ", ret);
}

static int squashfs_build(const struct filesystem_make *m, struct io *to, struct env *env)
{
	const char *argv[ARGS_MAX] = {
	    "mksquashfs",    m->source,    filesystem_path(to),  "-noappend", "-no-progress",
	    "-quiet",        "-mkfs-time", FILESYSTEM_TIME_TEXT, "-all-time", FILESYSTEM_TIME_TEXT,
	    "-reproducible",
	};
	size_t n = 11;

	if (m->all_root)
		argv[n++] = "-all-root";
	add_options(m, argv, &n);
	return filesystem_run(env, argv, NULL, to, -1);
}

const struct filesystem_type filesystem_squashfs = {
    .name = "squashfs",
    .mount_type = "squashfs",
    .exact = true,
    .tool = squashfs_tool,
    .build = squashfs_build,
    .magic_offset = 0,
    .magic = "hsqs",
    .magic_len = 4,
};
