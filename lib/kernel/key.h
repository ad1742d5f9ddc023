/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in the kernel's keyrings: how device-mapper gets one without its bytes in a table. */
#ifndef HOLDFAST_KERNEL_KEY_H
#define HOLDFAST_KERNEL_KEY_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

/*
 * A "logon" key (which user space cannot read back) in the calling thread's own keyring: gone with
 * the thread, or by kernel_key_drop(). @description has a prefix: "holdfast:data". Speaks:
 * HF-KERNEL where the kernel has no keyrings, or the quota of keys is used up.
 */
int kernel_key_add_logon(const char *description, const uint8_t *key, size_t len,
			 int32_t *ret_serial);
void kernel_key_drop(int32_t serial);

/*
 * Keys that the kernel makes or opens by itself ("trusted", "encrypted"), in the keyring of this
 * process: gone with it, seen by nobody else. @payload is what their type takes ("new 32 …",
 * "load …"). All are silent and give -errno: only the caller knows what it means for this key.
 */
int kernel_key_add(const char *type, const char *description, const char *payload,
		   int32_t *ret_serial); /* takes the place of one of the same name */
int kernel_key_find(const char *type, const char *description, int32_t *ret_serial);
/* What the kernel shows of it: for these types the key as it is sealed. */
int kernel_key_read(int32_t serial, struct text *to);
int kernel_key_update(int32_t serial, const char *payload);

#endif
