/* SPDX-License-Identifier: Apache-2.0 */
/* ECDH on P-256 by OpenSSL. */
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "crypto/ecdh.h"

#define POINT_BYTES (1 + 2 * P256_BYTES) /* uncompressed: 4, x, y */

static EVP_PKEY *load_peer(const struct p256_point *peer)
{
	uint8_t point[POINT_BYTES] = {4};
	char group[] = "P-256";
	OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
	    OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)),
	    OSSL_PARAM_construct_end(),
	};
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *key = NULL;

	memcpy(point + 1, peer->x, P256_BYTES);
	memcpy(point + 1 + P256_BYTES, peer->y, P256_BYTES);
	if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static int public_point(const EVP_PKEY *key, struct p256_point *ret)
{
	uint8_t point[POINT_BYTES];
	size_t len = 0;

	if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, point,
					    sizeof(point), &len) != 1 ||
	    len != POINT_BYTES || point[0] != 4)
		return -EIO;
	memcpy(ret->x, point + 1, P256_BYTES);
	memcpy(ret->y, point + 1 + P256_BYTES, P256_BYTES);
	return 0;
}

static int agree(EVP_PKEY *own, EVP_PKEY *peer, struct secret *shared)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
	size_t len = secret_len(shared);
	int ok = ctx && EVP_PKEY_derive_init(ctx) == 1 &&
		 EVP_PKEY_derive_set_peer(ctx, peer) == 1 &&
		 EVP_PKEY_derive(ctx, secret_bytes(shared), &len) == 1 && len == P256_BYTES;

	EVP_PKEY_CTX_free(ctx);
	return ok ? 0 : -EIO;
}

int ecdh_p256(const struct p256_point *peer, struct p256_point *ret_own, struct secret **ret_shared)
{
	EVP_PKEY *theirs = load_peer(peer), *own = NULL;
	_cleanup_secret_ struct secret *shared = NULL;
	struct p256_point point;
	int r;

	if (!theirs)
		return diag_fail(DIAG_DAMAGED, EINVAL, "a public key is not on the curve P-256");
	r = secret_new(P256_BYTES, &shared);
	own = r < 0 ? NULL : EVP_EC_gen("P-256");
	if (r >= 0 && (!own || public_point(own, &point) < 0 || agree(own, theirs, shared) < 0))
		r = diag_fail(DIAG_INTERNAL, EIO, "OpenSSL's ECDH failed");
	EVP_PKEY_free(own);
	EVP_PKEY_free(theirs);
	if (r < 0)
		return r;
	*ret_own = point;
	*ret_shared = TAKE(shared);
	return 0;
}
