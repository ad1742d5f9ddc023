/* SPDX-License-Identifier: Apache-2.0 */
/* Regular files and block devices. */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/io.h"
#include "base/overflow.h"

struct io_file {
	struct io io;
	int fd;
	bool block_device;
	bool exclusive;
	char name[];
};

static const struct io_ops file_ops;

static int fd_of(const struct io *io)
{
	return ((const struct io_file *)io)->fd;
}

static int file_read(struct io *io, void *buf, size_t len, uint64_t offset)
{
	char *p = buf;

	while (len > 0) {
		ssize_t n = pread(fd_of(io), p, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) /* 0: it has shrunk under us */
			return n < 0 ? -errno : -EIO;
		p += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static int file_write(struct io *io, const void *buf, size_t len, uint64_t offset)
{
	const char *p = buf;

	while (len > 0) {
		ssize_t n = pwrite(fd_of(io), p, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		p += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

/* A file that somebody cut is made longer again by the next write, with nothing where our bytes
 * were. */
static int file_flush(struct io *io)
{
	struct stat st;

	if (fdatasync(fd_of(io)) < 0)
		return -errno;
	if (((struct io_file *)io)->block_device)
		return 0;
	if (fstat(fd_of(io), &st) < 0)
		return -errno;
	return (uint64_t)st.st_size < io->size_bytes ? -ENODATA : 0;
}

/* Whole sectors by the kernel; parts of some, at both ends, are written. Where a partition is in
 * use it does not (EBUSY): then all is written. */
static int zero_out(struct io *io, uint64_t offset, uint64_t len)
{
	static const uint8_t zeroes[4096];
	uint64_t first = round_up(offset, io->sector_bytes), end = offset + len;
	uint64_t last = round_down(end, io->sector_bytes);
	uint64_t range[2] = {first, last - first};
	int r;

	if (first >= last || io->sector_bytes > sizeof(zeroes))
		return -EOPNOTSUPP;
	if (ioctl(fd_of(io), BLKZEROOUT, range) < 0)
		return errno == ENOTTY || errno == EINVAL || errno == EBUSY ? -EOPNOTSUPP : -errno;
	r = first > offset ? file_write(io, zeroes, first - offset, offset) : 0;
	return r < 0 || last == end ? r : file_write(io, zeroes, end - last, last);
}

static int file_zero(struct io *io, uint64_t offset, uint64_t len)
{
	int r;

	if (((struct io_file *)io)->block_device)
		return zero_out(io, offset, len);
	r = fallocate(fd_of(io), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset,
		      (off_t)len);
	return r < 0 && errno == ENOSYS ? -EOPNOTSUPP : r < 0 ? -errno : 0;
}

static int file_discard(struct io *io, uint64_t offset, uint64_t len)
{
	uint64_t range[2] = {offset, len};

	if (!((struct io_file *)io)->block_device)
		return file_zero(io, offset, len);
	return ioctl(fd_of(io), BLKDISCARD, range) < 0 ? -EOPNOTSUPP : 0;
}

static void file_hint(struct io *io, enum io_hint hint, uint64_t offset, uint64_t len)
{
	if (hint == IO_WILL_READ)
		posix_fadvise(fd_of(io), (off_t)offset, (off_t)len, POSIX_FADV_WILLNEED);
	else
		sync_file_range(fd_of(io), (off_t)offset, (off_t)len, SYNC_FILE_RANGE_WRITE);
}

static int file_extent(struct io *io, uint64_t offset, bool *ret_data, uint64_t *ret_len)
{
	off_t data = lseek(fd_of(io), (off_t)offset, SEEK_DATA), end;
	struct stat st;

	if (data < 0 && errno == ENXIO) { /* a hole up to the end, or what was there is gone */
		if (fstat(fd_of(io), &st) < 0)
			return -errno;
		if (S_ISREG(st.st_mode) && (uint64_t)st.st_size < io->size_bytes)
			return -EIO;
		*ret_data = false;
		*ret_len = io->size_bytes - offset;
		return 0;
	}
	*ret_data = true;
	*ret_len = io->size_bytes - offset;
	if (data < 0) /* cannot tell: all is data */
		return 0;
	if ((uint64_t)data > offset) {
		*ret_data = false;
		*ret_len = min_u64((uint64_t)data - offset, *ret_len);
		return 0;
	}
	end = lseek(fd_of(io), (off_t)offset, SEEK_HOLE);
	if (end > 0 && (uint64_t)end > offset)
		*ret_len = min_u64((uint64_t)end - offset, *ret_len);
	return 0;
}

static int file_resize(struct io *io, uint64_t size_bytes)
{
	if (((struct io_file *)io)->block_device)
		return -EOPNOTSUPP;
	if (size_bytes > INT64_MAX)
		return -EFBIG;
	if (ftruncate(fd_of(io), (off_t)size_bytes) < 0)
		return -errno;
	io->size_bytes = size_bytes;
	return 0;
}

static void file_close(struct io *io)
{
	close(fd_of(io));
	free(io);
}

static const struct io_ops file_ops = {
    .name = "file",
    .read = file_read,
    .write = file_write,
    .flush = file_flush,
    .zero = file_zero,
    .discard = file_discard,
    .extent = file_extent,
    .hint = file_hint,
    .resize = file_resize,
    .close = file_close,
};

/* Such a device can be opened for writing; only the writes fail. */
static int refuse_protected(const char *name)
{
	int r = diag_fail(DIAG_READ_ONLY, EROFS, "%s is write-protected", name);

	diag_state("nothing was written");
	diag_next("blockdev --setrw %s, where it is not the hardware that protects it", name);
	return r;
}

/* Size and sector of what @fd is; refuses what is neither a file nor a block device. */
static int look_at(int fd, const char *name, struct io_file *f)
{
	struct stat st;
	int sector = 512, protected = 0;

	if (fstat(fd, &st) < 0)
		return diag_io(errno, name);
	f->io.size_bytes = (uint64_t)st.st_size;
	if (S_ISREG(st.st_mode)) {
		f->io.sector_bytes = 512;
		return 0;
	}
	if (!S_ISBLK(st.st_mode))
		return diag_fail(DIAG_NO_TARGET, ENOTBLK,
				 "%s is %s, not an image file or a block device", name,
				 S_ISDIR(st.st_mode) ? "a directory" : "a special file");
	f->block_device = true;
	if (ioctl(fd, BLKGETSIZE64, &f->io.size_bytes) < 0 || ioctl(fd, BLKSSZGET, &sector) < 0)
		return diag_io(errno, name);
	f->io.sector_bytes = (uint32_t)sector;
	if (!f->io.read_only && ioctl(fd, BLKROGET, &protected) == 0 && protected)
		return refuse_protected(name);
	return 0;
}

int io_from_fd(int fd, const char *name, bool writable, struct io **ret)
{
	struct io_file *f = calloc(1, sizeof(*f) + strlen(name) + 1);
	int r;

	if (!f) {
		close(fd);
		return diag_no_memory();
	}
	strcpy(f->name, name);
	f->fd = fd;
	f->io.ops = &file_ops;
	f->io.name = f->name;
	f->io.read_only = !writable;
	r = look_at(fd, name, f);
	if (r < 0) {
		file_close(&f->io);
		return r;
	}
	*ret = &f->io;
	return 0;
}

static int fail_open(int err, const char *path, unsigned flags)
{
	int r;

	if (err == ENOENT && (flags & IO_CREATE))
		r = diag_fail(DIAG_NO_TARGET, err,
			      "%s cannot be made: its directory does not exist", path);
	else if (err == ENOENT)
		r = diag_fail(DIAG_NO_TARGET, err, "%s does not exist", path);
	else if (flags & IO_CREATE && (err == EEXIST || err == ELOOP))
		r = diag_fail(DIAG_NO_TARGET, err,
			      "%s is there, and is not a file of this user's that nobody else can "
			      "write: somebody may have put it there",
			      path);
	else if (err == ENXIO || err == ENOMEDIUM || err == ENODEV || err == ENOTDIR ||
		 err == ELOOP)
		r = diag_fail(DIAG_NO_TARGET, err, "%s: %s", path, strerror(err));
	else if (err == EBUSY)
		r = diag_fail(DIAG_IN_USE, err,
			      "%s or a partition of it is in use (mounted, mapped or swap)", path);
	else
		r = diag_io(err, path);
	if (err == EBUSY)
		diag_next("holdfast close %s, or unmount what is mounted from it", path);
	if (err == EACCES && (flags & IO_WRITE))
		diag_next("run it as a user who may write %s", path);
	return r;
}

/* Nobody but its maker could have put anything into it, or can. */
static bool is_own(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
	       st.st_nlink == 1 && !(st.st_mode & (S_IWGRP | S_IWOTH));
}

/* A new file, or what a former run of ours left. @how: flags of open(). -1 with errno. */
static int create(const char *path, int how)
{
	int fd = open(path, how | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);

	if (fd >= 0 || errno != EEXIST)
		return fd;
	fd = open(path, how | O_NOFOLLOW);
	if (fd < 0 || is_own(fd))
		return fd;
	close(fd);
	errno = EEXIST;
	return -1;
}

/* Writing a block device takes it exclusively: refused while it or a partition of it is mounted,
 * mapped or swapped on, and nothing can mount it meanwhile. */
static int open_path(const char *path, unsigned flags, bool *ret_exclusive)
{
	bool writable = flags & (IO_WRITE | IO_CREATE);
	int how = (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	struct stat st;
	int fd;

	*ret_exclusive = false;
	if (flags & IO_CREATE)
		return create(path, how);
	*ret_exclusive = writable && stat(path, &st) == 0 && S_ISBLK(st.st_mode);
	if (!*ret_exclusive)
		return open(path, how);
	fd = open(path, how | O_EXCL);
	if (fd >= 0 || errno != EBUSY || !(flags & IO_SHARE))
		return fd;
	*ret_exclusive = false;
	return open(path, how);
}

int io_open_file(const char *path, unsigned flags, struct io **ret)
{
	bool writable = flags & (IO_WRITE | IO_CREATE), exclusive;
	_cleanup_close_ int fd = open_path(path, flags, &exclusive);
	int r;

	if (fd < 0 && errno == EISDIR)
		return diag_fail(DIAG_NO_TARGET, EISDIR,
				 "%s is a directory, not an image file or a block device", path);
	if (fd < 0)
		return fail_open(errno, path, flags);
	if ((flags & IO_LOCK) && flock(fd, (writable ? LOCK_EX : LOCK_SH) | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return diag_io(errno, path);
		r = diag_fail(DIAG_BUSY, EWOULDBLOCK, "%s: another process works on it", path);
		diag_next("wait for it to end, then run the same command again");
		return r;
	}
	r = io_from_fd(TAKE_FD(fd), path, writable, ret);
	if (r < 0)
		return r;
	((struct io_file *)*ret)->exclusive = exclusive;
	/* What others write through a partition does not show in what the disk has cached, and that
	 * lives as long as any partition is in use. */
	if (io_is_block_device(*ret))
		posix_fadvise(fd_of(*ret), 0, 0, POSIX_FADV_DONTNEED);
	return 0;
}

int io_fd(const struct io *io)
{
	return io->ops == &file_ops ? fd_of(io) : -1;
}

bool io_is_block_device(const struct io *io)
{
	return io->ops == &file_ops && ((const struct io_file *)io)->block_device;
}

bool io_is_exclusive(const struct io *io)
{
	return io->ops == &file_ops && ((const struct io_file *)io)->exclusive;
}
