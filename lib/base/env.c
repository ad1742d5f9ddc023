/* SPDX-License-Identifier: Apache-2.0 */
/* Work files: unlinked, so that none is left over whatever happens. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/env.h"
#include "base/io.h"
#include "base/text.h"

/* O_TMPFILE where the file system has it, else a name that is taken away at once. */
static int open_unlinked(const char *dir)
{
	_cleanup_free_ char *path = NULL;
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
		return fd < 0 ? -errno : fd;
	path = text_make("%s/holdfast-XXXXXX", dir);
	if (!path)
		return -ENOMEM;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	unlink(path);
	return fd;
}

int env_work_file(struct env *env, const char *name, uint64_t size_bytes, struct io **ret)
{
	_cleanup_close_ int fd = open_unlinked(env->work_dir);

	if (fd < 0) {
		int r = diag_file(-fd, env->work_dir);

		diag_next("give a directory for work files in TMPDIR");
		return r;
	}
	if (ftruncate(fd, (off_t)size_bytes) < 0)
		return diag_file(errno, env->work_dir);
	return io_from_fd(TAKE_FD(fd), name, true, ret);
}
