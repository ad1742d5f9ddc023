/* SPDX-License-Identifier: Apache-2.0 */
/* Key derivation: from keys (HKDF-SHA256, RFC 5869) and from passwords (PBKDF2, scrypt). */
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

/* PBKDF2 with HMAC over the hash of this name ("sha256"). 0 or -errno; speaks: what may come from
 * a medium (no such hash, 0 iterations) as DIAG_DAMAGED with -EINVAL. */
int kdf_pbkdf2(const char *hash, const void *password, size_t password_len, const uint8_t *salt,
	       size_t salt_len, uint32_t iterations, uint8_t *ret, size_t ret_len);

/* scrypt (RFC 7914): @n a power of 2 above 1. Needs 128·n·r bytes of memory; more than
 * KDF_SCRYPT_BYTES_MAX is refused. 0 or -errno; speaks: bad parameters as DIAG_DAMAGED, -EINVAL. */
#define KDF_SCRYPT_BYTES_MAX (1ULL << 30)
int kdf_scrypt(const void *password, size_t password_len, const uint8_t *salt, size_t salt_len,
	       uint64_t n, uint32_t r, uint32_t p, uint8_t *ret, size_t ret_len);

/* Argon2id (RFC 9106). 0 or -errno; speaks: bad parameters as DIAG_DAMAGED, -EINVAL. */
#define KDF_ARGON2_KIB_MAX    (1U << 20)
#define KDF_ARGON2_PASSES_MAX 64
#define KDF_ARGON2_LANES_MAX  16
int kdf_argon2id(const void *password, size_t password_len, const uint8_t *salt, size_t salt_len,
		 uint32_t memory_kib, uint32_t passes, uint32_t lanes, uint8_t *ret,
		 size_t ret_len);

#endif
