/* SPDX-License-Identifier: Apache-2.0 */
/* Authenticated encryption: a row for each algorithm; contexts stay keyed, a sector brings its IV.
 */
#include <errno.h>
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/secret.h"
#include "crypto/aead.h"
#include "crypto/aegis128.h"
#include "crypto/cipher.h"
#include "crypto/digest.h"
#include "crypto/mac.h"

/* Lengths that all messages of a call have. */
struct lengths {
	size_t ad, text;
};

/* An algorithm with one length of key. */
struct aead_kind {
	const char *algorithm;
	const char *openssl; /* its name there, for those that are all OpenSSL's */
	size_t key_len;
	size_t iv_bytes;
	size_t tag_bytes;
	int (*init)(struct aead *a, const uint8_t *key); /* 0 or -errno; speaks */
	/* Of @n messages, the first ones: as many as it likes to do at once. Their number or -EIO;
	 * decrypt: where it does not authenticate, out holds anything. */
	int (*encrypt)(struct aead *a, const struct aead_message *m, size_t n, struct lengths len);
	int (*decrypt)(struct aead *a, const struct aead_message *m, size_t n, struct lengths len,
		       bool *ret_good);
};

struct aead {
	const struct aead_kind *kind;
	struct secret *key; /* of AEGIS, which has no schedule */
	const struct aegis128_variant *one, *several;
	EVP_CIPHER_CTX *enc, *dec; /* GCM, ChaCha20: keyed for one direction each */
	struct cipher *cipher;     /* XTS with HMAC */
	struct mac *mac;
};

/* --- AEGIS-128: ours --- */

static int aegis_init(struct aead *a, const uint8_t *key)
{
	int r = secret_new(AEGIS128_KEY_BYTES, &a->key);

	if (r < 0)
		return r;
	memcpy(secret_bytes(a->key), key, AEGIS128_KEY_BYTES);
	a->one = aegis128_best(1);
	a->several = aegis128_best(AEGIS128_LANES_MAX);
	return 0;
}

static const struct aegis128_variant *aegis_choose(const struct aead *a, size_t n)
{
	return n >= a->several->lanes ? a->several : a->one;
}

static int aegis_encrypt(struct aead *a, const struct aead_message *m, size_t n, struct lengths len)
{
	const struct aegis128_variant *v = aegis_choose(a, n);
	struct aegis128_message lane[AEGIS128_LANES_MAX];

	for (unsigned i = 0; i < v->lanes; i++)
		lane[i] = (struct aegis128_message){m[i].iv, m[i].ad, m[i].in, m[i].out, m[i].tag};
	v->encrypt(secret_bytes(a->key), lane, len.ad, len.text);
	return (int)v->lanes;
}

static int aegis_decrypt(struct aead *a, const struct aead_message *m, size_t n, struct lengths len,
			 bool *ret_good)
{
	const struct aegis128_variant *v = aegis_choose(a, n);
	struct aegis128_message lane[AEGIS128_LANES_MAX];
	uint8_t tag[AEGIS128_LANES_MAX][AEGIS128_TAG_BYTES];

	for (unsigned i = 0; i < v->lanes; i++)
		lane[i] = (struct aegis128_message){m[i].iv, m[i].ad, m[i].in, m[i].out, tag[i]};
	v->decrypt(secret_bytes(a->key), lane, len.ad, len.text);
	for (unsigned i = 0; i < v->lanes; i++)
		ret_good[i] = digest_equal(tag[i], m[i].tag, AEGIS128_TAG_BYTES);
	return (int)v->lanes;
}

/* --- GCM and ChaCha20-Poly1305: OpenSSL's --- */

static EVP_CIPHER_CTX *keyed(EVP_CIPHER *cipher, const uint8_t *key, int encrypt)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	if (ctx && EVP_CipherInit_ex2(ctx, cipher, key, NULL, encrypt, NULL) != 1) {
		EVP_CIPHER_CTX_free(ctx);
		ctx = NULL;
	}
	return ctx;
}

