/* SPDX-License-Identifier: Apache-2.0 */
/* Files beside the target, put into place so that a power cut leaves the old one or the new one. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/file.h"
#include "base/text.h"

/* The directory entry itself must be on the medium, too. */
static int sync_directory_of(const char *path)
{
	_cleanup_free_ char *dir = strdup(path);
	_cleanup_close_ int fd = -1;
	char *slash = dir ? strrchr(dir, '/') : NULL;

	if (!dir)
		return diag_no_memory();
	if (slash)
		slash[slash == dir ? 1 : 0] = 0;
	fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return diag_file(errno, slash ? dir : ".");
	return 0;
}

int file_rename(const char *from, const char *to)
{
	if (rename(from, to) < 0)
		return diag_file(errno, to);
	return sync_directory_of(to);
}

int file_write_all(int fd, const void *bytes, size_t len)
{
	const char *from = bytes;

	while (len > 0) {
		ssize_t n = write(fd, from, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		from += n;
		len -= (size_t)n;
	}
	return 0;
}

int file_write(const char *path, unsigned mode, const void *bytes, size_t len)
{
	_cleanup_free_ char *tmp = text_make("%s.tmp", path);
	_cleanup_close_ int fd = -1;
	int r;

	if (!tmp)
		return diag_no_memory();
	unlink(tmp); /* of a run that was cut; with a mode of its own, perhaps */
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return diag_file(errno, tmp);
	r = file_write_all(fd, bytes, len);
	if (r >= 0 && fsync(fd) < 0)
		r = -errno;
	if (r < 0) {
		unlink(tmp);
		return diag_file(-r, tmp);
	}
	if (rename(tmp, path) < 0) {
		r = diag_file(errno, path);
		unlink(tmp);
		return r;
	}
	return sync_directory_of(path);
}
