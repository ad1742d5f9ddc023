/* SPDX-License-Identifier: Apache-2.0 */
/* What the bytes of a plaintext volume belong to, by the file system on it. */
#ifndef HOLDFAST_FILEMAP_FILEMAP_H
#define HOLDFAST_FILEMAP_FILEMAP_H

#include <stdint.h>

#include "base/text.h"

enum filemap_use {
	FILEMAP_FREE,      /* free in the file system, or after its end */
	FILEMAP_UNWRITTEN, /* in use, but written before it is ever read: uninitialised parts of
			      inode tables and bitmaps, preallocated parts of files, room that is
			      reserved for more group descriptors */
	FILEMAP_USED,
};

/* For one thread at a time. All silent. Parts of the file system that cannot be read or do not
 * verify count as used and have no name. */
struct filemap;

/* The use of bytes [offset, offset+len) of the volume: used if any of them is, else unwritten if
 * any is. */
enum filemap_use filemap_use(struct filemap *f, uint64_t offset, uint64_t len);
/* The use at @offset, and how many bytes (1 … @max) from there on have the same. */
enum filemap_use filemap_run(struct filemap *f, uint64_t offset, uint64_t max, uint64_t *ret_len);
/* Appends names of what the bytes belong to, separated by "; ": "/etc/passwd, bytes 0…4095", "inode
 * table of group 3, inodes 24577…24592", "journal", "free". Control characters in names are written
 * as \xNN. 0 or -ENOMEM. */
int filemap_name(struct filemap *f, uint64_t offset, uint64_t len, struct text *to);
/* Why the answers so far may be incomplete ("its journal could not be replayed: …"), or NULL. */
const char *filemap_note(const struct filemap *f);
struct filemap *filemap_close(struct filemap *f); /* takes NULL, returns NULL */
void filemap_closep(struct filemap **f);
#define _cleanup_filemap_ __attribute__((cleanup(filemap_closep)))

/* --- for kinds --- */

struct filemap_ops {
	const char *name;
	enum filemap_use (*run)(struct filemap *f, uint64_t offset, uint64_t max,
				uint64_t *ret_len);
	void (*describe)(struct filemap *f, uint64_t offset, uint64_t len, struct text *to);
	void (*close)(struct filemap *f);
};

/* The head of every kind. */
struct filemap {
	const struct filemap_ops *ops;
	const char *note;
};

#endif
