/* SPDX-License-Identifier: Apache-2.0 */
/* RSA public keys, read by OpenSSL. */
#include <errno.h>
#include <limits.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/diag.h"
#include "crypto/digest.h"
#include "crypto/public-key.h"

static int fingerprint(EVP_PKEY *key, uint8_t ret[static 32])
{
	unsigned char *der = NULL;
	int len = i2d_PublicKey(key, &der); /* as systemd's pubkey_fingerprint() */
	int r = len > 0 ? digest_sha256(der, (size_t)len, ret) : -EIO;

	OPENSSL_free(der);
	return r;
}

static int numbers(EVP_PKEY *key, struct public_key *ret)
{
	BIGNUM *n = NULL, *e = NULL;
	int r = -EINVAL;

	if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n) &&
	    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) &&
	    BN_num_bytes(n) <= PUBLIC_KEY_MODULUS_MAX && BN_num_bits(n) >= 2048 &&
	    BN_num_bits(e) <= 32) {
		ret->modulus_len = (size_t)BN_bn2bin(n, ret->modulus);
		ret->exponent = (uint32_t)BN_get_word(e);
		r = 0;
	}
	BN_free(n);
	BN_free(e);
	return r;
}

int public_key_read_pem(const char *name, const void *pem, size_t len, struct public_key *ret)
{
	BIO *bio = len <= INT_MAX ? BIO_new_mem_buf(pem, (int)len) : NULL;
	EVP_PKEY *key = bio ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;
	struct public_key k = {0};
	int r = -EINVAL;

	if (key && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA)
		r = numbers(key, &k);
	if (r >= 0)
		r = fingerprint(key, k.fingerprint);
	EVP_PKEY_free(key);
	BIO_free(bio);
	if (r < 0)
		return diag_fail(DIAG_SOURCE, EINVAL,
				 "%s holds no RSA public key in PEM (BEGIN PUBLIC KEY) of 2048 to "
				 "4096 bits",
				 name);
	*ret = k;
	return 0;
}
