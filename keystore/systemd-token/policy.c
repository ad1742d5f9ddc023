/* SPDX-License-Identifier: Apache-2.0 */
/* The conditions of a token, in systemd's order: signed PCRs, PCRs by value, a PIN.
 * Source: systemd 252 and 256, src/shared/tpm2-util.c, tpm2_make_policy_session(),
 * tpm2_build_sealing_policy(), tpm2_unseal() */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "crypto/kdf.h"
#include "keystore/systemd-token/policy.h"
#include "keystore/tpm2/error.h"
#include "keystore/tpm2/name.h"
#include "keystore/tpm2/policy.h"
#include "keystore/tpm2/session.h"
#include "keystore/tpm2/signature.h"
#include "keystore/tpm2/systemd.h"
#include "model/key.h"

#define PIN_ITERATIONS 10000 /* PBKDF2_HMAC_SHA256_ITERATIONS */

/* --- signed PCRs --- */

static int no_file(uint32_t pcrs)
{
	_cleanup_text_ struct text list = {0};
	int r;

	tpm2_pcr_list(pcrs, &list);
	r = diag_fail(DIAG_KEYSTORE_POLICY, ENOKEY,
		      "the token needs a signature over PCR %s, and there is no "
		      "tpm2-pcr-signature.json where systemd looks (/etc/systemd, /run/systemd, …)",
		      list.s);
	diag_state("nothing was opened");
	diag_next("boot an image that brings one (systemd-stub puts it there), or name the file "
		  "with --tpm2-signature");
	return r;
}

/* Looks where systemd's tpm2_load_pcr_signature() does. The file need not be trusted: the key that
 * must have signed it is part of the policy that the secret was sealed under. */
static int find_file(struct env *env, uint32_t pcrs, const char **ret)
{
	static const char *const places[] = {
	    "/etc/systemd/tpm2-pcr-signature.json",
	    "/run/systemd/tpm2-pcr-signature.json",
	    "/usr/local/lib/systemd/tpm2-pcr-signature.json",
	    "/usr/lib/systemd/tpm2-pcr-signature.json",
	    "/.extra/tpm2-pcr-signature.json",
	};

	if (env->input && env->input->tpm2_signature) {
		*ret = env->input->tpm2_signature;
		return 0;
	}
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (access(places[i], F_OK) == 0) {
			*ret = places[i];
			return 0;
		}
	}
	return no_file(pcrs);
}

static TPMI_ALG_HASH bank_of(const struct tpm2_token *t)
{
	/* Before systemd 250 tokens name no bank; it was SHA-256. */
	return strcmp(t->bank, "sha1") == 0     ? TPM2_ALG_SHA1
	       : strcmp(t->bank, "sha384") == 0 ? TPM2_ALG_SHA384
	       : strcmp(t->bank, "sha512") == 0 ? TPM2_ALG_SHA512
						: TPM2_ALG_SHA256;
}

static int read_signer(const struct tpm2_token *t, struct tpm2_boot *ret)
{
	*ret = (struct tpm2_boot){.bank = bank_of(t), .pcrs = t->pubkey_pcrs, .is_signed = true};
	return tpm2_signature_key_pem("the token's public key", t->pubkey.bytes, t->pubkey.len,
				      ret);
}

/* --- the whole --- */

/* PolicyPCR, PolicyAuthorize without policyRef; PolicyPCR; PolicyAuthValue. */
static int run(struct keystore_session *s, const struct tpm2_token *t,
	       const struct tpm2_boot *signer, const char *path)
{
	const struct tpm2_boot by_value = {.bank = bank_of(t), .pcrs = t->pcrs};
	const TPM2B_DIGEST as_they_are = {0};
	const TPML_PCR_SELECTION selection = tpm2_boot_selection(&by_value);
	TSS2_RC rc = TSS2_RC_SUCCESS;
	int r = t->pubkey_pcrs ? tpm2_policy_boot(s, signer, path) : 0;

	if (r < 0)
		return r;
	if (t->pcrs)
		rc = Esys_PolicyPCR(s->esys, s->policy.tr, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
				    &as_they_are, &selection);
	if (rc == TSS2_RC_SUCCESS && t->pin)
		rc = Esys_PolicyAuthValue(s->esys, s->policy.tr, ESYS_TR_NONE, ESYS_TR_NONE,
					  ESYS_TR_NONE);
	return rc == TSS2_RC_SUCCESS ? 0 : tpm2_fail(rc, "the token's policy cannot be met");
}

