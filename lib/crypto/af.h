/* SPDX-License-Identifier: Apache-2.0 */
/* LUKS's anti-forensic stripes: a key spread so that losing any part of it loses the key. */
#ifndef HOLDFAST_CRYPTO_AF_H
#define HOLDFAST_CRYPTO_AF_H

#include <stddef.h>
#include <stdint.h>

/* @stripes pieces of @key_bytes each. All but the last one are random already (the caller filled
 * them); this one makes the last. 0 or -errno; speaks. The buffers are as secret as the key. */
int af_split(const char *hash, const uint8_t *key, size_t key_bytes, unsigned stripes,
	     uint8_t *pieces);
/* The key from all its pieces. */
int af_merge(const char *hash, const uint8_t *pieces, size_t key_bytes, unsigned stripes,
	     uint8_t *ret_key);

#endif
