/* SPDX-License-Identifier: Apache-2.0 */
/* Types of file systems: a file each. */
#ifndef HOLDFAST_LAYER_FILESYSTEM_TYPE_H
#define HOLDFAST_LAYER_FILESYSTEM_TYPE_H

#include "base/env.h"
#include "base/io.h"
#include "base/uuid.h"
#include "layer/filesystem/source-tree.h"

/* One line per type, in the order of `holdfast layers`: TYPE(x) is struct filesystem_type
 * filesystem_x, and "x" in a layout. */
#define FILESYSTEM_TYPES(TYPE)                                                                     \
	TYPE(ext4)                                                                                 \
	TYPE(f2fs)                                                                                 \
	TYPE(vfat)                                                                                 \
	TYPE(erofs)                                                                                \
	TYPE(squashfs)

/* What is to be made. */
struct filesystem_make {
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

struct filemap;

struct filesystem_type {
	const char *name;
	const char *mount_type;
	bool exact; /* image is as large as its contents; cannot be written; needs a source */
	size_t label_bytes;   /* longest label; 0: has none */
	uint64_t empty_bytes; /* smallest place without contents */
	/* @ret: name and version of the tool that makes it; part of the layout digest. Speaks. */
	int (*tool)(struct env *env, char ret[static 64]);
	/* Not exact: bytes that hold the source, with room to spare. */
	uint64_t (*least)(const struct source_tree *tree);
	/* Makes it in the work file @to (exact: grows it; else has its final size). Speaks. */
	int (*build)(const struct filesystem_make *m, struct io *to, struct env *env);
	/* The file system on the first @old_bytes of @place takes all of it. A cut at any write
	 * leaves the old or the new one; calling it again goes on. Speaks. Unset: cannot grow. */
	int (*grow)(struct io *place, uint64_t old_bytes, struct env *env);
	/* Which bytes it uses, as layer_ops.map(). What it does not use need not be zero on the
	 * medium. Unset: all. */
	int (*map)(struct io *io, struct env *env, struct filemap **ret, const char **ret_why);
	/* Offset and bytes that tell the type apart. */
	uint64_t magic_offset;
	const char *magic;
	size_t magic_len;
};

#define DECLARE(name) extern const struct filesystem_type filesystem_##name;
FILESYSTEM_TYPES(DECLARE)
#undef DECLARE

extern const char *const filesystem_type_words[]; /* ends with NULL */
extern const struct filesystem_type *const filesystem_types[];

#endif
