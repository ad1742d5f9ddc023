/* SPDX-License-Identifier: Apache-2.0 */
/* A device secret that a TPM 2.0 releases: to this boot state, as long as its counters stand. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "crypto/kdf.h"
#include "keystore/registry.h"
#include "keystore/tpm2.h"

static const char *const bank_words[] = {"sha256", "sha384", NULL};
static const char *const erase_words[] = {"final", "media", NULL};

static const struct option_spec options[] = {
    [TPM2_OPT_PCRS] = {"pcrs", OPTION_LIST, .min = 1, .max = 8,
		       .help = "PCRs that must hold what they hold at provisioning; none: any "
			       "system that is booted on the board gets the keys"},
    [TPM2_OPT_BANK] = {"pcr-bank", OPTION_WORD, "sha256", .words = bank_words,
		       .help = "Bank of these PCRs"},
    [TPM2_OPT_PIN] = {"pin", OPTION_FLAG, "false", .help = "A person's PIN is part of the secret"},
    [TPM2_OPT_ERASE] = {"erase", OPTION_WORD, "media", .words = erase_words,
			.help = "final: refuse every other way in, so that erasing is final"},
    [TPM2_OPT_LOCK] = {"lock", OPTION_FLAG, "false",
		       .help =
			   "After opening, extend the first of the PCRs: until the next boot the "
			   "TPM releases nothing more"},
    {0},
};

#define ARGON_MEMORY_KIB (32 * 1024)
#define ARGON_PASSES     4
#define PIN_PARTS        64 /* authValue, then what is mixed into the secret */

static int check(const struct keystore *k)
{
	char at[WHERE_SIZE];

	for (size_t i = 0; i < k->values[TPM2_OPT_PCRS].n_list; i++) {
		char *end;
		unsigned long pcr = strtoul(k->values[TPM2_OPT_PCRS].list[i], &end, 10);

		if (*end || end == k->values[TPM2_OPT_PCRS].list[i] || pcr > 23)
			return diag_fail(DIAG_LAYOUT_VALUE, EINVAL,
					 "%skeystore \"%s\": there is no PCR \"%s\"; write 0 to 23",
					 where_text(&k->values[TPM2_OPT_PCRS].where, at), k->name,
					 k->values[TPM2_OPT_PCRS].list[i]);
	}
	if (k->values[TPM2_OPT_LOCK].number && !tpm2_has_pcrs(k))
		return diag_fail(
		    DIAG_LAYOUT_VALUE, EINVAL,
		    "%skeystore \"%s\": lock = true extends a PCR, and the keys are bound "
		    "to none; write pcrs = {7} or the like",
		    where_text(&k->values[TPM2_OPT_LOCK].where, at), k->name);
	return 0;
}

static enum erase_strength strength(const struct keystore *k)
{
	return ERASE_FINAL;
}

/* The storage root key and a session salted to it, which every conversation begins with. */
static int reach(struct keystore_session *s, const uint8_t *srk_name)
{
	int r = s->remote ? 0 : tpm2_srk_load(s, srk_name);

	if (s->remote)
		return 0;

	return r < 0 || s->hmac != ESYS_TR_NONE ? r : tpm2_session_new(s, TPM2_SE_HMAC, &s->hmac);
}

static int begin(const struct keystore *k, struct env *env, struct keystore_session **ret)
{
	return tpm2_connect(k, env, ret);
}

static int prepare(const struct keystore *k, struct keystore_session *s, struct env *env)
{
	int r = s->remote ? 0 : tpm2_owner(k, s, env);

	if (s->remote)
		return 0;
	if (r >= 0)
		r = tpm2_srk_prepare(s);
	if (r >= 0)
		r = reach(s, NULL);
	return r < 0 ? r : tpm2_indices_prepare(k, s);
}

static int used(const struct keystore *k, struct keystore_session *s, struct env *env)
{
	return s->remote ? 0 : tpm2_anchor_written(s);
}

static int anchor_read(const struct keystore *k, struct keystore_session *s, struct env *env,
		       struct keystore_anchor *ret)
{
	int r = reach(s, NULL);

	*ret = (struct keystore_anchor){0};
	return r < 0 || s->remote ? r : tpm2_anchor_read(k, s, env, ret);
}

