/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts a device on a directory and takes it down again. The only caller of libmount. */
#ifndef HOLDFAST_KERNEL_MOUNT_H
#define HOLDFAST_KERNEL_MOUNT_H

#include <stdbool.h>

/* Mounts @device of type @fstype at @below/@name; both are made when missing, 0755. @name is one
 * component and leads nowhere else: neither "..", nor a symbolic link. @options may be NULL.
 * Already mounted there from the same device: 0. Speaks through diag. */
int mount_attach(const char *device, const char *below, const char *name, const char *fstype,
		 const char *options, bool read_only);
/* 0 also when nothing is mounted there; HF-IN-USE when busy. */
int mount_detach(const char *directory);
/* 1 mounted (source in @ret), 0 not, -errno. */
int mount_query(const char *directory, char ret[static 256]);

#endif
