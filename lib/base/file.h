/* SPDX-License-Identifier: Apache-2.0 */
/* Files beside the target, put into place so that a power cut leaves the old one or the new one. */
#ifndef HOLDFAST_BASE_FILE_H
#define HOLDFAST_BASE_FILE_H

#include <stddef.h>

/* These speak through diag (HF-FILE). 0 or -errno. */

/* Replaces @path (PATH.tmp, fsync, rename, fsync of the directory); @mode less the umask. */
int file_write(const char *path, unsigned mode, const void *bytes, size_t len);
/* Renames, replacing what is at @to; durable. The caller has synced the contents. */
int file_rename(const char *from, const char *to);

/* All of it, however often the descriptor takes only a part. 0 or -errno, silent. */
int file_write_all(int fd, const void *bytes, size_t len);

#endif