static int anchor_write(const struct keystore *k, struct keystore_session *s, struct env *env,
			const struct keystore_anchor *a)
{
	int r = reach(s, NULL);

	return r < 0 || s->remote ? r : tpm2_anchor_write(k, s, env, a);
}

static int count_erase(const struct keystore *k, struct keystore_session *s, struct env *env)
{
	int r = reach(s, NULL);

	return r < 0 ? r : tpm2_counter_count(k, s, TPM2_ERASE);
}

static int decode(const struct keystore *k, const uint8_t *blob, size_t len, struct tpm2_blob *ret)
{
	if (tpm2_blob_decode(blob, len, ret) >= 0)
		return 0;
	return diag_fail(DIAG_TAMPERED, EUCLEAN,
			 "the sealed secret of keystore %s is none of a TPM", k->name);
}

static int recognise(const struct keystore *k, struct keystore_session *s, struct env *env,
		     const uint8_t *blob, size_t len)
{
	struct tpm2_blob b;
	uint8_t now[TPM2_POLICY_BYTES];
	int r = decode(k, blob, len, &b);

	if (r >= 0 && s->remote) {
		r = diag_fail(
		    DIAG_KEYSTORE_MISSING, ENODEV,
		    "keystore %s: these keys were sealed for a TPM that is not here, so a "
		    "run that was cut off cannot go on",
		    k->name);
		diag_next(
		    "remove TARGET.part, or give up what stands there with --replace=all, and "
		    "begin again");
	}
	if (r >= 0)
		r = reach(s, b.srk_name);
	if (r >= 0)
		r = tpm2_pcr_digest(k, s, now);
	if (r < 0 || memcmp(now, b.pcr_digest, sizeof(now)) == 0)
		return r;
	r = diag_fail(DIAG_KEYSTORE_POLICY, EACCES,
		      "keystore %s: the PCRs (%s) do not hold what they held when the keys were "
		      "sealed: something else was booted, or the firmware or its settings changed",
		      k->name, k->values[TPM2_OPT_PCRS].text);
	diag_state("nothing was opened, nothing was changed");
	diag_next(
	    "boot what the device was provisioned with; after an intended change, open with an "
	    "escrowed or recovery key and `holdfast key restore`");
	return r;
}

/* A rotation was anchored, and the power went before it was counted: exactly one is missing. */
static int advance(const struct keystore *k, struct keystore_session *s, struct env *env,
		   const uint8_t *blob, size_t len)
{
	struct tpm2_blob b;
	uint64_t now = 0;
	int r = decode(k, blob, len, &b);

	if (r >= 0)
		r = reach(s, b.srk_name);
	if (r >= 0)
		r = tpm2_counter_read(k, s, TPM2_ROTATION, &now);
	return r >= 0 && !s->remote && now + 1 == b.rotation
		   ? tpm2_counter_count(k, s, TPM2_ROTATION)
		   : r;
}

static int state(const struct keystore *k, struct keystore_session *s, struct env *env,
		 struct keystore_state *ret)
{
	int r = tpm2_hardware(s, ret->hardware, sizeof(ret->hardware));

	ret->strength = ERASE_FINAL;
	if (r >= 0)
		r = reach(s, NULL);
	if (r >= 0)
		r = tpm2_counter_read(k, s, TPM2_ERASE, &ret->erase);
	if (r >= 0)
		r = tpm2_counter_read(k, s, TPM2_ROTATION, &ret->rotation);
	return r < 0 ? r : tpm2_anchor_read(k, s, env, &ret->anchor);
}

/* --- PIN --- */

/* authValue and what is mixed into the secret. */
static int stretch(const struct keystore *k, struct env *env, bool fresh, const struct tpm2_blob *b,
		   struct secret **ret)
{
	_cleanup_secret_ struct secret *pin = NULL, *parts = NULL;
	int r = env->input ? env->input->ask(env->input->ctx, ASK_PIN, k->name, fresh, &pin)
			   : diag_fail(DIAG_KEY_INPUT, ENOKEY, "keystore %s wants a PIN", k->name);

	if (r >= 0)
		r = secret_new(PIN_PARTS, &parts);
	if (r >= 0)
		r = kdf_argon2id(secret_bytes(pin), secret_len(pin), b->salt, sizeof(b->salt),
				 b->argon_memory_kib, b->argon_passes, secret_bytes(parts),
				 PIN_PARTS);
	if (r >= 0)
		*ret = TAKE(parts);
	return r;
}

