/* SPDX-License-Identifier: Apache-2.0 */
/* What systemd-cryptenroll sealed: primary key, policy, secret, keyslot. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "crypto/digest.h"
#include "keystore/systemd-tpm2.h"
#include "keystore/tpm2-private.h"
#include "soft/luks2-token.h"
#include "soft/luks2.h"

#define SECRET_MAX 128
#define TOKENS_MAX 32 /* LUKS2 on-disk format specification, 3.4 */

/* systemd 252's primary_template_ecc: made anew every time, in the owner hierarchy. */
int tpm2_systemd_primary(struct keystore_session *s)
{
	const TPM2B_PUBLIC template = {
	    .publicArea =
		{
		    .type = TPM2_ALG_ECC,
		    .nameAlg = TPM2_ALG_SHA256,
		    .objectAttributes = TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT |
					TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
					TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH,
		    .parameters.eccDetail = {.symmetric = {.algorithm = TPM2_ALG_AES,
							   .keyBits.aes = 128,
							   .mode.aes = TPM2_ALG_CFB},
					     .scheme.scheme = TPM2_ALG_NULL,
					     .curveID = TPM2_ECC_NIST_P256,
					     .kdf.scheme = TPM2_ALG_NULL},
		},
	};
	const TPM2B_SENSITIVE_CREATE none = {0};
	const TPML_PCR_SELECTION no_pcrs = {0};
	const TPM2B_DATA no_data = {0};
	ESYS_TR tr = ESYS_TR_NONE;
	TSS2_RC rc = Esys_CreatePrimary(s->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE,
					ESYS_TR_NONE, &none, &template, &no_data, &no_pcrs, &tr,
					NULL, NULL, NULL, NULL);

	if (rc != TSS2_RC_SUCCESS)
		return tpm2_fail(rc, "systemd's primary key cannot be made");
	tpm2_hold(s, &s->primary, tr);
	return 0;
}

static int load(struct keystore_session *s, const struct tpm2_token *t)
{
	TPM2B_PRIVATE private = {0};
	TPM2B_PUBLIC public = {0};
	ESYS_TR tr = ESYS_TR_NONE;
	size_t at = 0;
	TSS2_RC rc;

	if (Tss2_MU_TPM2B_PRIVATE_Unmarshal(t->blob[0].bytes, t->blob[0].len, &at, &private) ||
	    Tss2_MU_TPM2B_PUBLIC_Unmarshal(t->blob[0].bytes, t->blob[0].len, &at, &public) ||
	    at != t->blob[0].len)
		return diag_fail(DIAG_DAMAGED, EUCLEAN,
				 "a systemd-tpm2 token has no sealed secret");
	rc = Esys_Load(s->esys, s->primary.tr, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
		       &private, &public, &tr);
	if (tpm2_code(rc) == TPM2_RC_INTEGRITY || tpm2_code(rc) == TPM2_RC_BINDING)
		return diag_fail(
		    DIAG_KEYSTORE_FOREIGN, EKEYREJECTED,
		    "the systemd-tpm2 token was made with another TPM, or this one was "
		    "cleared since");
	if (rc != TSS2_RC_SUCCESS)
		return tpm2_fail(rc, "the sealed secret cannot be loaded");
	tpm2_hold(s, &s->object, tr);
	return 0;
}

/* systemd 252: SHA-256 of the PIN, zeroes at its end dropped as TPMs do. */
static int set_pin(struct keystore_session *s, struct env *env)
{
	_cleanup_secret_ struct secret *pin = NULL;
	TPM2B_AUTH auth = {.size = SHA256_BYTES};
	int r = env->input ? env->input->ask(env->input->ctx, ASK_PIN, "systemd-tpm2", false, &pin)
			   : diag_fail(DIAG_KEY_INPUT, ENOKEY, "the token wants a PIN");

	if (r >= 0)
		r = digest_sha256(secret_bytes(pin), secret_len(pin), auth.buffer);
	while (auth.size && !auth.buffer[auth.size - 1])
		auth.size--;
	if (r >= 0)
		Esys_TR_SetAuth(s->esys, s->object.tr, &auth);
	explicit_bzero(&auth, sizeof(auth));
	return r;
}

static int satisfy(struct keystore_session *s, struct env *env, const struct tpm2_token *t)
{
	const struct tpm2_boot boot = {.bank = strcmp(t->bank, "sha384") == 0 ? TPM2_ALG_SHA384
					       : strcmp(t->bank, "sha1") == 0 ? TPM2_ALG_SHA1
									      : TPM2_ALG_SHA256,
				       .pcrs = t->pcrs};
	const TPM2B_DIGEST as_they_are = {0};
	TPML_PCR_SELECTION selection;
	TSS2_RC rc = TSS2_RC_SUCCESS;
	int r = tpm2_policy_session(s);

	if (r < 0)
		return r;
	tpm2_selection(&boot, &selection);
	if (t->pcrs)
		rc = Esys_PolicyPCR(s->esys, s->policy.tr, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
				    &as_they_are, &selection);
	if (rc == TSS2_RC_SUCCESS && t->pin)
		rc = Esys_PolicyAuthValue(s->esys, s->policy.tr, ESYS_TR_NONE, ESYS_TR_NONE,
					  ESYS_TR_NONE);
	if (rc != TSS2_RC_SUCCESS)
		return tpm2_fail(rc, "the token's policy cannot be met");
	return t->pin ? set_pin(s, env) : 0;
}

