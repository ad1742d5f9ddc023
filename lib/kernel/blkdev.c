/* SPDX-License-Identifier: Apache-2.0 */
/* Block devices as sysfs shows them (Documentation/ABI/stable/sysfs-block). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "kernel/blkdev.h"

/* A number in a file of sysfs; UINT64_MAX when it is not there. */
static uint64_t read_number(const char *dir, const char *name, const char *file)
{
	char path[512], text[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "%.200s/%.200s/%.32s", dir, name, file);
	f = fopen(path, "re");
	if (!f)
		return UINT64_MAX;
	if (!fgets(text, sizeof(text), f))
		text[0] = 0;
	fclose(f);
	return *text >= '0' && *text <= '9' ? strtoull(text, NULL, 10) : UINT64_MAX;
}

static int disk_directory(const char *disk_path, char dir[static 64])
{
	struct stat st;
	int r;

	if (stat(disk_path, &st) < 0)
		return diag_io(errno, disk_path);
	if (!S_ISBLK(st.st_mode)) {
		r = diag_fail(DIAG_KERNEL, ENOTBLK,
			      "%s is an image file; the kernel opens block devices only",
			      disk_path);
		diag_next("losetup --partscan --find --show %s, then use the device that it names",
			  disk_path);
		return r;
	}
	snprintf(dir, 64, "/sys/dev/block/%u:%u", major(st.st_rdev), minor(st.st_rdev));
	return 0;
}

int blkdev_partition(const char *disk_path, uint64_t offset_bytes, uint64_t len_bytes,
		     char ret[static 256])
{
	char dir[64];
	struct dirent *e;
	DIR *d;
	int r = disk_directory(disk_path, dir), found = 0;

	if (r < 0)
		return r;
	if (offset_bytes == 0 && read_number(dir, ".", "size") == len_bytes / 512) {
		snprintf(ret, 256, "%s", disk_path);
		return 1;
	}
	d = opendir(dir);
	if (!d)
		return diag_file(errno, dir);
	while (!found && (e = readdir(d))) {
		if (read_number(dir, e->d_name, "partition") == UINT64_MAX ||
		    read_number(dir, e->d_name, "start") != offset_bytes / 512 ||
		    read_number(dir, e->d_name, "size") != len_bytes / 512)
			continue;
		snprintf(ret, 256, "/dev/%.200s", e->d_name);
		found = access(ret, F_OK) == 0;
	}
	closedir(d);
	return found;
}

int blkdev_reread(const char *disk_path)
{
	_cleanup_close_ int fd = open(disk_path, O_RDONLY | O_CLOEXEC);

	return fd < 0 || ioctl(fd, BLKRRPART) < 0 ? -errno : 0;
}

/* A holder (a mapping) of the device in @dir/@name. */
static bool has_holder(const char *dir, const char *name, char ret[static 256])
{
	char path[512];
	struct dirent *e;
	DIR *d;
	bool found = false;

	snprintf(path, sizeof(path), "%.200s/%.200s/holders", dir, name);
	d = opendir(path);
	while (d && !found && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(ret, 256, "the mapping %.200s", e->d_name);
		found = true;
	}
	if (d)
		closedir(d);
	return found;
}

/* Whole disk: an exclusive open fails while it or a partition is mounted, swapped on or mapped. */
int blkdev_in_use(const char *disk_path, char ret[static 256])
{
	char dir[64];
	struct dirent *e;
	DIR *d;
	int fd, r = disk_directory(disk_path, dir);

	if (r < 0)
		return r;
	if (has_holder(dir, ".", ret))
		return 1;
	d = opendir(dir);
	while (d && r == 0 && (e = readdir(d))) {
		if (read_number(dir, e->d_name, "partition") != UINT64_MAX)
			r = has_holder(dir, e->d_name, ret);
	}
	if (d)
		closedir(d);
	if (r)
		return 1;
	fd = open(disk_path, O_RDONLY | O_EXCL | O_CLOEXEC);
	if (fd >= 0) {
		close(fd);
		return 0;
	}
	if (errno != EBUSY)
		return diag_io(errno, disk_path);
	snprintf(ret, 256, "a mount, swap or another program");
	return 1;
}
