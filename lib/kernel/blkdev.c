/* SPDX-License-Identifier: Apache-2.0 */
/* Block devices as sysfs shows them (Documentation/ABI/stable/sysfs-block). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/blkpg.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/overflow.h"
#include "kernel/blkdev.h"

#define SECTOR_BYTES 512 /* sysfs's unit, whatever the device's own is */

/* A disk or a partition of it. */
struct node {
	unsigned number; /* of the partition; 0: the disk */
	uint64_t offset_bytes;
	uint64_t len_bytes;
	dev_t dev;
	char sysfs[128];
	char path[128]; /* below /dev */
};

/* The first line of @dir/@file that begins with @start, without it; false when there is none. */
static bool read_line(const char *dir, const char *file, const char *start, char *ret, size_t size)
{
	char path[256], line[256];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "%.180s/%.60s", dir, file);
	f = fopen(path, "re");
	while (f && !found && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		found = strncmp(line, start, strlen(start)) == 0;
	}
	if (f)
		fclose(f);
	if (found)
		snprintf(ret, size, "%s", line + strlen(start));
	return found;
}

static bool read_number(const char *dir, const char *file, uint64_t *ret)
{
	char text[32], *end;

	if (!read_line(dir, file, "", text, sizeof(text)) || *text < '0' || *text > '9')
		return false;
	*ret = strtoull(text, &end, 10);
	return *end == 0;
}

/* What stands in the sysfs directory; false when it is no block device. */
static bool read_node(const char *dir, struct node *ret)
{
	char name[100], dev[32];
	uint64_t number = 0, start = 0, size;
	unsigned ma, mi;

	if (!read_number(dir, "size", &size) || !read_line(dir, "dev", "", dev, sizeof(dev)) ||
	    sscanf(dev, "%u:%u", &ma, &mi) != 2 ||
	    !read_line(dir, "uevent", "DEVNAME=", name, sizeof(name)))
		return false;
	if (read_number(dir, "partition", &number) && !read_number(dir, "start", &start))
		return false;
	*ret = (struct node){.number = (unsigned)number,
			     .offset_bytes = start * SECTOR_BYTES,
			     .len_bytes = size * SECTOR_BYTES,
			     .dev = makedev(ma, mi)};
	snprintf(ret->sysfs, sizeof(ret->sysfs), "%s", dir);
	snprintf(ret->path, sizeof(ret->path), "/dev/%s", name);
	return true;
}

static int read_disk(const char *disk_path, struct node *ret)
{
	char dir[64];
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
	snprintf(dir, sizeof(dir), "/sys/dev/block/%u:%u", major(st.st_rdev), minor(st.st_rdev));
	if (!read_node(dir, ret)) {
		r = diag_fail(DIAG_KERNEL, ENODEV, "%s does not stand in %s", disk_path, dir);
		diag_next("mount -t sysfs sys /sys, if it is not mounted");
		return r;
	}
	ret->number = 0; /* a partition that is worked on as a whole */
	ret->offset_bytes = 0;
	return 0;
}

/* Calls @fn for each partition until it returns something else than 0, and returns that. */
static int each_partition(const struct node *disk, int (*fn)(void *ctx, const struct node *part),
			  void *ctx)
{
	struct dirent *e;
	int r = 0;
	DIR *d = opendir(disk->sysfs);

	if (!d)
		return diag_file(errno, disk->sysfs);
	while (r == 0 && (e = readdir(d))) {
		char dir[256];
		struct node part;

		snprintf(dir, sizeof(dir), "%s/%.100s", disk->sysfs, e->d_name);
		if (e->d_name[0] != '.' && strlen(dir) < sizeof(part.sysfs) &&
		    read_node(dir, &part) && part.number)
			r = fn(ctx, &part);
	}
	closedir(d);
	return r;
}

/* --- whose partition a range is --- */

static int is_wanted(void *ctx, const struct node *part)
{
	struct node *wanted = ctx;

	if (part->offset_bytes != wanted->offset_bytes || part->len_bytes != wanted->len_bytes ||
	    access(part->path, F_OK) < 0)
		return 0;
	*wanted = *part;
	return 1;
}

int blkdev_partition(const char *disk_path, uint64_t offset_bytes, uint64_t len_bytes,
		     char ret[static 256])
{
	struct node wanted = {.offset_bytes = offset_bytes, .len_bytes = len_bytes};
	struct node disk;
	int r = read_disk(disk_path, &disk);

	if (r < 0)
		return r;
	if (offset_bytes == 0 && disk.len_bytes == len_bytes) {
		snprintf(ret, 256, "%s", disk_path);
		return 1;
	}
	r = each_partition(&disk, is_wanted, &wanted);
	if (r == 1)
		snprintf(ret, 256, "%s", wanted.path);
	return r;
}

/* --- who uses it --- */

static bool has_holder(const struct node *n, char ret[static 256])
{
	char path[256], name[128] = "";
	struct dirent *e;
	bool found = false;
	DIR *d;

	snprintf(path, sizeof(path), "%s/holders", n->sysfs);
	d = opendir(path);
	while (d && !found && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		found = true;
		snprintf(path, sizeof(path), "/sys/class/block/%.100s/dm", e->d_name);
		if (!read_line(path, "name", "", name, sizeof(name)))
			snprintf(name, sizeof(name), "%.100s", e->d_name);
		snprintf(ret, 256, "%s, under the mapping %s", n->path, name);
	}
	if (d)
		closedir(d);
	return found;
}

