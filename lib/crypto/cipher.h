/* SPDX-License-Identifier: Apache-2.0 */
/* Sectors encrypted without authentication, each under an IV of its own:
 * AES-XTS. */
#ifndef HOLDFAST_CRYPTO_CIPHER_H
#define HOLDFAST_CRYPTO_CIPHER_H

#include <stddef.h>
#include <stdint.h>

#define CIPHER_IV_BYTES 16

/* One key; used by one thread at a time. */
struct cipher;

/* "aes-xts" (32 or 64 bytes of key, the halves not the same). Speaks. */
int cipher_new(const char *algorithm, const uint8_t *key, size_t key_len, struct cipher **ret);
struct cipher *cipher_free(struct cipher *c); /* wipes; takes NULL, returns NULL */
void cipher_freep(struct cipher **c);
#define _cleanup_cipher_ __attribute__((cleanup(cipher_freep)))

/* A whole sector (16 bytes at least); @in and @out may be the same. 0 or -EIO,
 * silent. */
int cipher_encrypt(struct cipher *c, const uint8_t iv[static CIPHER_IV_BYTES], const void *in,
		   size_t len, void *out);
int cipher_decrypt(struct cipher *c, const uint8_t iv[static CIPHER_IV_BYTES], const void *in,
		   size_t len, void *out);
/* AES-CFB (16 or 32 bytes of key) with an IV of zeroes, as TPMs wrap by it: one message a key. 0 or
 * -EIO, silent. */
int cipher_cfb_encrypt(const uint8_t *key, size_t key_len, const void *in, size_t len, void *out);
/* dm-crypt's plain64: the sector's number, little-endian, and zeroes. */
void cipher_iv_plain64(uint64_t sector, uint8_t ret[static CIPHER_IV_BYTES]);

#endif