static int evp_init(struct aead *a, const uint8_t *key)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, a->kind->openssl, NULL);
	int r;

	if (!cipher) {
		r = diag_fail(DIAG_NOT_BUILT, ENOTSUP, "OpenSSL here has no %s", a->kind->openssl);
		diag_next("choose another cipher, or an OpenSSL provider that has it");
		return r;
	}
	a->enc = keyed(cipher, key, 1);
	a->dec = keyed(cipher, key, 0);
	EVP_CIPHER_free(cipher);
	return a->enc && a->dec ? 0 : diag_no_memory();
}

/* Passes IV, associated data and message; only the tag is left. */
static bool evp_run(EVP_CIPHER_CTX *ctx, const struct aead_message *m, struct lengths len,
		    const OSSL_PARAM *params)
{
	int n = 0;

	return len.text <= INT_MAX && len.ad <= INT_MAX &&
	       EVP_CipherInit_ex2(ctx, NULL, NULL, m->iv, -1, params) == 1 &&
	       (!len.ad || EVP_CipherUpdate(ctx, NULL, &n, m->ad, (int)len.ad) == 1) &&
	       (!len.text || (EVP_CipherUpdate(ctx, m->out, &n, m->in, (int)len.text) == 1 &&
			      (size_t)n == len.text));
}

static int evp_encrypt(struct aead *a, const struct aead_message *m, size_t n, struct lengths len)
{
	OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, m->tag,
					      a->kind->tag_bytes),
	    OSSL_PARAM_construct_end(),
	};
	uint8_t none[16];
	int rest;

	return evp_run(a->enc, m, len, NULL) && EVP_CipherFinal_ex(a->enc, none, &rest) == 1 &&
		       rest == 0 && EVP_CIPHER_CTX_get_params(a->enc, params) == 1
		   ? 1
		   : -EIO;
}

static int evp_decrypt(struct aead *a, const struct aead_message *m, size_t n, struct lengths len,
		       bool *ret_good)
{
	const OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, m->tag,
					      a->kind->tag_bytes),
	    OSSL_PARAM_construct_end(),
	};
	uint8_t none[16];
	int rest;

	if (!evp_run(a->dec, m, len, params))
		return -EIO;
	/* Only a wrong tag makes it fail. */
	*ret_good = EVP_CipherFinal_ex(a->dec, none, &rest) == 1;
	return 1;
}

/* --- AES-XTS, then HMAC over associated data and ciphertext: the kernel's authenc() --- */

#define AUTHENC_MAC_KEY 32

static int authenc_init(struct aead *a, const uint8_t *key)
{
	size_t cipher_len = a->kind->key_len - AUTHENC_MAC_KEY;
	int r = cipher_new("aes-xts", key, cipher_len, &a->cipher);

	return r < 0 ? r : mac_new("hmac(sha256)", key + cipher_len, AUTHENC_MAC_KEY, &a->mac);
}

static int authenc_mac(struct aead *a, const struct aead_message *m, struct lengths len,
		       const void *ciphertext, uint8_t *ret)
{
	const struct mac_piece pieces[] = {{m->ad, len.ad}, {ciphertext, len.text}};

	return mac_run(a->mac, pieces, 2, ret);
}

static int authenc_encrypt(struct aead *a, const struct aead_message *m, size_t n,
			   struct lengths len)
{
	int r = cipher_encrypt(a->cipher, m->iv, m->in, len.text, m->out);

	if (r >= 0)
		r = authenc_mac(a, m, len, m->out, m->tag);
	return r < 0 ? r : 1;
}

static int authenc_decrypt(struct aead *a, const struct aead_message *m, size_t n,
			   struct lengths len, bool *ret_good)
{
	uint8_t computed[AEAD_TAG_MAX];
	int r = authenc_mac(a, m, len, m->in, computed);

	*ret_good = r >= 0 && digest_equal(computed, m->tag, a->kind->tag_bytes);
	if (*ret_good)
		r = cipher_decrypt(a->cipher, m->iv, m->in, len.text, m->out);
	return r < 0 ? r : 1;
}

/* --- all of them --- */

