/* SPDX-License-Identifier: Apache-2.0 */
/* Key derivation: HKDF-SHA256 (RFC 5869), every field of the info length-prefixed. */
#ifndef HOLDFAST_CRYPTO_KDF_H
#define HOLDFAST_CRYPTO_KDF_H

#include <stddef.h>
#include <stdint.h>

/* A field of the info: be16 length, then the bytes; so that "a","bc" and "ab","c" differ. */
struct kdf_field {
	const void *bytes;
	size_t len; /* ≤ 65535 */
};

/* 0 or -errno; speaks through diag. */
int kdf_hkdf(const uint8_t *key, size_t key_len, const struct kdf_field *info, size_t n_info,
	     uint8_t *ret, size_t ret_len);

#endif
