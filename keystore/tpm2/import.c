/* SPDX-License-Identifier: Apache-2.0 */
/* A sealed object for a TPM that is elsewhere: what TPM2_Duplicate would give, made in software. */
#include <errno.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/endian.h"
#include "crypto/cipher.h"
#include "crypto/digest.h"
#include "crypto/ecdh.h"
#include "crypto/mac.h"
#include "keystore/tpm2/import.h"
#include "keystore/tpm2/name.h"

#define SHA256  32
#define AES_KEY 16

static int failed(void)
{
	return diag_fail(DIAG_INTERNAL, EIO, "an object cannot be wrapped for another TPM");
}

/* Part 1, 11.4.10.2. One block of SHA-256 is enough for all callers here. */
static int kdfa(const uint8_t *key, size_t key_len, const char *label, const void *context,
		size_t context_len, uint8_t *ret, size_t ret_len)
{
	const be32_t counter = be32_make(1), bits = be32_make((uint32_t)ret_len * 8);
	const struct mac_piece pieces[] = {{&counter, sizeof(counter)},
					   {label, strlen(label) + 1},
					   {context, context_len},
					   {&bits, sizeof(bits)}};
	_cleanup_mac_ struct mac *m = NULL;
	uint8_t block[SHA256];
	int r = mac_new("hmac(sha256)", key, key_len, &m);

	if (r >= 0 && mac_run(m, pieces, 4, block) < 0)
		r = failed();
	if (r >= 0)
		memcpy(ret, block, ret_len);
	explicit_bzero(block, sizeof(block));
	return r;
}

/* Part 1, 11.4.10.3: derives the seed from the shared point. */
static int kdfe(const struct secret *z, const char *label, const struct p256_point *ephemeral,
		const TPMT_PUBLIC *parent, uint8_t ret[static SHA256])
{
	const be32_t counter = be32_make(1);
	_cleanup_digest_ struct digest *d = NULL;
	int r = digest_new("sha256", &d);

	if (r < 0)
		return r;
	if (digest_add(d, &counter, sizeof(counter)) < 0 ||
	    digest_add(d, secret_bytes(z), secret_len(z)) < 0 ||
	    digest_add(d, label, strlen(label) + 1) < 0 ||
	    digest_add(d, ephemeral->x, P256_BYTES) < 0 ||
	    digest_add(d, parent->unique.ecc.x.buffer, P256_BYTES) < 0 || digest_finish(d, ret) < 0)
		return failed();
	return 0;
}

/* Makes a seed, and encrypts it for @parent. */
static int make_seed(const TPMT_PUBLIC *parent, struct secret *seed, TPM2B_ENCRYPTED_SECRET *ret)
{
	_cleanup_secret_ struct secret *z = NULL;
	struct p256_point theirs, own;
	TPM2B_ECC_POINT point = {0};
	TPMS_ECC_POINT *p = &point.point;
	size_t at = 0;
	int r;

	if (parent->type != TPM2_ALG_ECC || parent->nameAlg != TPM2_ALG_SHA256 ||
	    parent->parameters.eccDetail.curveID != TPM2_ECC_NIST_P256 ||
	    parent->parameters.eccDetail.symmetric.algorithm != TPM2_ALG_AES ||
	    parent->parameters.eccDetail.symmetric.keyBits.aes != AES_KEY * 8 ||
	    parent->unique.ecc.x.size != P256_BYTES || parent->unique.ecc.y.size != P256_BYTES)
		return diag_fail(DIAG_USAGE, EINVAL,
				 "the storage key is not one with P-256, SHA-256 and AES-128");
	memcpy(theirs.x, parent->unique.ecc.x.buffer, P256_BYTES);
	memcpy(theirs.y, parent->unique.ecc.y.buffer, P256_BYTES);
	r = ecdh_p256(&theirs, &own, &z);
	if (r >= 0)
		r = kdfe(z, "DUPLICATE", &own, parent, secret_bytes(seed));
	if (r < 0)
		return r;
	p->x.size = p->y.size = P256_BYTES;
	memcpy(p->x.buffer, own.x, P256_BYTES);
	memcpy(p->y.buffer, own.y, P256_BYTES);
	if (Tss2_MU_TPMS_ECC_POINT_Marshal(p, ret->secret, sizeof(ret->secret), &at) !=
	    TSS2_RC_SUCCESS)
		return failed();
	ret->size = (UINT16)at;
	return 0;
}

