/* SPDX-License-Identifier: Apache-2.0 */
/* Loop devices, by their ioctls (linux/loop.h). */
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "kernel/loop.h"

#define TRIES 16 /* another process may take the free one first */

static int fail(int err, const char *name)
{
	int r = diag_fail(err == EACCES || err == EPERM ? DIAG_PERMISSION : DIAG_KERNEL, err,
			  "the kernel gives no loop device for %s: %s", name, strerror(err));

	diag_next("this needs root, and a kernel with CONFIG_BLK_DEV_LOOP");
	return r;
}

static int configure(int loop, int fd, uint64_t offset, uint64_t len, bool read_only)
{
	struct loop_config c = {
	    .fd = (uint32_t)fd,
	    .block_size = 512,
	    .info = {.lo_offset = offset,
		     .lo_sizelimit = len,
		     .lo_flags = LO_FLAGS_AUTOCLEAR | (read_only ? LO_FLAGS_READ_ONLY : 0)},
	};

	return ioctl(loop, LOOP_CONFIGURE, &c) < 0 ? -errno : 0;
}

int loop_attach(int fd, const char *name, uint64_t offset_bytes, uint64_t len_bytes, bool read_only,
		char ret_path[static 64], int *ret_fd)
{
	_cleanup_close_ int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	int r = -EBUSY;

	if (control < 0)
		return fail(errno, name);
	for (int i = 0; i < TRIES && r == -EBUSY; i++) {
		int number = ioctl(control, LOOP_CTL_GET_FREE), loop;

		if (number < 0)
			return fail(errno, name);
		snprintf(ret_path, 64, "/dev/loop%d", number);
		loop = open(ret_path, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
		if (loop < 0)
			return fail(errno, name);
		r = configure(loop, fd, offset_bytes, len_bytes, read_only);
		if (r >= 0)
			*ret_fd = loop;
		else
			close(loop);
	}
	return r < 0 ? fail(-r, name) : 0;
}
