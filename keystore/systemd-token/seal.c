/* SPDX-License-Identifier: Apache-2.0 */
/* A token by which systemd-cryptsetup opens a volume: sealed as systemd-cryptenroll does it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "keystore/systemd-token/private.h"

/* Revoking is by what the signature is for, and systemd looks for signatures for nothing. */
static int check(const struct keystore *k)
{
	char at[WHERE_SIZE];
	int r;

	if (!tpm2_wants_version(k))
		return 0;
	r = diag_fail(
	    DIAG_LAYOUT_VALUE, EINVAL,
	    "%skeystore \"%s\": systemd-token and pcr-version exclude each other: systemd "
	    "opens for every signature, also those that pcr-version revokes",
	    where_text(&k->where, at), k->name);
	diag_next("leave pcr-version or systemd-token out");
	return r;
}

static int pin_auth(const struct keystore *k, struct env *env, TPM2B_AUTH *ret)
{
	_cleanup_secret_ struct secret *pin = NULL;
	int r = tpm2_pin_ask(k, env, true, &pin);

	return r < 0 ? r : systemd_tpm2_auth(pin, ret);
}

/* systemd writes the usual exponent out where the TCG has 0 for it, so the key has another name
 * there. */
static void name_key_as_systemd(struct tpm2_boot *b)
{
	UINT32 *exponent = &b->key.publicArea.parameters.rsaDetail.exponent;

	if (b->is_signed && !*exponent)
		*exponent = SYSTEMD_RSA_EXPONENT;
}

/* @ret gets TPM2B_PRIVATE and TPM2B_PUBLIC, one behind the other. */
static int create(struct keystore_session *s, const TPM2B_DIGEST *policy, const TPM2B_AUTH *auth,
		  const struct secret *secret, struct tpm2_token_bytes *ret)
{
	TPM2B_PUBLIC public = {
	    .publicArea = {.type = TPM2_ALG_KEYEDHASH,
			   .nameAlg = TPM2_ALG_SHA256,
			   .objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
					       (auth->size ? 0 : TPMA_OBJECT_NODA),
			   .authPolicy = *policy,
			   .parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL}};
	TPM2B_PRIVATE private;
	int r = tpm2_create(s, s->primary.tr, secret, auth, &public, &private);

	if (r < 0)
		return r;
	if (Tss2_MU_TPM2B_PRIVATE_Marshal(&private, ret->bytes, TPM2_TOKEN_BLOB, &ret->len) ||
	    Tss2_MU_TPM2B_PUBLIC_Marshal(&public, ret->bytes, TPM2_TOKEN_BLOB, &ret->len))
		return diag_fail(DIAG_INTERNAL, EIO, "what was sealed cannot be written down");
	return 0;
}

static int set_bytes(struct tpm2_token_bytes *to, const void *bytes, size_t len)
{
	if (len > sizeof(to->bytes))
		return diag_fail(DIAG_SOURCE, EFBIG,
				 "the PCR policy's key is too long for a token");
	memcpy(to->bytes, bytes, len);
	to->len = len;
	return 0;
}

/* What of the boot the token tells. */
static int describe_boot(const struct keystore *k, const struct tpm2_boot *b, struct tpm2_token *t)
{
	_cleanup_text_ struct text pem = {0};
	int r;

	if (b->pcrs)
		snprintf(t->bank, sizeof(t->bank), "%s", tpm2_bank_name(b->bank));
	if (!b->is_signed) {
		t->pcrs = b->pcrs;
		return 0;
	}
	t->pubkey_pcrs = b->pcrs;
	r = tpm2_signature_pem(tpm2_public_key_path(k), &pem);
	return r < 0 ? r : set_bytes(&t->pubkey, pem.s, pem.len);
}

static int seal(const struct keystore *k, struct keystore_session *s, struct env *env,
		const struct secret *secret, unsigned keyslot, struct text *ret)
{
	_cleanup_free_ struct tpm2_token *t = calloc(1, sizeof(*t));
	TPM2B_DIGEST policy;
	TPM2B_AUTH auth = {0};
	struct tpm2_boot boot;
	int r = t ? 0 : diag_no_memory();

	if (r < 0 || s->remote) /* the first opening does it, where the TPM is */
		return r;
	r = tpm2_boot_now(k, s, &boot);
	if (r >= 0)
		name_key_as_systemd(&boot);
	if (r >= 0 && tpm2_wants_pin(k))
		r = pin_auth(k, env, &auth);
	if (r >= 0 && !tpm2_digest_systemd(&boot, tpm2_wants_pin(k), &policy))
		r = diag_fail(DIAG_INTERNAL, EIO, "a digest cannot be computed");
	if (r >= 0)
		r = systemd_tpm2_primary(s);
	if (r >= 0)
		r = create(s, &policy, &auth, secret, &t->blob[0]);
	tpm2_release(s, &s->primary);
	explicit_bzero(&auth, sizeof(auth));
	if (r >= 0)
		r = set_bytes(&t->policy[0], policy.buffer, policy.size);
	if (r >= 0)
		r = describe_boot(k, &boot, t);
	if (r < 0)
		return r;
	t->keyslot = keyslot;
	t->shards = t->policies = 1;
	t->pin = tpm2_wants_pin(k);
	memcpy(t->primary, "ecc", sizeof("ecc"));
	tpm2_token_encode(t, ret);
	return ret->failed ? diag_no_memory() : 0;
}

const struct keystore_systemd_ops tpm2_systemd = {.check = check, .seal = seal};
