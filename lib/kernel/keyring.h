/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in the kernel's keyrings: how device-mapper gets one without its bytes in a table. */
#ifndef HOLDFAST_KERNEL_KEYRING_H
#define HOLDFAST_KERNEL_KEYRING_H

#include <stddef.h>
#include <stdint.h>

/*
 * A "logon" key (which user space cannot read back) in the calling thread's own keyring: gone with
 * the thread, or by keyring_drop(). @description has a prefix: "holdfast:data". Speaks: HF-KERNEL
 * where the kernel has no keyrings, or the quota of keys is used up.
 */
int keyring_add_logon(const char *description, const uint8_t *key, size_t len, int32_t *ret_serial);
void keyring_drop(int32_t serial);

#endif
