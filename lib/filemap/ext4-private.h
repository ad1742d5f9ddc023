/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the ext4 map share. */
#ifndef HOLDFAST_FILEMAP_EXT4_PRIVATE_H
#define HOLDFAST_FILEMAP_EXT4_PRIVATE_H

#include <ext2fs/ext2fs.h>
#include <stdbool.h>

#include "base/array.h"
#include "filemap/ext4.h"

/* --- ext4-io.c: libext2fs over a struct io --- */

/* Opens a file system for reading. Errors are libext2fs's. */
errcode_t ext4_open_fs(struct io *io, ext2_filsys *ret);
/* One block. 0 or -errno. */
int ext4_read_block(ext2_filsys fs, uint64_t block, void *ret);

/* --- ext4-journal.c: what the journal says that blocks have become --- */

/* A journal as a list of blocks; the first one has its superblock. */
struct ext4_journal {
	struct io *io;
	uint32_t block_bytes;
	const uint64_t *blocks; /* where each stands in @io */
	size_t n_blocks;
};

struct ext4_replayed {
	uint64_t block; /* of the file system */
	uint64_t
	    journal;  /* in the journal: its newest contents, whose first 4 bytes are the magic */
	bool escaped; /* if this is set */
};
struct ext4_replay {
	struct ext4_replayed *v; /* by block */
	size_t n;
};
/* Reads the log as the kernel does before it mounts. 0; -EUCLEAN: cannot be used; -ENOMEM. With 0
 * *@ret_why is NULL, or tells what is missing. Blocks of @fs_blocks and above are left out. */
int ext4_journal_read(const struct ext4_journal *j, uint64_t fs_blocks, struct ext4_replay *ret,
		      const char **ret_why);
/* @below with the replayed blocks in their places, read-only. Takes the replay over. */
int ext4_replay_open(struct io *below, uint32_t block_bytes, struct ext4_replay *replay,
		     struct io **ret);

/* --- ext4-owners.c: who owns which blocks --- */

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
	uint64_t logical : 56; /* first block of it in the file, or in the table */
	uint64_t kind : 8;
};

/* By start, none overlaps another one. */
struct ext4_owners {
	ARRAY(struct ext4_extent) extents;
	const char *note; /* why there may be more */
};
/* What the group descriptors say, and all inodes. 0, -ENOMEM, -ECANCELED. */
int ext4_owners_read(ext2_filsys fs, struct env *env, struct ext4_owners *ret);
/* The one that has @block, or NULL and *@ret_next: where the next one begins (UINT64_MAX: none). */
const struct ext4_extent *ext4_owner_of(const struct ext4_owners *o, uint64_t block,
					uint64_t *ret_next);
/* Inodes of a group that its table may have contents for; the rest was never initialised. */
uint32_t ext4_inodes_used(ext2_filsys fs, dgrp_t group);
/* Descriptor of a group whose flags can be believed? */
bool ext4_group_has_flag(ext2_filsys fs, dgrp_t group, unsigned flag);
/* Calls @fn with every inode in use; a failure of @fn (-errno) ends it. 0, -errno; what cannot be
 * read is told in *@ret_note. */
int ext4_each_inode(ext2_filsys fs, struct env *env,
		    int (*fn)(void *ctx, ext2_ino_t number, struct ext2_inode *inode), void *ctx,
		    const char **ret_note);

/* --- ext4-name.c: paths --- */

struct ext4_parent {
	ext2_ino_t inode, directory;
};
/* By inode, one each. */
struct ext4_names {
	ARRAY(struct ext4_parent) parents;
	const char *note;
};
int ext4_names_read(ext2_filsys fs, struct env *env, struct ext4_names *ret);
/* Bytes [@first, @last] of what @e is: "/path, bytes 0…4095". */
void ext4_owner_add(ext2_filsys fs, const struct ext4_names *names, const struct ext4_extent *e,
		    uint64_t first, uint64_t last, struct text *to);

#endif