static bool is_mounted(const struct node *n, char ret[static 256])
{
	char line[1024], where[200];
	unsigned ma, mi;
	bool found = false;
	FILE *f = fopen("/proc/self/mountinfo", "re");

	while (f && !found && fgets(line, sizeof(line), f))
		found = sscanf(line, "%*d %*d %u:%u %*s %199s", &ma, &mi, where) == 3 &&
			makedev(ma, mi) == n->dev;
	if (f)
		fclose(f);
	if (found)
		snprintf(ret, 256, "%s, mounted on %.110s", n->path, where);
	return found;
}

static bool is_swap(const struct node *n, char ret[static 256])
{
	char line[1024], path[300];
	bool found = false;
	struct stat st;
	FILE *f = fopen("/proc/swaps", "re");

	while (f && !found && fgets(line, sizeof(line), f))
		found = sscanf(line, "%299s", path) == 1 && stat(path, &st) == 0 &&
			S_ISBLK(st.st_mode) && st.st_rdev == n->dev;
	if (f)
		fclose(f);
	if (found)
		snprintf(ret, 256, "%s, swapped on", n->path);
	return found;
}

/* An exclusive open also fails where a partition of the disk is in use, or the partition's disk. */
static int is_claimed(const struct node *n, char ret[static 256])
{
	_cleanup_close_ int fd = open(n->path, O_RDONLY | O_EXCL | O_CLOEXEC);

	if (fd >= 0 || errno != EBUSY)
		return 0;
	snprintf(ret, 256, "%s, held by another program", n->path);
	return 1;
}

static bool is_used(const struct node *n, char ret[static 256])
{
	return has_holder(n, ret) || is_mounted(n, ret) || is_swap(n, ret);
}

struct looking {
	uint64_t offset_bytes, len_bytes;
	bool used_elsewhere;
	char *who;
};

static int look(void *ctx, const struct node *part)
{
	struct looking *l = ctx;
	char who[256];

	if (!ranges_overlap(part->offset_bytes, part->len_bytes, l->offset_bytes, l->len_bytes)) {
		l->used_elsewhere |= is_used(part, who) || is_claimed(part, who);
		return 0;
	}
	return is_used(part, l->who) ? 1 : is_claimed(part, l->who);
}

int blkdev_in_use(const char *disk_path, uint64_t offset_bytes, uint64_t len_bytes,
		  char ret[static 256])
{
	struct looking l = {.offset_bytes = offset_bytes, .len_bytes = len_bytes, .who = ret};
	struct node disk;
	int r = read_disk(disk_path, &disk);

	if (r < 0)
		return r;
	if (is_used(&disk, ret))
		return 1;
	r = each_partition(&disk, look, &l);
	return r != 0 || l.used_elsewhere ? r : is_claimed(&disk, ret);
}

/* --- a new table --- */

static int change(int fd, int op, unsigned number, uint64_t offset_bytes, uint64_t len_bytes)
{
	struct blkpg_partition p = {
	    .start = (long long)offset_bytes, .length = (long long)len_bytes, .pno = (int)number};
	struct blkpg_ioctl_arg arg = {.op = op, .datalen = sizeof(p), .data = &p};

	return ioctl(fd, BLKPG, &arg) < 0 ? -errno : 0;
}

struct updating {
	int fd;
	const struct blkdev_entry *entries;
	size_t n;
	int first_error;
	bool known[256]; /* entries that the kernel has already */
};

/* Stays as it is, grows (also while it is in use), or goes. */
static int fit_old(void *ctx, const struct node *part)
{
	struct updating *u = ctx;
	int r = -ENOENT;

	for (size_t i = 0; i < u->n && r < 0; i++) {
		const struct blkdev_entry *e = &u->entries[i];

		if (e->number != part->number || e->offset_bytes != part->offset_bytes)
			continue;
		if (e->len_bytes == part->len_bytes)
			r = 0;
		else if (e->len_bytes > part->len_bytes)
			r = change(u->fd, BLKPG_RESIZE_PARTITION, e->number, e->offset_bytes,
				   e->len_bytes);
		u->known[i] = r == 0;
	}
	if (r < 0)
		r = change(u->fd, BLKPG_DEL_PARTITION, part->number, 0, 0);
	if (r < 0 && !u->first_error)
		u->first_error = r;
	return 0;
}

int blkdev_update(int fd, const char *disk_path, const struct blkdev_entry *entries, size_t n)
{
	struct updating u = {.fd = fd, .entries = entries, .n = n};
	struct node disk;
	size_t mark = diag_count();
	int r;

	if (ioctl(fd, BLKRRPART) == 0)
		return 0;
	if (errno != EBUSY || n > sizeof(u.known))
		return -errno;
	r = read_disk(disk_path, &disk);
	if (r >= 0)
		r = each_partition(&disk, fit_old, &u);
	diag_forget(mark);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		r = u.known[i] ? 0
			       : change(fd, BLKPG_ADD_PARTITION, entries[i].number,
					entries[i].offset_bytes, entries[i].len_bytes);
		if (r < 0 && !u.first_error)
			u.first_error = r;
	}
	return u.first_error;
}
