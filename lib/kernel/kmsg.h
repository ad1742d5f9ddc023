/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's log: the only place where dm-crypt tells that a sector did not authenticate. */
#ifndef HOLDFAST_KERNEL_KMSG_H
#define HOLDFAST_KERNEL_KMSG_H

#include <stdint.h>

/* Records that have both texts, as far back as the log goes. Other subsystems' prefixes may stand
 * before them. -errno, silently, where the log cannot be read. */
int kmsg_count(const char *device, const char *text, uint64_t *ret);

#endif
