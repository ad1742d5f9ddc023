/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's TEE interface. */
#ifndef HOLDFAST_KEYSTORE_TEE_KERNEL_H
#define HOLDFAST_KEYSTORE_TEE_KERNEL_H

#include "keystore/tee/call.h"

extern const struct tee_transport tee_kernel;

/* Opens the first TEE among the devices @prefix0 to @prefix9 ("/dev/tee") that speaks
 * GlobalPlatform. Descriptor, or -errno as for TEE_AT_DEVICE. @ret_device: the device that the
 * answer is about; not set if there is none (-ENOENT). Silent. */
int tee_kernel_device(const char *prefix, char ret_device[static 32]);

#endif
