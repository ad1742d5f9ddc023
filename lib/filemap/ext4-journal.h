/* SPDX-License-Identifier: Apache-2.0 */
/* Which blocks of a file system its journal replaces. */
#ifndef HOLDFAST_FILEMAP_EXT4_JOURNAL_H
#define HOLDFAST_FILEMAP_EXT4_JOURNAL_H

#include "filemap/ext4-replay.h"

/* A journal as a list of blocks; the first one has its superblock. */
struct ext4_journal {
	struct io *io;
	uint32_t block_bytes;
	const uint64_t *blocks; /* their numbers in @io */
	size_t n_blocks;
};

/* Reads the log as the kernel does before it mounts. With 0 *@ret_why is NULL, or says what is
 * missing. Blocks from @fs_blocks on are left out. -EUCLEAN: the journal cannot be used; -ENOMEM.
 * Silent. */
int ext4_journal_read(const struct ext4_journal *j, uint64_t fs_blocks, struct ext4_replay *ret,
		      const char **ret_why);

#endif
