/* SPDX-License-Identifier: Apache-2.0 */
/* RSA public keys in PEM, as far as a TPM needs them. */
#ifndef HOLDFAST_CRYPTO_PUBLIC_KEY_H
#define HOLDFAST_CRYPTO_PUBLIC_KEY_H

#include <stddef.h>
#include <stdint.h>

#define PUBLIC_KEY_MODULUS_MAX 512

struct public_key {
	uint32_t exponent;
	size_t modulus_len; /* bytes, without leading zeroes */
	uint8_t modulus[PUBLIC_KEY_MODULUS_MAX];
	uint8_t fingerprint[32]; /* SHA-256 of the DER RSAPublicKey (PKCS#1): "pkfp" of systemd */
};

/* Reads a SubjectPublicKeyInfo. Refuses other keys than RSA, and fewer than 2048 bits. @name is for
 * messages. Speaks (DIAG_SOURCE). */
int public_key_read_pem(const char *name, const void *pem, size_t len, struct public_key *ret);

#endif
