/* SPDX-License-Identifier: Apache-2.0 */
/* Loop devices: how the kernel gets a part of an image file, or of a device that is held open. */
#ifndef HOLDFAST_KERNEL_LOOP_H
#define HOLDFAST_KERNEL_LOOP_H

#include <stdbool.h>
#include <stdint.h>

/*
 * [offset, offset+len) of what @fd is open on, as a loop device that goes away with its last user:
 * *@ret_fd keeps it until something else (a mapping) does. @name is for messages. Needs root and
 * Linux 5.8. Speaks.
 */
int loop_attach(int fd, const char *name, uint64_t offset_bytes, uint64_t len_bytes, bool read_only,
		char ret_path[static 64], int *ret_fd);

#endif
