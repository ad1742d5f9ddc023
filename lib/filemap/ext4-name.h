/* SPDX-License-Identifier: Apache-2.0 */
/* Names for what owns a block: paths of files, and words for the rest. All silent. */
#ifndef HOLDFAST_FILEMAP_EXT4_NAME_H
#define HOLDFAST_FILEMAP_EXT4_NAME_H

#include "base/text.h"
#include "filemap/ext4-owners.h"

struct ext4_parent {
	ext2_ino_t inode, directory;
};
/* By inode, at most one each. */
struct ext4_names {
	ARRAY(struct ext4_parent) parents;
	const char *note; /* why some may be missing */
};
int ext4_names_read(ext2_filsys fs, struct env *env, struct ext4_names *ret);
/* Appends a name for bytes [@first, @last] of @e's file or table: "/path, bytes 0…4095". */
void ext4_owner_add(ext2_filsys fs, const struct ext4_names *names, const struct ext4_extent *e,
		    uint64_t first, uint64_t last, struct text *to);

#endif
