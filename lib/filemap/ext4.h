/* SPDX-License-Identifier: Apache-2.0 */
/* Maps of ext2, ext3 and ext4, also of one that lost power: its journal is replayed for reading. */
#ifndef HOLDFAST_FILEMAP_EXT4_H
#define HOLDFAST_FILEMAP_EXT4_H

#include "base/env.h"
#include "base/io.h"
#include "filemap/filemap.h"

/*
 * The map of the file system on @plain, which is only read and must outlive it. What @plain cannot
 * read (-EILSEQ, -EIO) is passed over. Looking for who owns what happens with the first question
 * that needs it, and takes reading all inodes and directories (24 bytes of memory a fragment, 8 a
 * name, both bounded); env->cancel stops it, and then what is not known yet counts as used.
 * 0; -ENODATA: no ext4 is there; -EUCLEAN: there is one that cannot be used, and *@ret_why tells
 * why (static text); -ENOMEM. Silent.
 */
int filemap_ext4_open(struct io *plain, struct env *env, struct filemap **ret,
		      const char **ret_why);

#endif
