/* SPDX-License-Identifier: Apache-2.0 */
/* AES-XTS by OpenSSL: the key is expanded once, each sector brings its IV. */
#include <errno.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "crypto/cipher.h"

/* OpenSSL keeps two schedules of an XTS key, one a direction. */
struct cipher {
	EVP_CIPHER_CTX *encrypt, *decrypt;
};

static const struct {
	const char *name;
	size_t key_len;
	const char *openssl;
} algorithms[] = {
    {"aes-xts", 32, "AES-128-XTS"},
    {"aes-xts", 64, "AES-256-XTS"},
};

static EVP_CIPHER *fetch(const char *algorithm, size_t key_len)
{
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
		if (strcmp(algorithms[i].name, algorithm) == 0 && algorithms[i].key_len == key_len)
			return EVP_CIPHER_fetch(NULL, algorithms[i].openssl, NULL);
	}
	return NULL;
}

static EVP_CIPHER_CTX *make(EVP_CIPHER *cipher, const uint8_t *key, bool encrypt)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	if (ctx && EVP_CipherInit_ex2(ctx, cipher, key, NULL, encrypt, NULL) != 1) {
		EVP_CIPHER_CTX_free(ctx);
		ctx = NULL;
	}
	return ctx;
}

int cipher_new(const char *algorithm, const uint8_t *key, size_t key_len, struct cipher **ret)
{
	EVP_CIPHER *cipher = fetch(algorithm, key_len);
	struct cipher *c;

	if (!cipher)
		return diag_fail(DIAG_NOT_BUILT, ENOTSUP,
				 "there is no cipher \"%s\" with a key of %zu bytes", algorithm,
				 key_len);
	c = calloc(1, sizeof(*c));
	if (c) {
		c->encrypt = make(cipher, key, true);
		c->decrypt = make(cipher, key, false);
	}
	EVP_CIPHER_free(cipher);
	if (!c || !c->encrypt || !c->decrypt) {
		bool there = c;

		cipher_free(c);
		return there ? diag_fail(DIAG_INTERNAL, EINVAL, "OpenSSL refuses a key for %s",
					 algorithm)
			     : diag_no_memory();
	}
	*ret = c;
	return 0;
}

struct cipher *cipher_free(struct cipher *c)
{
	if (c) {
		EVP_CIPHER_CTX_free(c->encrypt); /* which wipes the schedules */
		EVP_CIPHER_CTX_free(c->decrypt);
		free(c);
	}
	return NULL;
}

void cipher_freep(struct cipher **c)
{
	cipher_free(*c);
}

static int run(EVP_CIPHER_CTX *ctx, const uint8_t *iv, const void *in, size_t len, void *out)
{
	int n = 0;

	if (len > INT_MAX || EVP_CipherInit_ex2(ctx, NULL, NULL, iv, -1, NULL) != 1 ||
	    EVP_CipherUpdate(ctx, out, &n, in, (int)len) != 1)
		return -EIO;
	return (size_t)n == len ? 0 : -EIO;
}

int cipher_encrypt(struct cipher *c, const uint8_t iv[static CIPHER_IV_BYTES], const void *in,
		   size_t len, void *out)
{
	return run(c->encrypt, iv, in, len, out);
}

int cipher_decrypt(struct cipher *c, const uint8_t iv[static CIPHER_IV_BYTES], const void *in,
		   size_t len, void *out)
{
	return run(c->decrypt, iv, in, len, out);
}

int cipher_cfb_encrypt(const uint8_t *key, size_t key_len, const void *in, size_t len, void *out)
{
	static const uint8_t zeroes[CIPHER_IV_BYTES];
	EVP_CIPHER *cipher =
	    EVP_CIPHER_fetch(NULL, key_len == 32 ? "AES-256-CFB" : "AES-128-CFB", NULL);
	EVP_CIPHER_CTX *ctx =
	    cipher && (key_len == 16 || key_len == 32) ? make(cipher, key, true) : NULL;
	int r = ctx ? run(ctx, zeroes, in, len, out) : -EIO;

	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(cipher);
	return r;
}

void cipher_iv_plain64(uint64_t sector, uint8_t ret[static CIPHER_IV_BYTES])
{
	memset(ret, 0, CIPHER_IV_BYTES);
	for (int i = 0; i < 8; i++)
		ret[i] = (uint8_t)(sector >> 8 * i);
}
