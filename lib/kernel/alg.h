/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's own cryptography, with keys that only it has (AF_ALG). */
#ifndef HOLDFAST_KERNEL_ALG_H
#define HOLDFAST_KERNEL_ALG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

#define ALG_HMAC_BYTES 32

/* Does this kernel compute HMAC-SHA256 with a key of its keyrings? */
bool alg_takes_keys(void);
/* With the key @serial. Silent; -errno. */
int alg_hmac_sha256(int32_t serial, const void *bytes, size_t len,
		    uint8_t ret[static ALG_HMAC_BYTES]);

/* The ciphers that the kernel has in use or has tried (/proc/crypto): "xts(aes), gcm(aes)". Others
 * it may be able to make. "" where it cannot be read. */
void alg_list_ciphers(struct text *to);

#endif