/* What hangs from the TPM alone, or from the TPM and a person. */
static int mix(const struct secret *sealed, const struct secret *parts, struct secret **ret)
{
	static const char purpose[] = "holdfast 1 PIN";
	const struct kdf_field info[] = {
	    {purpose, sizeof(purpose) - 1},
	    {parts ? secret_bytes(parts) + PIN_PARTS / 2 : NULL, parts ? PIN_PARTS / 2 : 0},
	};
	_cleanup_secret_ struct secret *s = NULL;
	int r = secret_new(DEVICE_SECRET_BYTES, &s);

	if (r >= 0 && parts)
		r = kdf_hkdf(secret_bytes(sealed), secret_len(sealed), info, 2, secret_bytes(s),
			     DEVICE_SECRET_BYTES);
	else if (r >= 0)
		memcpy(secret_bytes(s), secret_bytes(sealed), DEVICE_SECRET_BYTES);
	if (r >= 0)
		*ret = TAKE(s);
	return r;
}

/* --- sealing --- */

static int create(struct keystore_session *s, const TPM2B_PUBLIC *template,
		  const struct secret *sealed, const struct secret *parts, struct tpm2_areas *ret)
{
	TPM2B_SENSITIVE_CREATE sensitive = {.sensitive.data.size = DEVICE_SECRET_BYTES};
	const TPML_PCR_SELECTION no_pcrs = {0};
	const TPM2B_DATA no_data = {0};
	TPM2B_PRIVATE *out_private = NULL;
	TPM2B_PUBLIC *out_public = NULL;
	TSS2_RC rc;

	memcpy(sensitive.sensitive.data.buffer, secret_bytes(sealed), DEVICE_SECRET_BYTES);
	if (parts) {
		sensitive.sensitive.userAuth.size = PIN_PARTS / 2;
		memcpy(sensitive.sensitive.userAuth.buffer, secret_bytes(parts), PIN_PARTS / 2);
	}
	rc = Esys_Create(s->esys, s->srk, s->hmac, ESYS_TR_NONE, ESYS_TR_NONE, &sensitive, template,
			 &no_data, &no_pcrs, &out_private, &out_public, NULL, NULL, NULL);
	explicit_bzero(&sensitive, sizeof(sensitive));
	*ret = (struct tpm2_areas){0};
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_MU_TPM2B_PUBLIC_Marshal(out_public, ret->public, sizeof(ret->public),
						  &ret->public_len);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_MU_TPM2B_PRIVATE_Marshal(out_private, ret->private, sizeof(ret->private),
						   &ret->private_len);
	Esys_Free(out_private);
	Esys_Free(out_public);
	return tpm2_check(rc, "sealing the device secret");
}

/* The object: in this TPM, or for the one that is elsewhere. */
static int make_object(const struct keystore *k, struct keystore_session *s, struct env *env,
		       const struct secret *sealed, const struct secret *parts, struct tpm2_blob *b,
		       struct text *blob)
{
	TPM2B_PUBLIC template = {
	    .publicArea =
		{
		    .type = TPM2_ALG_KEYEDHASH,
		    .nameAlg = TPM2_ALG_SHA256,
		    .objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
					TPMA_OBJECT_ADMINWITHPOLICY |
					(b->pin ? 0 : TPMA_OBJECT_NODA),
		    .parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL,
		    .authPolicy.size = TPM2_POLICY_BYTES,
		},
	};
	_cleanup_secret_ struct secret *auth = NULL;
	struct tpm2_areas areas;
	int r = tpm2_policy_sealed(k, s, b->rotation, b->erase, b->pin,
				   template.publicArea.authPolicy.buffer);

	if (r >= 0 && s->remote && parts) {
		r = secret_new(PIN_PARTS / 2, &auth);
		if (r >= 0)
			memcpy(secret_bytes(auth), secret_bytes(parts), PIN_PARTS / 2);
	}
	if (r >= 0)
		r = s->remote ? tpm2_remote_seal(s, &template, sealed, auth, env->random, &areas)
			      : create(s, &template, sealed, parts, &areas);
	if (r < 0)
		return r;
	b->import = s->remote;
	b->public = areas.public;
	b->private = areas.private;
	b->seed = areas.seed;
	b->public_len = areas.public_len;
	b->private_len = areas.private_len;
	b->seed_len = areas.seed_len;
	tpm2_blob_encode(b, blob);
	return 0;
}

