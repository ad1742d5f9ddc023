/* SPDX-License-Identifier: Apache-2.0 */
/* What the bytes of a plaintext volume belong to, by the file system on it. */
#ifndef HOLDFAST_FILEMAP_FILEMAP_H
#define HOLDFAST_FILEMAP_FILEMAP_H

#include <stdint.h>

#include "base/text.h"

enum filemap_use {
	FILEMAP_FREE,      /* the file system calls it free; also what lies behind its end */
	FILEMAP_UNWRITTEN, /* in use, but never read before it is written: parts of inode tables and
			      bitmaps that were never initialised, preallocated parts of files,
			      room that is reserved for more group descriptors */
	FILEMAP_USED,
};

/* One at a time from one thread. Nothing here speaks; whatever of the file system cannot be read or
 * does not verify counts as used and has no name. */
struct filemap;

/* Of [offset, offset+len) in bytes of the volume: used if any of it is, else unwritten if any is.
 */
enum filemap_use filemap_use(struct filemap *f, uint64_t offset, uint64_t len);
/* The use at @offset, and how many bytes (1 … @max) it goes on. For walking over long ranges. */
enum filemap_use filemap_run(struct filemap *f, uint64_t offset, uint64_t max, uint64_t *ret_len);
/* What it is, in words, several parted by "; ": "/etc/passwd, bytes 0…4095", "inode table of group
 * 3, inodes 24577…24592", "journal", "free". Control characters in names are written as \xNN. 0 or
 * -ENOMEM. */
int filemap_name(struct filemap *f, uint64_t offset, uint64_t len, struct text *to);
/* What keeps the answers from being the whole truth ("its journal could not be replayed: …"), or
 * NULL. Ask when all questions have been answered. */
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
