/* SPDX-License-Identifier: Apache-2.0 */
/* HMAC by OpenSSL: the key is absorbed once, a message begins with a copy of that state. */
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "crypto/digest.h"
#include "crypto/mac.h"

struct mac {
	EVP_MAC_CTX *ctx;
	size_t bytes;
};

/* "hmac(sha256)" → "sha256", of which OpenSSL knows the kernel's name, too. */
static size_t hash_of(const char *algorithm, char ret[static 32])
{
	size_t len = strlen(algorithm);

	if (strncmp(algorithm, "hmac(", 5) != 0 || algorithm[len - 1] != ')' || len - 6 >= 32)
		return 0;
	memcpy(ret, algorithm + 5, len - 6);
	ret[len - 6] = '\0';
	return digest_bytes(ret);
}

size_t mac_bytes(const char *algorithm)
{
	char hash[32];

	return hash_of(algorithm, hash);
}

static int begin(struct mac *m, char *hash, const uint8_t *key, size_t key_len)
{
	const OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, hash, 0),
	    OSSL_PARAM_construct_end(),
	};
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	static const uint8_t none;

	m->ctx = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
	EVP_MAC_free(hmac);
	/* A NULL key would mean the last one. */
	return m->ctx && EVP_MAC_init(m->ctx, key_len ? key : &none, key_len, params) == 1 ? 0
											   : -EIO;
}

int mac_new(const char *algorithm, const uint8_t *key, size_t key_len, struct mac **ret)
{
	char hash[32];
	size_t bytes = hash_of(algorithm, hash);
	struct mac *m;

	if (!bytes)
		return diag_fail(DIAG_INTERNAL, ENOTSUP, "there is no MAC \"%s\"", algorithm);
	m = calloc(1, sizeof(*m));
	if (!m)
		return diag_no_memory();
	m->bytes = bytes;
	if (begin(m, hash, key, key_len) < 0) {
		mac_free(m);
		return diag_fail(DIAG_NOT_BUILT, ENOTSUP, "OpenSSL here has no MAC \"%s\"",
				 algorithm);
	}
	*ret = m;
	return 0;
}

struct mac *mac_free(struct mac *m)
{
	if (m) {
		EVP_MAC_CTX_free(m->ctx);
		free(m);
	}
	return NULL;
}

void mac_freep(struct mac **m)
{
	mac_free(*m);
}

int mac_add(struct mac *m, const void *bytes, size_t len)
{
	return EVP_MAC_update(m->ctx, bytes, len) == 1 ? 0 : -EIO;
}

int mac_finish(struct mac *m, uint8_t *ret)
{
	size_t len;

	return EVP_MAC_final(m->ctx, ret, &len, m->bytes) == 1 && len == m->bytes &&
		       EVP_MAC_init(m->ctx, NULL, 0, NULL) == 1
		   ? 0
		   : -EIO;
}

int mac_run(struct mac *m, const struct mac_piece *pieces, size_t n, uint8_t *ret)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = mac_add(m, pieces[i].bytes, pieces[i].len);
	return r < 0 ? r : mac_finish(m, ret);
}
