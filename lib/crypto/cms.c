/* SPDX-License-Identifier: Apache-2.0 */
/* CMS through OpenSSL, whose cipher buffer keeps up to one block of plaintext: see
 * docs/security.md.
 */
#include <errno.h>
#include <openssl/cms.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/diag.h"
#include "crypto/cms.h"

#define RSA_LEAST_BITS 2048

static void drop_bio(BIO **b)
{
	BIO_free_all(*b);
}

static void drop_cms(CMS_ContentInfo **c)
{
	CMS_ContentInfo_free(*c);
}

static void drop_certificate(X509 **x)
{
	X509_free(*x);
}

#define _cleanup_bio_  __attribute__((cleanup(drop_bio)))
#define _cleanup_cms_  __attribute__((cleanup(drop_cms)))
#define _cleanup_x509_ __attribute__((cleanup(drop_certificate)))

static int fail(const char *what)
{
	char why[128];
	unsigned long e = ERR_peek_last_error();

	ERR_error_string_n(e, why, sizeof(why));
	ERR_clear_error();
	return diag_fail(DIAG_INTERNAL, EIO, "%s: %s", what, e ? why : "OpenSSL does not say why");
}

static int read_certificate(const char *path, X509 **ret)
{
	_cleanup_bio_ BIO *file = NULL;

	errno = 0;
	file = BIO_new_file(path, "r");
	if (!file) {
		int err = errno ? errno : EIO;

		ERR_clear_error();
		return diag_file(err, path);
	}
	*ret = PEM_read_bio_X509(file, NULL, NULL, NULL);
	ERR_clear_error();
	return *ret ? 0
		    : diag_fail(DIAG_USAGE, EINVAL, "%s is not a certificate in PEM form", path);
}

/* The defaults would be PKCS #1 v1.5, and SHA-1 in the key derivation. */
static int set_parameters(CMS_RecipientInfo *ri, int kind)
{
	EVP_PKEY_CTX *c = CMS_RecipientInfo_get0_pkey_ctx(ri);

	if (!c)
		return -EIO;
	if (kind == EVP_PKEY_EC)
		return EVP_PKEY_CTX_set_ecdh_kdf_md(c, EVP_sha256()) > 0 ? 0 : -EIO;
	if (EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING) <= 0 ||
	    EVP_PKEY_CTX_set_rsa_oaep_md(c, EVP_sha256()) <= 0 ||
	    EVP_PKEY_CTX_set_rsa_mgf1_md(c, EVP_sha256()) <= 0)
		return -EIO;
	return 0;
}

static int add_recipient(CMS_ContentInfo *cms, const char *path)
{
	_cleanup_x509_ X509 *x = NULL;
	CMS_RecipientInfo *ri;
	EVP_PKEY *key;
	int r = read_certificate(path, &x), kind;

	if (r < 0)
		return r;
	key = X509_get0_pubkey(x);
	kind = key ? EVP_PKEY_get_base_id(key) : 0;
	if (kind != EVP_PKEY_RSA && kind != EVP_PKEY_EC)
		return diag_fail(DIAG_USAGE, EINVAL,
				 "%s: nothing can be encrypted to this kind of key; RSA or an "
				 "elliptic curve (P-256, P-384) is needed",
				 path);
	if (kind == EVP_PKEY_RSA && EVP_PKEY_get_bits(key) < RSA_LEAST_BITS)
		return diag_fail(DIAG_USAGE, EINVAL, "%s: an RSA key of %d bits; %d is the least",
				 path, EVP_PKEY_get_bits(key), RSA_LEAST_BITS);
	ri = CMS_add1_recipient_cert(cms, x, CMS_KEY_PARAM);
	if (!ri || set_parameters(ri, kind) < 0)
		return fail(path);
	return 0;
}

int cms_encrypt(const char *const *certificates, size_t n, const struct secret *content,
		struct text *ret)
{
	const unsigned flags = CMS_BINARY | CMS_PARTIAL;
	_cleanup_cms_ CMS_ContentInfo *cms = NULL;
	_cleanup_bio_ BIO *in = NULL, *out = NULL;
	char *pem;
	long len;
	int r = 0;

	cms = CMS_encrypt(NULL, NULL, EVP_aes_256_gcm(), flags);
	in = BIO_new_mem_buf(secret_bytes(content), (int)secret_len(content));
	out = BIO_new(BIO_s_mem());
	if (!cms || !in || !out)
		return fail("CMS cannot be made");
	for (size_t i = 0; i < n && r >= 0; i++)
		r = add_recipient(cms, certificates[i]);
	if (r < 0)
		return r;
	if (CMS_final(cms, in, NULL, CMS_BINARY) != 1 ||
	    PEM_write_bio_CMS_stream(out, cms, NULL, CMS_BINARY) != 1)
		return fail("CMS cannot be made");
	len = BIO_get_mem_data(out, &pem);
	text_add_bytes(ret, pem, (size_t)len);
	return ret->failed ? diag_no_memory() : 0;
}
