/* SPDX-License-Identifier: Apache-2.0 */
/* CMS: encrypting to certificates (RFC 5083 AuthEnvelopedData). */
#ifndef HOLDFAST_CRYPTO_CMS_H
#define HOLDFAST_CRYPTO_CMS_H

#include "base/secret.h"
#include "base/text.h"

/*
 * Encrypts @content with AES-256-GCM, each of the @n certificates (PEM files) a recipient: RSA of
 * at least 2048 bits (OAEP with SHA-256), or an elliptic curve (ephemeral-static ECDH, X9.63 KDF
 * with SHA-256). Appends PEM to @ret. Dates of the certificates are not looked at: the clock of a
 * device may say 1970. Speaks.
 */
int cms_encrypt(const char *const *certificates, size_t n, const struct secret *content,
		struct text *ret);

#endif
