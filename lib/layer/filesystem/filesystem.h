/* SPDX-License-Identifier: Apache-2.0 */
/* Types of file systems: one file each, what lib/layer/filesystem.c chooses from. */
#ifndef HOLDFAST_LAYER_FILESYSTEM_H
#define HOLDFAST_LAYER_FILESYSTEM_H

#include "base/env.h"
#include "base/io.h"
#include "base/uuid.h"
#include "layer/filesystem/source-tree.h"

/* What is to be made. */
struct filesystem_job {
	const char *source;             /* directory; NULL: empty */
	const struct source_tree *tree; /* of @source */
	const char *label;              /* NULL: none */
	struct uuid uuid;
	struct uuid hash_seed;
	bool all_root;
	bool lean; /* every block costs a tag and a sector: write few */
	uint32_t sector_bytes;
	const char *const *options; /* more arguments for the mkfs program */
	size_t n_options;
};

struct filesystem_type {
	const char *name;
	const char *mount_type;
	bool exact; /* image is as large as its contents; cannot be written; needs a source */
	bool lazy;  /* what mkfs leaves a hole need not be zero on the medium */
	size_t label_bytes;   /* longest label; 0: has none */
	uint64_t empty_bytes; /* smallest place without contents */
	/* Name and version of what makes it, part of the layout digest; into @ret. Speaks. */
	int (*tool)(struct env *env, char ret[static 64]);
	/* Not exact: bytes that hold the source, with room to spare. */
	uint64_t (*least)(const struct source_tree *tree);
	/* Makes it in the work file @to (exact: grows it; else has its final size). Speaks. */
	int (*build)(const struct filesystem_job *job, struct io *to, struct env *env);
	/* Offset and bytes that tell the type apart. */
	uint64_t magic_offset;
	const char *magic;
	size_t magic_len;
};

extern const struct filesystem_type filesystem_ext4, filesystem_f2fs, filesystem_vfat,
    filesystem_erofs, filesystem_squashfs;

/* The ext4 on the first @old_bytes of @place takes all of it. A cut at any write leaves the old or
 * the new one; calling it again goes on. Speaks. */
int filesystem_grow_ext4(struct io *place, uint64_t old_bytes, struct env *env);

/* From the work file; @lazy: what mkfs left a hole, and the file system does not use, stays on the
 * medium as it is. Until the end nothing there is taken for a file system. Speaks. */
int filesystem_copy(struct io *from, struct io *to, bool lazy, struct env *env);

/* Whether filesystem layer @l is an ext4: lib/filemap knows what it uses. */
struct layer;
bool filesystem_is_ext4(const struct layer *l);

/* "/proc/self/fd/N": how a program that wants a path gets the work file. Static per thread. */
const char *filesystem_path(const struct io *io);
/* Runs @argv with the work file (and @extra_fd, if ≥ 0) kept open. */
int filesystem_run(struct env *env, const char *const *argv, const char *const *set_env,
		   const struct io *io, int extra_fd);
/* The first line of what `argv` says that begins with @start, at most 63 bytes. */
int filesystem_version(struct env *env, const char *const *argv, const char *start,
		       char ret[static 64]);

/* Every file system's time of everything: SOURCE_DATE_EPOCH of 1980-01-01, the first that FAT
 * knows. */
#define FILESYSTEM_TIME      315532800
#define FILESYSTEM_TIME_TEXT "315532800"

#endif
