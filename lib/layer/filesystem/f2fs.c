/* SPDX-License-Identifier: Apache-2.0 */
/* f2fs: mkfs.f2fs into a work file, contents by sload.f2fs. Every block is written: at each mount
 * the kernel reads the next free ones of its logs, whether they were ever written or not. */
#include <inttypes.h>
#include <stdio.h>

#include "base/diag.h"
#include "base/overflow.h"
#include "layer/filesystem/tool.h"
#include "layer/filesystem/type.h"

#define ARGS_MAX 64

static int tool(struct env *env, char ret[static 64])
{
	const char *argv[] = {"mkfs.f2fs", "-V", NULL};

	return filesystem_version(env, argv, "mkfs.f2fs ", ret);
}

/* Contents, a fifth for nodes and overprovisioning, and what the smallest one takes. */
static uint64_t least(const struct source_tree *tree)
{
	uint64_t bytes = tree->file_bytes + tree->entries * 4096;

	return round_up(bytes + bytes / 5 + 96 * 1024 * 1024, 2 * 1024 * 1024);
}

static int make(const struct filesystem_make *m, struct io *to, struct env *env)
{
	const char *argv[ARGS_MAX] = {"mkfs.f2fs", "-q", "-f", "-r",
				      "-t",        "0",  "-T", FILESYSTEM_TIME_TEXT};
	char uuid[UUID_TEXT_SIZE], sector[16];
	size_t n = 8;

	uuid_print(&m->uuid, uuid);
	snprintf(sector, sizeof(sector), "%u", m->sector_bytes);
	argv[n++] = "-U";
	argv[n++] = uuid;
	argv[n++] = "-w";
	argv[n++] = sector;
	if (m->label) {
		argv[n++] = "-l";
		argv[n++] = m->label;
	}
	for (size_t i = 0; i < m->n_options && n < ARGS_MAX - 2; i++)
		argv[n++] = m->options[i];
	argv[n++] = filesystem_path(to);
	return filesystem_run(env, argv, NULL, to, -1);
}

static int build(const struct filesystem_make *m, struct io *to, struct env *env)
{
	const char *argv[ARGS_MAX] = {"sload.f2fs", "-f", m->source, "-T", FILESYSTEM_TIME_TEXT};
	size_t n = 5;
	int r = make(m, to, env);

	if (r < 0 || !m->source)
		return r;
	if (!m->all_root)
		argv[n++] = "-P";
	argv[n++] = filesystem_path(to);
	return filesystem_run(env, argv, NULL, to, -1);
}

const struct filesystem_type filesystem_f2fs = {
    .name = "f2fs",
    .mount_type = "f2fs",
    .label_bytes = 16,
    .empty_bytes = 64 * 1024 * 1024,
    .tool = tool,
    .least = least,
    .build = build,
    .magic_offset = 1024,
    .magic = "\x10\x20\xf5\xf2",
    .magic_len = 4,
};
