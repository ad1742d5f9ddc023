/* SPDX-License-Identifier: Apache-2.0 */
/* Block devices: whose partition a range is, who uses it, and telling the kernel of a new table. */
#ifndef HOLDFAST_KERNEL_BLKDEV_H
#define HOLDFAST_KERNEL_BLKDEV_H

#include <stddef.h>
#include <stdint.h>

/*
 * The node of [offset, offset+len) of the block device @disk_path: the disk's own node when the
 * range is all of it, else the partition that has exactly this range (by start and size in sysfs,
 * whatever its name). 1 and the node in @ret, 0 when the kernel knows no such partition (the caller
 * then maps it with dm-linear), -errno (ENOTBLK for an image file: to be attached by losetup
 * first).
 */
int blkdev_partition(const char *disk_path, uint64_t offset_bytes, uint64_t len_bytes,
		     char ret[static 256]);

/* A partition as the table on the device has it. */
struct blkdev_entry {
	unsigned number; /* from 1 */
	uint64_t offset_bytes;
	uint64_t len_bytes;
};

/*
 * Makes the kernel's partitions those of the table: by BLKRRPART, or while some are in use one by
 * one, leaving alone those that stay as they are. @fd: the disk, opened exclusively if anyone has.
 * 0, or -errno silently (EBUSY: one that is in use would have to change; EINVAL: a device without
 * partitions in the kernel).
 */
int blkdev_update(int fd, const char *disk_path, const struct blkdev_entry *entries, size_t n);

/* Whether anything (a mount, a mapping, swap, another program) uses the disk as a whole or a
 * partition that overlaps the range; @ret says who: "/dev/vda2, mounted on /srv". 1, 0 or -errno.
 */
int blkdev_in_use(const char *disk_path, uint64_t offset_bytes, uint64_t len_bytes,
		  char ret[static 256]);

#endif
