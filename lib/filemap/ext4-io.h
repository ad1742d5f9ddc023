/* SPDX-License-Identifier: Apache-2.0 */
/* libext2fs over a struct io, for reading. */
#ifndef HOLDFAST_FILEMAP_EXT4_IO_H
#define HOLDFAST_FILEMAP_EXT4_IO_H

#include <ext2fs/ext2fs.h>

#include "base/io.h"

/* Opens a file system for reading. Errors are libext2fs's. Silent. */
errcode_t ext4_open_fs(struct io *io, ext2_filsys *ret);
/* Reads one block. 0 or -errno, silent. */
int ext4_read_block(ext2_filsys fs, uint64_t block, void *ret);

#endif
