/* SPDX-License-Identifier: Apache-2.0 */
/* Authenticated encryption: AEGIS-128 (ours), AES-GCM, ChaCha20-Poly1305, AES-XTS with HMAC. */
#ifndef HOLDFAST_CRYPTO_AEAD_H
#define HOLDFAST_CRYPTO_AEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AEAD_TAG_MAX 32

/* One key; used by one thread at a time. */
struct aead;

/* "aegis128", "aes-gcm" (16 or 32 bytes of key), "chacha20-poly1305",
 * "authenc(hmac(sha256),xts(aes))" (key: XTS', then 32 for HMAC). Speaks. */
int aead_new(const char *algorithm, const uint8_t *key, size_t key_len, struct aead **ret);
struct aead *aead_free(struct aead *a); /* wipes; takes NULL, returns NULL */
void aead_freep(struct aead **a);
#define _cleanup_aead_ __attribute__((cleanup(aead_freep)))
size_t aead_iv_bytes(const struct aead *a);
size_t aead_tag_bytes(const struct aead *a);

/* @in and @out may be the same. 0 or -EIO, silent. */
int aead_encrypt(struct aead *a, const uint8_t *iv, const void *ad, size_t ad_len, const void *in,
		 size_t len, void *out, uint8_t *ret_tag);
/* -EBADMSG: does not authenticate; @out is then all zeroes. */
int aead_decrypt(struct aead *a, const uint8_t *iv, const void *ad, size_t ad_len, const void *in,
		 size_t len, void *out, const uint8_t *tag);

/* Sectors: messages of the same lengths, which AEGIS does faster together than one by one. */
struct aead_message {
	const uint8_t *iv;
	const void *ad;
	const void *in;
	void *out;    /* may be @in */
	uint8_t *tag; /* written, or compared with */
};
/* 0 or -EIO, silent. */
int aead_encrypt_many(struct aead *a, const struct aead_message *m, size_t n, size_t ad_len,
		      size_t len);
/* @ret_good[n]: does it authenticate? Where not, its @out is all zeroes. 0 or -EIO, silent. */
int aead_decrypt_many(struct aead *a, const struct aead_message *m, size_t n, size_t ad_len,
		      size_t len, bool *ret_good);

#endif
