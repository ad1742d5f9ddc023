/* SPDX-License-Identifier: Apache-2.0 */
/* HKDF-SHA256 (RFC 5869) by OpenSSL, with a length before every field of the info. */
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>

#include "base/diag.h"
#include "base/text.h"
#include "crypto/kdf.h"

static int derive(const uint8_t *key, size_t key_len, struct text *info, uint8_t *ret,
		  size_t ret_len)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	char hash[] = "SHA2-256";
	OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, hash, 0),
	    OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)key, key_len),
	    OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info->s, info->len),
	    OSSL_PARAM_construct_end(),
	};
	int ok = ctx && EVP_KDF_derive(ctx, ret, ret_len, params) == 1;

	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return ok ? 0 : diag_fail(DIAG_INTERNAL, EIO, "OpenSSL's HKDF failed");
}

int kdf_hkdf(const uint8_t *key, size_t key_len, const struct kdf_field *info, size_t n_info,
	     uint8_t *ret, size_t ret_len)
{
	_cleanup_text_ struct text joined = {0};

	for (size_t i = 0; i < n_info; i++) {
		const uint8_t len[2] = {(uint8_t)(info[i].len >> 8), (uint8_t)info[i].len};

		if (info[i].len > UINT16_MAX)
			return diag_fail(DIAG_INTERNAL, EINVAL,
					 "a field of a derivation is too long");
		text_add_bytes(&joined, len, sizeof(len));
		text_add_bytes(&joined, info[i].bytes, info[i].len);
	}
	if (joined.failed)
		return diag_no_memory();
	return derive(key, key_len, &joined, ret, ret_len);
}
