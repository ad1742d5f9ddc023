/* SPDX-License-Identifier: Apache-2.0 */
/* Block devices: whose partition a range is, and telling the kernel that a table changed. */
#ifndef HOLDFAST_KERNEL_BLKDEV_H
#define HOLDFAST_KERNEL_BLKDEV_H

#include <stdbool.h>
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

/* Asks the kernel to read the partition table again. 0, or -errno silently: nothing depends on it.
 */
int blkdev_reread(const char *disk_path);

/* Whether anything (a partition's mount, a mapping, swap) holds the device or a partition of it;
 * @ret says who, for a message. 1, 0 or -errno. */
int blkdev_in_use(const char *disk_path, char ret[static 256]);

#endif
