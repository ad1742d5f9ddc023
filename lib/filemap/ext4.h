/* SPDX-License-Identifier: Apache-2.0 */
/* Maps of ext2, ext3 and ext4. The journal of one that lost power is replayed in memory. */
#ifndef HOLDFAST_FILEMAP_EXT4_H
#define HOLDFAST_FILEMAP_EXT4_H

#include "base/env.h"
#include "base/io.h"
#include "filemap/filemap.h"

/*
 * Opens the map of the file system on @plain, which is only read and must outlive the map. Parts
 * that
 * @plain cannot read (-EILSEQ, -EIO) are skipped. The first question that needs owners reads all
 * inodes and directories (24 bytes of memory per fragment, 8 per name, both bounded). If
 * env->cancel stops that, blocks without a known owner count as used. -ENODATA: there is no ext4;
 * -EUCLEAN with
 * *@ret_why (static text): there is one that cannot be used; -ENOMEM. Silent.
 */
int filemap_ext4_open(struct io *plain, struct env *env, struct filemap **ret,
		      const char **ret_why);

#endif