/* 1 if the session has met the policy that the object was sealed under, else 0. */
static int compare(struct keystore_session *s, const TPM2B_DIGEST *sealed)
{
	TPM2B_DIGEST now;
	int r = tpm2_policy_digest(s, &now);

	return r < 0 ? r : tpm2_same_digest(&now, sealed);
}

static int mismatch(const struct tpm2_token *t)
{
	_cleanup_text_ struct text list = {0};
	const struct tpm2_boot by_value = {.bank = bank_of(t)};
	int r;

	if (!t->pcrs)
		return diag_fail(DIAG_DAMAGED, EUCLEAN,
				 "the token does not state the conditions that its secret was "
				 "sealed under: it was changed");
	tpm2_pcr_list(t->pcrs, &list);
	r = diag_fail(DIAG_KEYSTORE_POLICY, EKEYREJECTED,
		      "PCR %s (%s) are not as they were when the token was made", list.s,
		      tpm2_bank_name(by_value.bank));
	diag_state("nothing was opened");
	diag_next("boot what was booted then; after an intended update, unlock with a passphrase "
		  "or recovery key and run systemd-cryptenroll again");
	return r;
}

int systemd_token_policy(struct keystore_session *s, struct env *env, const struct tpm2_token *t,
			 const TPM2B_DIGEST *sealed)
{
	UINT32 *exponent;
	struct tpm2_boot signer = {0};
	const char *path = NULL;
	TSS2_RC rc;
	int r = t->pubkey_pcrs ? read_signer(t, &signer) : 0;

	if (r >= 0 && t->pubkey_pcrs)
		r = find_file(env, t->pubkey_pcrs, &path);
	if (r >= 0)
		r = tpm2_policy_session(s);
	if (r < 0)
		return r;
	/* The exponent as written is part of the key's name. systemd writes 65537; 255.0 wrote 0,
	 * which means the same (its bug #30546). */
	exponent = &signer.key.publicArea.parameters.rsaDetail.exponent;
	if (!*exponent)
		*exponent = SYSTEMD_RSA_EXPONENT;
	r = run(s, t, &signer, path);
	if (r >= 0)
		r = compare(s, sealed);
	if (r == 0 && t->pubkey_pcrs && *exponent == SYSTEMD_RSA_EXPONENT) {
		*exponent = 0;
		rc = Esys_PolicyRestart(s->esys, s->policy.tr, ESYS_TR_NONE, ESYS_TR_NONE,
					ESYS_TR_NONE);
		r = rc == TSS2_RC_SUCCESS ? run(s, t, &signer, path)
					  : tpm2_fail(rc, "the policy cannot be begun again");
		if (r >= 0)
			r = compare(s, sealed);
	}
	return r == 0 ? mismatch(t) : r;
}

/* --- PIN --- */

/* From systemd 253 on, base64 of PBKDF2 replaces the PIN. */
static int salt_pin(const struct tpm2_token_bytes *salt, struct secret **pin)
{
	_cleanup_secret_ struct secret *key = NULL, *words = NULL;
	int r = secret_new(SHA256_BYTES, &key);

	if (r >= 0)
		r = kdf_pbkdf2("sha256", secret_bytes(*pin), secret_len(*pin), salt->bytes,
			       salt->len, PIN_ITERATIONS, secret_bytes(key), SHA256_BYTES);
	if (r >= 0)
		r = base64_secret(secret_bytes(key), SHA256_BYTES, &words);
	if (r < 0)
		return r;
	secret_free(*pin);
	*pin = TAKE(words);
	return 0;
}

int systemd_token_pin(struct keystore_session *s, struct env *env, const struct tpm2_token *t)
{
	_cleanup_secret_ struct secret *pin = NULL;
	TPM2B_AUTH auth;
	int r = env->input ? env->input->ask(env->input->ctx, ASK_PIN, "systemd-tpm2", false, &pin)
			   : diag_fail(DIAG_KEY_INPUT, ENOKEY, "the token needs a PIN");

	if (r >= 0 && t->salt.len)
		r = salt_pin(&t->salt, &pin);
	if (r < 0)
		return r;
	r = tpm2_systemd_auth(pin, &auth);
	if (r >= 0)
		Esys_TR_SetAuth(s->esys, s->object.tr, &auth);
	explicit_bzero(&auth, sizeof(auth));
	return r;
}
