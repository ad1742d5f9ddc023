/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes by OpenSSL; equal blocks with a common salt absorb the salt once. */
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "crypto/digest.h"

/* The kernel's names and OpenSSL's. */
static const struct {
	const char *name, *openssl;
	size_t bytes;
} algorithms[] = {
    {"sha256", "SHA2-256", 32},
    {"sha512", "SHA2-512", 64},
    {"sha1", "SHA1", 20},
    {"sha224", "SHA2-224", 28},
    {"sha384", "SHA2-384", 48},
    {"sha3-256", "SHA3-256", 32},
    {"sha3-512", "SHA3-512", 64},
    {"blake2b-512", "BLAKE2B-512", 64},
    {"blake2s-256", "BLAKE2S-256", 32},
};

struct digest {
	EVP_MD *md;
	EVP_MD_CTX *ctx;
};

static int find(const char *algorithm)
{
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
		if (strcmp(algorithms[i].name, algorithm) == 0)
			return (int)i;
	}
	return -1;
}

size_t digest_bytes(const char *algorithm)
{
	int i = find(algorithm);

	return i < 0 ? 0 : algorithms[i].bytes;
}

static EVP_MD *fetch(const char *algorithm)
{
	int i = find(algorithm);

	return i < 0 ? NULL : EVP_MD_fetch(NULL, algorithms[i].openssl, NULL);
}

static int no_digest(const char *algorithm)
{
	int r;

	if (find(algorithm) < 0)
		return diag_fail(DIAG_INTERNAL, ENOTSUP, "there is no hash \"%s\"", algorithm);
	r = diag_fail(DIAG_NOT_BUILT, ENOTSUP, "OpenSSL here has no hash \"%s\"", algorithm);
	diag_next("choose another hash, or an OpenSSL provider that has it");
	return r;
}

int digest_new(const char *algorithm, struct digest **ret)
{
	struct digest *d = calloc(1, sizeof(*d));

	if (!d)
		return diag_no_memory();
	d->md = fetch(algorithm);
	d->ctx = EVP_MD_CTX_new();
	if (!d->md || !d->ctx || digest_reset(d) < 0) {
		bool found = d->md;

		digest_free(d);
		return found ? diag_no_memory() : no_digest(algorithm);
	}
	*ret = d;
	return 0;
}

struct digest *digest_free(struct digest *d)
{
	if (d) {
		EVP_MD_CTX_free(d->ctx);
		EVP_MD_free(d->md);
		free(d);
	}
	return NULL;
}

void digest_freep(struct digest **d)
{
	digest_free(*d);
}

int digest_reset(struct digest *d)
{
	return EVP_DigestInit_ex2(d->ctx, d->md, NULL) == 1 ? 0 : -EIO;
}

int digest_add(struct digest *d, const void *bytes, size_t len)
{
	return EVP_DigestUpdate(d->ctx, bytes, len) == 1 ? 0 : -EIO;
}

int digest_finish(struct digest *d, uint8_t *ret)
{
	return EVP_DigestFinal_ex(d->ctx, ret, NULL) == 1 ? 0 : -EIO;
}

int digest_sha256(const void *bytes, size_t len, uint8_t ret[static 32])
{
	size_t n = 32;

	if (EVP_Q_digest(NULL, "SHA2-256", NULL, bytes, len, ret, &n) != 1)
		return no_digest("sha256");
	return 0;
}

struct block_digest {
	EVP_MD *md;
	EVP_MD_CTX *begun; /* has absorbed what comes first */
	EVP_MD_CTX *ctx;
	uint8_t *last; /* salt that comes after the block, or NULL */
	size_t last_len;
};

static int prepare(struct block_digest *d, const uint8_t *salt, size_t salt_len, bool salt_first)
{
	if (EVP_DigestInit_ex2(d->begun, d->md, NULL) != 1)
		return -EIO;
	if (salt_first)
		return EVP_DigestUpdate(d->begun, salt, salt_len) == 1 ? 0 : -EIO;
	d->last = malloc(salt_len ? salt_len : 1);
	if (!d->last)
		return -ENOMEM;
	if (salt_len)
		memcpy(d->last, salt, salt_len);
	d->last_len = salt_len;
	return 0;
}

int block_digest_new(const char *algorithm, const uint8_t *salt, size_t salt_len, bool salt_first,
		     struct block_digest **ret)
{
	struct block_digest *d = calloc(1, sizeof(*d));

	if (!d)
		return diag_no_memory();
	d->md = fetch(algorithm);
	d->begun = EVP_MD_CTX_new();
	d->ctx = EVP_MD_CTX_new();
	if (!d->md || !d->begun || !d->ctx || prepare(d, salt, salt_len, salt_first) < 0) {
		bool found = d->md;

		block_digest_free(d);
		return found ? diag_no_memory() : no_digest(algorithm);
	}
	*ret = d;
	return 0;
}

struct block_digest *block_digest_free(struct block_digest *d)
{
	if (d) {
		EVP_MD_CTX_free(d->begun);
		EVP_MD_CTX_free(d->ctx);
		EVP_MD_free(d->md);
		free(d->last);
		free(d);
	}
	return NULL;
}

int block_digest_run(struct block_digest *d, const uint8_t *blocks, size_t block_bytes, size_t n,
		     uint8_t *ret, size_t stride)
{
	for (size_t i = 0; i < n; i++) {
		if (EVP_MD_CTX_copy_ex(d->ctx, d->begun) != 1 ||
		    EVP_DigestUpdate(d->ctx, blocks + i * block_bytes, block_bytes) != 1 ||
		    (d->last_len && EVP_DigestUpdate(d->ctx, d->last, d->last_len) != 1) ||
		    EVP_DigestFinal_ex(d->ctx, ret + i * stride, NULL) != 1)
			return -EIO;
	}
	return 0;
}

bool digest_equal(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}
