/* SPDX-License-Identifier: Apache-2.0 */
/* RSA public keys in PEM: what a TPM has to be told of them. */
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

/* SubjectPublicKeyInfo. 0 or -errno; speaks (DIAG_SOURCE) of @name: no RSA key, or below 2048
 * bits. */
int public_key_read_pem(const char *name, const void *pem, size_t len, struct public_key *ret);

#endif