static const struct aead_kind kinds[] = {
    {"aegis128", NULL, 16, 16, 16, aegis_init, aegis_encrypt, aegis_decrypt},
    {"aes-gcm", "AES-128-GCM", 16, 12, 16, evp_init, evp_encrypt, evp_decrypt},
    {"aes-gcm", "AES-256-GCM", 32, 12, 16, evp_init, evp_encrypt, evp_decrypt},
    {"chacha20-poly1305", "ChaCha20-Poly1305", 32, 12, 16, evp_init, evp_encrypt, evp_decrypt},
    {"authenc(hmac(sha256),xts(aes))", NULL, 64, 16, 32, authenc_init, authenc_encrypt,
     authenc_decrypt},
    {"authenc(hmac(sha256),xts(aes))", NULL, 96, 16, 32, authenc_init, authenc_encrypt,
     authenc_decrypt},
};

static const struct aead_kind *find(const char *algorithm, size_t key_len)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].algorithm, algorithm) == 0 && kinds[i].key_len == key_len)
			return &kinds[i];
	}
	return NULL;
}

int aead_new(const char *algorithm, const uint8_t *key, size_t key_len, struct aead **ret)
{
	const struct aead_kind *kind = find(algorithm, key_len);
	struct aead *a;
	int r;

	if (!kind)
		return diag_fail(DIAG_INTERNAL, ENOTSUP,
				 "there is no authenticated cipher \"%s\" with a key of %zu bytes",
				 algorithm, key_len);
	a = calloc(1, sizeof(*a));
	if (!a)
		return diag_no_memory();
	a->kind = kind;
	r = kind->init(a, key);
	if (r < 0) {
		aead_free(a);
		return r;
	}
	*ret = a;
	return 0;
}

struct aead *aead_free(struct aead *a)
{
	if (a) {
		secret_free(a->key);
		EVP_CIPHER_CTX_free(a->enc); /* which wipes the schedules */
		EVP_CIPHER_CTX_free(a->dec);
		cipher_free(a->cipher);
		mac_free(a->mac);
		free(a);
	}
	return NULL;
}

void aead_freep(struct aead **a)
{
	aead_free(*a);
}

size_t aead_iv_bytes(const struct aead *a)
{
	return a->kind->iv_bytes;
}

size_t aead_tag_bytes(const struct aead *a)
{
	return a->kind->tag_bytes;
}

int aead_encrypt_many(struct aead *a, const struct aead_message *m, size_t n, size_t ad_len,
		      size_t len)
{
	int r = 0;

	for (size_t i = 0; i < n && r >= 0; i += (size_t)r)
		r = a->kind->encrypt(a, m + i, n - i, (struct lengths){ad_len, len});
	return r < 0 ? r : 0;
}

int aead_decrypt_many(struct aead *a, const struct aead_message *m, size_t n, size_t ad_len,
		      size_t len, bool *ret_good)
{
	int r = 0;

	memset(ret_good, 0, n * sizeof(*ret_good));
	for (size_t i = 0; i < n && r >= 0; i += (size_t)r)
		r = a->kind->decrypt(a, m + i, n - i, (struct lengths){ad_len, len}, ret_good + i);
	for (size_t i = 0; i < n; i++) {
		if (r < 0 || !ret_good[i])
			memset(m[i].out, 0, len);
	}
	return r < 0 ? r : 0;
}

int aead_encrypt(struct aead *a, const uint8_t *iv, const void *ad, size_t ad_len, const void *in,
		 size_t len, void *out, uint8_t *ret_tag)
{
	const struct aead_message m = {iv, ad, in, out, ret_tag};

	return aead_encrypt_many(a, &m, 1, ad_len, len);
}

int aead_decrypt(struct aead *a, const uint8_t *iv, const void *ad, size_t ad_len, const void *in,
		 size_t len, void *out, const uint8_t *tag)
{
	uint8_t expected[AEAD_TAG_MAX];
	const struct aead_message m = {iv, ad, in, out, expected};
	bool good;
	int r;

	memcpy(expected, tag, a->kind->tag_bytes);
	r = aead_decrypt_many(a, &m, 1, ad_len, len, &good);
	if (r < 0)
		return r;
	return good ? 0 : -EBADMSG;
}