/* The passphrase of the keyslot: the secret in base64. */
static int take(struct keystore_session *s, struct secret **ret)
{
	_cleanup_secret_ struct secret *words = NULL;
	TPM2B_SENSITIVE_DATA *data = NULL;
	TSS2_RC rc;
	int r = 0;

	Esys_TRSess_SetAttributes(s->esys, s->policy.tr, 0, TPMA_SESSION_CONTINUESESSION);
	rc = Esys_Unseal(s->esys, s->object.tr, s->policy.tr, ESYS_TR_NONE, ESYS_TR_NONE, &data);
	switch (tpm2_code(rc)) {
	case TPM2_RC_AUTH_FAIL:
		return diag_fail(DIAG_KEY_WRONG, EKEYREJECTED,
				 "the PIN is wrong; the TPM counts wrong ones");
	case TPM2_RC_POLICY_FAIL:
	case TPM2_RC_PCR_CHANGED:
		r = diag_fail(DIAG_KEYSTORE_POLICY, EKEYREJECTED,
			      "the PCRs are not those that the token was made with");
		diag_state("nothing was opened");
		return r;
	}
	if (rc != TSS2_RC_SUCCESS)
		return tpm2_fail(rc, "the token's secret cannot be unsealed");
	tpm2_forget(&s->policy);
	if (!data || data->size == 0 || data->size > SECRET_MAX)
		r = tpm2_untrusted("what the TPM unsealed has %u bytes", data ? data->size : 0);
	if (r >= 0)
		r = secret_new(BASE64_TEXT_SIZE(data->size), &words);
	if (r >= 0)
		base64_encode(data->buffer, data->size, (char *)secret_bytes(words));
	if (data)
		explicit_bzero(data, sizeof(*data));
	Esys_Free(data);
	if (r >= 0)
		*ret = TAKE(words);
	return r;
}

static int unseal(struct env *env, const struct tpm2_token *t, struct secret **ret)
{
	struct keystore_session *s = NULL;
	int r = tpm2_connect(env, &s);

	if (r >= 0)
		r = tpm2_systemd_primary(s);
	if (r >= 0) {
		s->srk = s->primary.tr; /* what sessions are salted to */
		r = load(s, t);
	}
	if (r >= 0)
		r = satisfy(s, env, t);
	if (r >= 0)
		r = take(s, ret);
	tpm2_disconnect(s);
	return r;
}

/* The token as far as it can be used here; -ENOENT, silent, where it is of another type. */
static int read_token(const char *json, unsigned number, struct tpm2_token *ret)
{
	_cleanup_text_ struct text text = {0};
	const char *why = "";
	int r = luks2_json_token(json, number, &text);

	if (r < 0 || !strstr(text.s, "\"" TPM2_TOKEN_TYPE "\""))
		return r == -ENOMEM ? diag_no_memory() : -ENOENT;
	r = tpm2_token_decode(text.s, text.len, ret, &why);
	if (r < 0)
		return diag_fail(DIAG_DAMAGED, EUCLEAN, "token %u cannot be used: %s", number, why);
	if (ret->pubkey.len || ret->pcrlock || ret->shards != 1 || ret->srk.len || ret->salt.len ||
	    (*ret->primary && strcmp(ret->primary, "ecc") != 0))
		return diag_fail(DIAG_NOT_BUILT, ENOTSUP,
				 "token %u wants a signed policy, pcrlock, a storage key, a salted "
				 "PIN or RSA: not built yet",
				 number);
	return 0;
}

int systemd_tpm2_volume_key(struct env *env, struct io *io, struct secret **ret)
{
	_cleanup_luks2_ struct luks2_found found = {.active = -1};
	_cleanup_free_ struct tpm2_token *t = calloc(1, sizeof(*t));
	_cleanup_secret_ struct secret *words = NULL;
	int r = t ? luks2_read(io, &found) : diag_no_memory();

	if (r == -ENODATA || (r >= 0 && found.active < 0))
		return diag_fail(DIAG_KEY_MISSING, ENODATA, "%s has no LUKS2 header", io->name);
	for (unsigned i = 0; r >= 0 && i < TOKENS_MAX; i++) {
		r = read_token(found.copy[found.active].json, i, t);
		if (r == -ENOENT) {
			r = 0;
			continue;
		}
		if (r >= 0)
			r = unseal(env, t, &words);
		if (r >= 0)
			r = luks2_unlock(io, &found, secret_bytes(words), secret_len(words) - 1,
					 env, ret);
		if (r == 0)
			return diag_fail(DIAG_KEY_WRONG, EKEYREJECTED,
					 "what the TPM unsealed opens no keyslot of %s", io->name);
		return r;
	}
	return r < 0
		   ? r
		   : diag_fail(DIAG_KEY_MISSING, ENOKEY, "%s has no systemd-tpm2 token", io->name);
}
