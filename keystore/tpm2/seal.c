/* SPDX-License-Identifier: Apache-2.0 */
/* The device secret: sealed under the storage key and a policy, and unsealed. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "keystore/tpm2/anchor.h"
#include "keystore/tpm2/error.h"
#include "keystore/tpm2/object.h"
#include "keystore/tpm2/policy.h"
#include "keystore/tpm2/remote.h"
#include "keystore/tpm2/seal.h"
#include "keystore/tpm2/session.h"
#include "keystore/tpm2/storage.h"

/* --- sealing --- */

int tpm2_seal(const struct keystore *k, struct keystore_session *s, struct env *env,
	      struct tpm2_blob *b, struct secret **ret)
{
	_cleanup_secret_ struct secret *secret = NULL, *effective = NULL;
	_cleanup_pin_ struct tpm2_pin_keys pin = {0};
	int r = secret_new(DEVICE_SECRET_BYTES, &secret);

	b->object = (TPM2B_PUBLIC){
	    .publicArea = {.type = TPM2_ALG_KEYEDHASH,
			   .nameAlg = TPM2_ALG_SHA256,
			   .objectAttributes =
			       (s->remote ? 0 : TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT) |
			       TPMA_OBJECT_ADMINWITHPOLICY | (b->pin.wanted ? 0 : TPMA_OBJECT_NODA),
			   .parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL}};
	b->srk = s->srk_name;
	if (r >= 0)
		r = env->random(secret_bytes(secret), DEVICE_SECRET_BYTES);
	if (r >= 0 && b->pin.wanted)
		r = env->random(b->pin.salt, sizeof(b->pin.salt));
	if (r >= 0 && b->pin.wanted)
		r = tpm2_pin_derive(k, env, &b->pin, true, &pin);
	if (r >= 0 && !tpm2_digest_seal(&b->boot, &b->counters, b->pin.wanted,
					&b->object.publicArea.authPolicy))
		r = diag_fail(DIAG_INTERNAL, EIO, "a digest cannot be computed");
	if (r >= 0)
		r = s->remote
			? tpm2_remote_create(s, env, b, secret, &pin.auth)
			: tpm2_object_create(s, s->srk, secret, &pin.auth, &b->object, &b->private);
	if (r >= 0 && b->pin.wanted)
		r = tpm2_pin_mix(&pin, secret, &effective);
	if (r < 0)
		return r;
	*ret = b->pin.wanted ? TAKE(effective) : TAKE(secret);
	return 0;
}

/* --- unsealing --- */

static int load(struct keystore_session *s, const struct tpm2_blob *b)
{
	TSS2_RC rc = tpm2_object_load(s, &b->object, &b->private, &b->seed);

	if (rc == TSS2_RC_SUCCESS)
		return 0;
	return tpm2_fail(rc, b->seed.size
				 ? "the secret that was sealed elsewhere cannot be imported"
				 : "the sealed secret cannot be loaded");
}

static int satisfy(struct keystore_session *s, const struct tpm2_blob *b, const char *path)
{
	TSS2_RC rc = TSS2_RC_SUCCESS;
	int r = tpm2_policy_session(s);

	if (r >= 0)
		r = tpm2_policy_boot(s, &b->boot, path);
	if (r >= 0)
		r = tpm2_policy_counter(s, TPM2_ROTATION, b->counters.rotation);
	if (r >= 0)
		r = tpm2_policy_counter(s, TPM2_ERASE, b->counters.erase);
	if (r >= 0 && b->pin.wanted)
		rc = Esys_PolicyAuthValue(s->esys, s->policy.tr, ESYS_TR_NONE, ESYS_TR_NONE,
					  ESYS_TR_NONE);
	if (r >= 0 && rc != TSS2_RC_SUCCESS)
		r = tpm2_fail(rc, "the PIN cannot be asked for");
	return r;
}

static int refused(const struct keystore *k, struct keystore_session *s, const struct tpm2_blob *b,
		   TSS2_RC rc)
{
	TSS2_RC code = tpm2_code(rc);

	if (b->pin.wanted && (code == TPM2_RC_AUTH_FAIL || code == TPM2_RC_LOCKOUT))
		return tpm2_pin_refused(s, k, rc);
	if (code == TPM2_RC_POLICY_FAIL || code == TPM2_RC_PCR_CHANGED)
		return diag_fail(DIAG_KEYSTORE_POLICY, EKEYREJECTED,
				 "the TPM keeps keystore %s sealed: PCRs or counters changed "
				 "in the meantime",
				 k->name);
	return tpm2_fail(rc, "the device secret cannot be unsealed");
}

static int take(const struct keystore *k, struct keystore_session *s, const struct tpm2_blob *b,
		struct secret **ret)
{
	_cleanup_secret_ struct secret *secret = NULL;
	TPM2B_SENSITIVE_DATA *data = NULL;
	TSS2_RC rc;
	int r = secret_new(DEVICE_SECRET_BYTES, &secret);

	if (r < 0)
		return r;
	rc = tpm2_object_unseal(s, &data);
	if (rc != TSS2_RC_SUCCESS)
		return refused(k, s, b, rc);
	if (data->size == DEVICE_SECRET_BYTES)
		memcpy(secret_bytes(secret), data->buffer, DEVICE_SECRET_BYTES);
	else
		r = tpm2_untrusted("what the TPM unsealed has %u bytes", data->size);
	explicit_bzero(data, sizeof(*data));
	Esys_Free(data);
	if (r >= 0)
		*ret = TAKE(secret);
	return r;
}

int tpm2_unseal(const struct keystore *k, struct keystore_session *s, struct env *env,
		const struct tpm2_blob *b, const char *path, struct secret **ret)
{
	_cleanup_secret_ struct secret *secret = NULL;
	_cleanup_pin_ struct tpm2_pin_keys pin = {0};
	int r = tpm2_storage_compare(k, s, &b->srk);

	if (r >= 0 && b->pin.wanted)
		r = tpm2_pin_derive(k, env, &b->pin, false, &pin);
	if (r >= 0)
		r = load(s, b);
	if (r >= 0)
		r = satisfy(s, b, path);
	if (r >= 0 && b->pin.wanted)
		Esys_TR_SetAuth(s->esys, s->object.tr, &pin.auth);
	if (r >= 0)
		r = take(k, s, b, &secret);
	tpm2_release(s, &s->object);
	tpm2_release(s, &s->policy);
	if (r < 0)
		return r;
	s->boot_seen = true;
	s->boot_policy = (TPM2B_DIGEST){0};
	if (b->boot.pcrs && !tpm2_digest_boot(&b->boot, &s->boot_policy))
		return diag_fail(DIAG_INTERNAL, EIO, "a digest cannot be computed");
	r = tpm2_anchor_compare(s);
	if (r >= 0 && b->pin.wanted)
		r = tpm2_pin_mix(&pin, secret, ret);
	else if (r >= 0)
		*ret = TAKE(secret);
	return r;
}