static int seal(const struct keystore *k, struct keystore_session *s, struct env *env, bool next,
		struct secret **ret, struct text *blob)
{
	_cleanup_secret_ struct secret *sealed = NULL, *parts = NULL;
	struct tpm2_blob b = {.pin = k->values[TPM2_OPT_PIN].number,
			      .argon_memory_kib = ARGON_MEMORY_KIB,
			      .argon_passes = ARGON_PASSES};
	int r = reach(s, NULL);

	if (r >= 0)
		r = tpm2_counter_read(k, s, TPM2_ROTATION, &b.rotation);
	if (r >= 0)
		r = tpm2_counter_read(k, s, TPM2_ERASE, &b.erase);
	if (r >= 0)
		r = tpm2_pcr_digest(k, s, b.pcr_digest);
	if (r >= 0)
		r = secret_new(DEVICE_SECRET_BYTES, &sealed);
	if (r >= 0)
		r = env->random(secret_bytes(sealed), DEVICE_SECRET_BYTES);
	if (r >= 0 && b.pin)
		r = env->random(b.salt, sizeof(b.salt));
	if (r >= 0 && b.pin)
		r = stretch(k, env, true, &b, &parts);
	b.rotation += next;
	memcpy(b.srk_name, s->srk_name, sizeof(b.srk_name));
	if (r >= 0)
		r = make_object(k, s, env, sealed, parts, &b, blob);
	return r < 0 ? r : mix(sealed, parts, ret);
}

/* --- unsealing --- */

static int load(const struct keystore *k, struct keystore_session *s, const struct tpm2_blob *b,
		ESYS_TR *ret)
{
	TPM2B_PUBLIC public = {0};
	TPM2B_PRIVATE private = {0};
	size_t at[2] = {0};
	TSS2_RC rc;

	if (Tss2_MU_TPM2B_PUBLIC_Unmarshal(b->public, b->public_len, &at[0], &public) ||
	    Tss2_MU_TPM2B_PRIVATE_Unmarshal(b->private, b->private_len, &at[1], &private) ||
	    at[0] != b->public_len || at[1] != b->private_len)
		return diag_fail(DIAG_TAMPERED, EUCLEAN,
				 "the sealed secret of keystore %s is none of a TPM", k->name);
	if (b->import) {
		int r = tpm2_remote_import(s, &public, b->seed, b->seed_len, &private);

		if (r < 0)
			return r;
	}
	rc =
	    Esys_Load(s->esys, s->srk, s->hmac, ESYS_TR_NONE, ESYS_TR_NONE, &private, &public, ret);
	switch (tpm2_error(rc)) {
	case TPM2_RC_INTEGRITY:
	case TPM2_RC_BINDING:
	case TPM2_RC_SIZE:
		return diag_fail(
		    DIAG_TAMPERED, EUCLEAN,
		    "the sealed secret of keystore %s was changed, or another TPM made "
		    "it",
		    k->name);
	}
	return tpm2_check(rc, "loading the sealed secret");
}

static int refused(const struct keystore *k, TSS2_RC rc)
{
	int r;

	switch (tpm2_error(rc)) {
	case TPM2_RC_AUTH_FAIL:
		r = diag_fail(DIAG_KEY_WRONG, EKEYREJECTED,
			      "the PIN does not open keystore %s; the TPM counts wrong ones",
			      k->name);
		diag_state("nothing was opened, nothing was changed");
		return r;
	case TPM2_RC_POLICY_FAIL:
	case TPM2_RC_PCR_CHANGED:
		r = diag_fail(DIAG_KEYSTORE_POLICY, EACCES,
			      "keystore %s: the TPM does not release the secret: its policy wants "
			      "another boot state",
			      k->name);
		diag_state("nothing was opened, nothing was changed");
		return r;
	}
	return tpm2_check(rc, "unsealing the device secret");
}

