/* SPDX-License-Identifier: Apache-2.0 */
/* A byte device: file, block device, window, memory; stacks like nbdkit's filters. */
#ifndef HOLDFAST_BASE_IO_H
#define HOLDFAST_BASE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct io;

enum io_hint { IO_WILL_READ, IO_WILL_FLUSH };

/*
 * What a kind of device can do. All offsets and lengths in bytes; a call moves all of @len or fails
 * with -errno (EIO for a range past the end, too). Calls may come from several threads at once, on
 * ranges that do not overlap where one of them writes. Unset: @discard, @hint and @extent have
 * defaults (ignored, ignored; everything is data), @resize is refused.
 */
struct io_ops {
	const char *name;
	int (*read)(struct io *io, void *buf, size_t len, uint64_t offset);
	int (*write)(struct io *io, const void *buf, size_t len, uint64_t offset);
	/* What was written before is on the medium afterwards. -ENODATA: it has become smaller. */
	int (*flush)(struct io *io);
	/* Writes zeroes, by punching a hole or by the device's command where that reads as zero. */
	int (*zero)(struct io *io, uint64_t offset, uint64_t len);
	/* A hint; contents afterwards are undefined. */
	int (*discard)(struct io *io, uint64_t offset, uint64_t len);
	/* Whether @offset lies in data or in a hole that reads as zero, and how long that goes on.
	 */
	int (*extent)(struct io *io, uint64_t offset, bool *ret_data, uint64_t *ret_len);
	/* Soon read, or written and soon flushed: may begin with it now, and returns at once. */
	void (*hint)(struct io *io, enum io_hint hint, uint64_t offset, uint64_t len);
	int (*resize)(struct io *io, uint64_t size_bytes); /* image files only */
	void (*close)(struct io *io);
};

/* The head of every device; a kind embeds it first. */
struct io {
	const struct io_ops *ops;
	const char *name; /* for messages; lives as long as the device */
	uint64_t size_bytes;
	uint32_t sector_bytes; /* logical sector: 512 or 4096; 512 for files unless told */
	bool read_only;
};

/* Checked entries: range, overflow, read-only (EROFS). Say nothing; callers know what they did. */
int io_read(struct io *io, void *buf, size_t len, uint64_t offset);
int io_write(struct io *io, const void *buf, size_t len, uint64_t offset);
int io_flush(struct io *io);
int io_zero(struct io *io, uint64_t offset, uint64_t len);
int io_discard(struct io *io, uint64_t offset, uint64_t len);
int io_extent(struct io *io, uint64_t offset, bool *ret_data, uint64_t *ret_len);
void io_hint(struct io *io, enum io_hint hint, uint64_t offset, uint64_t len);
int io_resize(struct io *io, uint64_t size_bytes);
struct io *io_close(struct io *io); /* takes NULL, returns NULL */
/* Closed when @arena is freed; closed at once, -ENOMEM, where that cannot be noted. */
int io_keep(struct io *io, struct arena *arena);
void io_closep(struct io **io);
#define _cleanup_io_ __attribute__((cleanup(io_closep)))

/* Reports a read or write on the target that failed, with its range; returns -err. */
int io_fail(const struct io *io, int err, const char *doing, uint64_t offset, uint64_t len);

/* --- kinds --- */

enum io_open_flags {
	IO_WRITE = 1,  /* default is read-only */
	IO_CREATE = 2, /* make an image file (0600) when there is none; implies IO_WRITE */
	IO_LOCK = 4,   /* flock: exclusive with IO_WRITE, shared without; EWOULDBLOCK when held */
	IO_SHARE = 8, /* with IO_WRITE: a block device that is in use, too; see io_is_exclusive() */
};
/* A regular file or a block device at @path. 0, or -errno with a message. */
int io_open_file(const char *path, unsigned flags, struct io **ret);
/* The same on an open descriptor (a memfd, O_TMPFILE), which the device then owns. */
int io_from_fd(int fd, const char *name, bool writable, struct io **ret);
/* The descriptor of a file device, -1 for every other kind: for ioctls in lib/kernel, for children.
 */
int io_fd(const struct io *io);
bool io_is_block_device(const struct io *io);
/* A block device that was free when it was opened for writing: nobody else can mount or map it, or
 * a partition of it, until it is closed. */
bool io_is_exclusive(const struct io *io);

/* [offset, offset+len) of @below, which must outlive it and is not closed with it. */
int io_open_window(struct io *below, const char *name, uint64_t offset, uint64_t len,
		   struct io **ret);
/* Any range of a device that takes whole blocks of @block_bytes only: what lies around it is read
 * first. Two writes into one block must not come at the same time. Owns @below and what that stands
 * on, @ground (or NULL), also on failure. */
int io_open_blocks(struct io *below, uint32_t block_bytes, struct io *ground, struct io **ret);
/* Zero-filled memory of @size bytes, for tests and for fuzz targets. */
int io_open_memory(const char *name, uint64_t size_bytes, struct io **ret);
void *io_memory_bytes(struct io *io);

/* Copies [0, len) of @from to @at of @to, data only where both can tell holes (the holes' place in
 * @to is zeroed unless @to_is_zero). @env, if given, is asked for cancellation (-ECANCELED), told
 * of progress, and ticks. Silent. */
struct env;
int io_copy(struct io *from, uint64_t from_offset, struct io *to, uint64_t to_offset, uint64_t len,
	    bool to_is_zero, struct env *env);

#endif