/* Makes the sensitive area, in memory that is wiped, and the unique field from its seed. */
static int make_sensitive(const struct secret *data, const struct secret *auth,
			  int (*random)(void *buf, size_t len), TPMT_PUBLIC *object,
			  struct secret *bytes, size_t *ret_len)
{
	_cleanup_secret_ struct secret *area = NULL;
	_cleanup_digest_ struct digest *d = NULL;
	TPM2B_SENSITIVE *s;
	TPMT_SENSITIVE *t;
	int r = secret_new(sizeof(*s), &area);

	if (r >= 0)
		r = digest_new("sha256", &d);
	if (r < 0)
		return r;
	s = (TPM2B_SENSITIVE *)secret_bytes(area);
	t = &s->sensitiveArea;
	t->sensitiveType = TPM2_ALG_KEYEDHASH;
	if (auth) {
		t->authValue.size = (UINT16)secret_len(auth);
		memcpy(t->authValue.buffer, secret_bytes(auth), secret_len(auth));
	}
	t->seedValue.size = SHA256;
	t->sensitive.bits.size = (UINT16)secret_len(data);
	memcpy(t->sensitive.bits.buffer, secret_bytes(data), secret_len(data));
	r = random(t->seedValue.buffer, SHA256);
	if (r < 0)
		return r;
	object->unique.keyedHash.size = SHA256;
	if (digest_add(d, t->seedValue.buffer, SHA256) < 0 ||
	    digest_add(d, secret_bytes(data), secret_len(data)) < 0 ||
	    digest_finish(d, object->unique.keyedHash.buffer) < 0 ||
	    Tss2_MU_TPM2B_SENSITIVE_Marshal(s, secret_bytes(bytes), secret_len(bytes), ret_len) !=
		TSS2_RC_SUCCESS)
		return failed();
	return 0;
}

/* The HMAC over ciphertext and name, then the ciphertext. */
static int wrap(const struct secret *seed, const TPM2B_NAME *name, const uint8_t *plain, size_t len,
		TPM2B_PRIVATE *ret)
{
	const be16_t mac_len = be16_make(SHA256);
	uint8_t *mac = ret->buffer + sizeof(mac_len), *out = mac + SHA256;
	const struct mac_piece pieces[] = {{out, len}, {name->name, name->size}};
	_cleanup_secret_ struct secret *keys = NULL;
	_cleanup_mac_ struct mac *m = NULL;
	uint8_t *aes, *hmac;
	int r = secret_new(AES_KEY + SHA256, &keys);

	if (r < 0)
		return r;
	aes = secret_bytes(keys);
	hmac = aes + AES_KEY;
	if (sizeof(mac_len) + SHA256 + len > sizeof(ret->buffer))
		return failed();
	r = kdfa(secret_bytes(seed), SHA256, "STORAGE", name->name, name->size, aes, AES_KEY);
	if (r >= 0)
		r = kdfa(secret_bytes(seed), SHA256, "INTEGRITY", NULL, 0, hmac, SHA256);
	if (r >= 0)
		r = mac_new("hmac(sha256)", hmac, SHA256, &m);
	if (r < 0)
		return r;
	memcpy(ret->buffer, &mac_len, sizeof(mac_len));
	if (cipher_cfb_encrypt(aes, AES_KEY, plain, len, out) < 0 || mac_run(m, pieces, 2, mac) < 0)
		return failed();
	ret->size = (UINT16)(sizeof(mac_len) + SHA256 + len);
	return 0;
}

int tpm2_import_make(const TPM2B_PUBLIC *parent, TPM2B_PUBLIC *object, const struct secret *data,
		     const struct secret *auth, int (*random)(void *buf, size_t len),
		     TPM2B_PRIVATE *ret_duplicate, TPM2B_ENCRYPTED_SECRET *ret_seed)
{
	_cleanup_secret_ struct secret *seed = NULL, *sensitive = NULL;
	TPM2B_ENCRYPTED_SECRET encrypted = {0};
	TPM2B_PRIVATE duplicate = {0};
	TPM2B_NAME name;
	size_t len = 0;
	int r = secret_new(SHA256, &seed);

	if (r >= 0)
		r = secret_new(sizeof(TPM2B_SENSITIVE), &sensitive);
	if (r >= 0)
		r = make_seed(&parent->publicArea, seed, &encrypted);
	if (r >= 0)
		r = make_sensitive(data, auth, random, &object->publicArea, sensitive, &len);
	if (r >= 0 && !tpm2_object_name(object, &name))
		r = failed();
	if (r >= 0)
		r = wrap(seed, &name, secret_bytes(sensitive), len, &duplicate);
	if (r < 0)
		return r;
	*ret_duplicate = duplicate;
	*ret_seed = encrypted;
	return 0;
}
