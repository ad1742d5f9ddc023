/* SPDX-License-Identifier: Apache-2.0 */
/* Which group or inode of an ext4 file system owns which blocks. All silent. */
#ifndef HOLDFAST_FILEMAP_EXT4_OWNERS_H
#define HOLDFAST_FILEMAP_EXT4_OWNERS_H

#include <ext2fs/ext2fs.h>
#include <stdbool.h>

#include "base/array.h"
#include "base/env.h"

enum ext4_owner_kind {
	EXT4_SUPERBLOCK, /* number: group */
	EXT4_DESCRIPTORS,
	EXT4_BLOCK_BITMAP,
	EXT4_INODE_BITMAP,
	EXT4_INODE_TABLE,
	EXT4_MMP,
	EXT4_DATA, /* number: inode */
	EXT4_UNWRITTEN,
	EXT4_BLOCK_MAP,
	EXT4_ATTRIBUTES,
};

struct ext4_extent {
	uint64_t start; /* block */
	uint32_t len;
	uint32_t number;       /* group or inode */
	uint64_t logical : 56; /* its first block, counted in the file or in the table */
	uint64_t kind : 8;
};

/* By start; none overlaps another one. */
struct ext4_owners {
	ARRAY(struct ext4_extent) extents;
	const char *note; /* why there may be more */
};
/* Reads all group descriptors and inodes. 0, -ENOMEM, -ECANCELED. */
int ext4_owners_read(ext2_filsys fs, struct env *env, struct ext4_owners *ret);
/* The extent that has @block, or NULL and *@ret_next: the start of the next one (UINT64_MAX: none).
 */
const struct ext4_extent *ext4_owner_of(const struct ext4_owners *o, uint64_t block,
					uint64_t *ret_next);
/* How many inodes of a group's table are initialised, counted from its start. */
uint32_t ext4_inodes_used(ext2_filsys fs, dgrp_t group);
/* True if the descriptor of @group has @flag set, and can be trusted. */
bool ext4_group_has_flag(ext2_filsys fs, dgrp_t group, unsigned flag);
/* Calls @fn for every inode in use, until @fn returns -errno, which is passed on. *@ret_note says
 * what could not be read. 0 or -errno. */
int ext4_each_inode(ext2_filsys fs, struct env *env,
		    int (*fn)(void *ctx, ext2_ino_t number, struct ext2_inode *inode), void *ctx,
		    const char **ret_note);

#endif