static int release(const struct keystore *k, struct keystore_session *s, const struct tpm2_blob *b,
		   const struct secret *parts, ESYS_TR object, struct secret *ret)
{
	TPM2B_AUTH auth = {0};
	ESYS_TR policy = ESYS_TR_NONE;
	TPM2B_SENSITIVE_DATA *data = NULL;
	TSS2_RC rc;
	int r = tpm2_session_new(s, TPM2_SE_POLICY, &policy);

	if (parts) {
		auth.size = PIN_PARTS / 2;
		memcpy(auth.buffer, secret_bytes(parts), PIN_PARTS / 2);
		Esys_TR_SetAuth(s->esys, object, &auth);
		explicit_bzero(&auth, sizeof(auth));
	}
	if (r >= 0)
		r = tpm2_policy_run_sealed(k, s, policy, b->rotation, b->erase, b->pin);
	if (r >= 0) {
		/* The last use of both: the TPM ends them by itself. */
		Esys_TRSess_SetAttributes(s->esys, policy, 0, TPMA_SESSION_CONTINUESESSION);
		rc = Esys_Unseal(s->esys, object, policy, ESYS_TR_NONE, ESYS_TR_NONE, &data);
		if (rc == TSS2_RC_SUCCESS)
			policy = ESYS_TR_NONE;
		r = refused(k, rc);
	}
	if (r >= 0 && data->size != secret_len(ret))
		r = diag_fail(DIAG_TAMPERED, EUCLEAN, "keystore %s: the secret has %u bytes",
			      k->name, data->size);
	if (r >= 0)
		memcpy(secret_bytes(ret), data->buffer, secret_len(ret));
	if (data)
		explicit_bzero(data, sizeof(*data));
	Esys_Free(data);
	tpm2_flush(s, &policy);
	return r;
}

static int unseal(const struct keystore *k, struct keystore_session *s, struct env *env,
		  const uint8_t *blob, size_t len, struct secret **ret)
{
	_cleanup_secret_ struct secret *sealed = NULL, *parts = NULL;
	ESYS_TR object = ESYS_TR_NONE;
	struct tpm2_blob b;
	int r = decode(k, blob, len, &b);

	if (r >= 0)
		r = reach(s, b.srk_name);
	if (r >= 0 && b.pin)
		r = stretch(k, env, false, &b, &parts);
	if (r >= 0)
		r = secret_new(DEVICE_SECRET_BYTES, &sealed);
	if (r >= 0)
		r = load(k, s, &b, &object);
	if (r >= 0)
		r = release(k, s, &b, parts, object, sealed);
	tpm2_flush(s, &object);
	return r < 0 ? r : mix(sealed, parts, ret);
}

static int identity(const struct keystore *k, struct keystore_session *s, struct env *env,
		    struct text *ret)
{
	int r = reach(s, NULL);

	return r < 0 ? r : tpm2_identity_of(k, s, ret);
}

static bool sealed_elsewhere(const uint8_t *blob, size_t len)
{
	struct tpm2_blob b;

	return tpm2_blob_decode(blob, len, &b) >= 0 && b.import;
}

static int lock(const struct keystore *k, struct keystore_session *s, struct env *env)
{
	return k->values[TPM2_OPT_LOCK].number ? tpm2_pcr_cap(k, s) : 0;
}

static void describe(const struct keystore *k, const uint8_t *blob, size_t len, struct text *to)
{
	struct tpm2_blob b;

	if (tpm2_blob_decode(blob, len, &b) < 0)
		return;
	if (tpm2_has_pcrs(k))
		text_add(to, "released to the boot state of PCRs %s (%s)",
			 k->values[TPM2_OPT_PCRS].text, k->values[TPM2_OPT_BANK].text);
	else
		text_add(to, "released to ANY system that is booted on this board: not authentic "
			     "against someone who boots their own");
	text_add(to, b.pin ? ", with a PIN" : ", without a PIN");
}

const struct keystore_ops keystore_tpm2 = {
    .name = "tpm2",
    .summary = "A TPM 2.0 guards the device secret: erasing is counting up, and final.",
    .options = options,
    .strength = strength,
    .check = check,
    .begin = begin,
    .end = tpm2_disconnect,
    .used = used,
    .prepare = prepare,
    .count_erase = count_erase,
    .advance = advance,
    .recognise = recognise,
    .anchor_read = anchor_read,
    .anchor_write = anchor_write,
    .state = state,
    .seal = seal,
    .unseal = unseal,
    .identity = identity,
    .sealed_elsewhere = sealed_elsewhere,
    .lock = lock,
    .describe = describe,
};
