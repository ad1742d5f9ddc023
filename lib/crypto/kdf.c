/* SPDX-License-Identifier: Apache-2.0 */
/* Key derivation by OpenSSL; HKDF with a length before every field of the info. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>

#include "base/diag.h"
#include "base/overflow.h"
#include "base/text.h"
#include "crypto/digest.h"
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

int kdf_pbkdf2(const char *hash, const void *password, size_t password_len, const uint8_t *salt,
	       size_t salt_len, uint32_t iterations, uint8_t *ret, size_t ret_len)
{
	EVP_MD *md;
	int ok;

	if (!digest_bytes(hash))
		return diag_fail(DIAG_DAMAGED, EINVAL, "PBKDF2: there is no hash \"%s\"", hash);
	if (iterations == 0 || iterations > INT_MAX || password_len > INT_MAX ||
	    salt_len > INT_MAX || ret_len > INT_MAX)
		return diag_fail(DIAG_DAMAGED, EINVAL,
				 "PBKDF2 with %" PRIu32 " iterations is not possible", iterations);
	md = EVP_MD_fetch(NULL, hash, NULL);
	ok = md && PKCS5_PBKDF2_HMAC(password_len ? password : "", (int)password_len, salt,
				     (int)salt_len, (int)iterations, md, (int)ret_len, ret) == 1;
	EVP_MD_free(md);
	return ok ? 0 : diag_fail(DIAG_INTERNAL, EIO, "OpenSSL's PBKDF2 with %s failed", hash);
}

/* The memory that OpenSSL may use, as it counts it: n + 2 + p rows of 128·r bytes. */
static bool scrypt_room(uint64_t n, uint32_t r, uint32_t p, uint64_t *ret)
{
	uint64_t rows;

	if (n < 2 || !is_power_of_2(n) || !r || !p || n > KDF_SCRYPT_BYTES_MAX / 128 / r ||
	    (r <= 3 && n >= 1ULL << 16 * r))
		return false;
	if (!mul_u64(n + 2 + p, 128ULL * r, &rows) || rows > 2 * KDF_SCRYPT_BYTES_MAX)
		return false;
	*ret = rows;
	return true;
}

int kdf_scrypt(const void *password, size_t password_len, const uint8_t *salt, size_t salt_len,
	       uint64_t n, uint32_t r, uint32_t p, uint8_t *ret, size_t ret_len)
{
	uint64_t room;

	if (!scrypt_room(n, r, p, &room))
		return diag_fail(DIAG_DAMAGED, EINVAL,
				 "scrypt with N %" PRIu64 ", r %" PRIu32 ", p %" PRIu32
				 " is not possible, or takes more than 1 GiB of memory",
				 n, r, p);
	if (EVP_PBE_scrypt(password_len ? password : "", password_len, salt, salt_len, n, r, p,
			   room, ret, ret_len) != 1)
		return diag_fail(DIAG_NO_MEMORY, ENOMEM,
				 "scrypt could not be run; it needs %" PRIu64 " MiB of memory",
				 room >> 20);
	return 0;
}
