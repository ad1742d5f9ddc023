/* SPDX-License-Identifier: Apache-2.0 */
/* Opens a volume by the tokens that systemd-cryptenroll wrote, one after the other. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "keystore/systemd-token/policy.h"
#include "keystore/systemd-token/stored.h"
#include "keystore/systemd-token/token.h"
#include "keystore/tpm2/context.h"
#include "keystore/tpm2/error.h"
#include "keystore/tpm2/object.h"
#include "keystore/tpm2/pin.h"
#include "keystore/tpm2/systemd.h"
#include "userspace/luks2/luks2.h"

#define SECRET_MAX 128
#define TOKENS_MAX 32 /* LUKS2 on-disk format specification, 3.4 */

/* The key that the secret is sealed under; sessions are salted to it. A token that does not name
 * its algorithm is of systemd 249, which had ECC only. */
static int make_parent(struct keystore_session *s, const struct tpm2_token *t)
{
	int r;

	if (t->srk.len)
		return systemd_token_stored(s, &t->srk);
	r = tpm2_systemd_primary(s, strcmp(t->primary, "rsa") == 0);
	if (r >= 0)
		s->srk = s->primary.tr;
	return r;
}

/* --- one token --- */

static int foreign(void)
{
	int r = diag_fail(DIAG_KEYSTORE_FOREIGN, EKEYREJECTED,
			  "the systemd-tpm2 token was made with another TPM, or this one was "
			  "cleared since");

	diag_state("nothing was opened");
	diag_next("unlock with a passphrase or recovery key, and run systemd-cryptenroll with this "
		  "TPM");
	return r;
}

/* The sealed secret of a token. */
struct object {
	TPM2B_PRIVATE private;
	TPM2B_PUBLIC public;
	/* Has a size if it was sealed without the TPM (systemd 255, --tpm2-device-key=). Then it
	 * must be imported first. */
	TPM2B_ENCRYPTED_SECRET seed;
};

static int read_object(const struct tpm2_token_bytes *b, struct object *ret)
{
	struct object o = {0};
	size_t at = 0;

	if (Tss2_MU_TPM2B_PRIVATE_Unmarshal(b->bytes, b->len, &at, &o.private) ||
	    Tss2_MU_TPM2B_PUBLIC_Unmarshal(b->bytes, b->len, &at, &o.public) ||
	    (at < b->len &&
	     (Tss2_MU_TPM2B_ENCRYPTED_SECRET_Unmarshal(b->bytes, b->len, &at, &o.seed) ||
	      !o.seed.size)) ||
	    at != b->len)
		return diag_fail(DIAG_DAMAGED, EUCLEAN,
				 "a systemd-tpm2 token has no sealed secret");
	*ret = o;
	return 0;
}

static bool is_foreign(TSS2_RC rc)
{
	return tpm2_code(rc) == TPM2_RC_INTEGRITY || tpm2_code(rc) == TPM2_RC_BINDING;
}

static int load(struct keystore_session *s, const struct tpm2_token *t, TPM2B_DIGEST *ret_policy)
{
	struct object o;
	TSS2_RC rc;
	int r = read_object(&t->blob[0], &o);

	if (r < 0)
		return r;
	rc = tpm2_object_load(s, &o.public, &o.private, &o.seed);
	if (is_foreign(rc))
		return foreign();
	if (rc != TSS2_RC_SUCCESS)
		return tpm2_fail(rc, o.seed.size
					 ? "the secret that was sealed elsewhere cannot be imported"
					 : "the sealed secret cannot be loaded");
	*ret_policy = o.public.publicArea.authPolicy;
	return 0;
}

static int refused(struct keystore_session *s, TSS2_RC rc)
{
	int r;

	switch (tpm2_code(rc)) {
	case TPM2_RC_AUTH_FAIL:
	case TPM2_RC_LOCKOUT:
		return tpm2_pin_wrong(s, "the systemd-tpm2 token", rc);
	case TPM2_RC_POLICY_FAIL:
	case TPM2_RC_PCR_CHANGED:
		r = diag_fail(DIAG_KEYSTORE_POLICY, EKEYREJECTED,
			      "a PCR changed while the token was used");
		diag_state("nothing was opened");
		diag_next("run this again when nothing extends PCRs any more");
		return r;
	}
	return tpm2_fail(rc, "the token's secret cannot be unsealed");
}

/* The passphrase of the keyslot: the secret in base64. */
static int take(struct keystore_session *s, struct secret **ret)
{
	TPM2B_SENSITIVE_DATA *data = NULL;
	TSS2_RC rc;
	int r = 0;

	rc = tpm2_object_unseal(s, &data);
	if (rc != TSS2_RC_SUCCESS)
		return refused(s, rc);
	if (!data || data->size == 0 || data->size > SECRET_MAX)
		r = tpm2_untrusted("what the TPM unsealed has %u bytes", data ? data->size : 0);
	if (r >= 0)
		r = base64_secret(data->buffer, data->size, ret);
	if (data)
		explicit_bzero(data, sizeof(*data));
	Esys_Free(data);
	return r;
}

/* Token @number, if it can be used here; -ENOENT, silent, if it is of another type. */
static int read_token(const char *json, unsigned number, struct tpm2_token *ret)
{
	_cleanup_text_ struct text text = {0};
	const char *why = "";
	int r = luks2_json_token(json, number, TPM2_TOKEN_TYPE, &text);

	if (r < 0)
		return r == -ENOMEM ? diag_no_memory() : -ENOENT;
	r = tpm2_token_decode(text.s, text.len, ret, &why);
	if (r == -ENOMEM)
		return diag_no_memory();
	if (r < 0)
		return diag_fail(DIAG_DAMAGED, EUCLEAN, "token %u cannot be used: %s%s%s", number,
				 why, *ret->unknown ? ": " : "", ret->unknown);
	if (ret->pcrlock)
		return diag_fail(DIAG_NOT_BUILT, ENOTSUP, "token %u needs pcrlock: not built yet",
				 number);
	if (ret->shards != 1)
		return diag_fail(DIAG_NOT_BUILT, ENOTSUP,
				 "the secret of token %u is in %u parts: not built yet", number,
				 ret->shards);
	return 0;
}

/* --- all of them --- */

struct search {
	struct env *env;
	struct io *io;
	struct luks2_found found;
	struct keystore_session *tpm; /* NULL: not reached yet */
	struct tpm2_token token;      /* the one that is tried now */
	size_t begin;                 /* diag_count() before the search */
	int failed;                   /* the first failure; 0: none */
	bool asked;                   /* for a PIN: then no other token is tried */
};

static int unseal(struct search *a, struct secret **ret)
{
	TPM2B_DIGEST sealed;
	int r = a->tpm ? 0 : tpm2_connect(a->env, &a->tpm);

	if (r >= 0)
		r = make_parent(a->tpm, &a->token);
	if (r >= 0)
		r = load(a->tpm, &a->token, &sealed);
	if (r >= 0)
		r = systemd_token_policy(a->tpm, a->env, &a->token, &sealed);
	if (r >= 0 && a->token.pin) {
		a->asked = true;
		r = systemd_token_pin(a->tpm, a->env, &a->token);
	}
	if (r >= 0 && a->token.pin) {
		/* The result of this token is the answer, whatever the tokens before it gave. */
		diag_forget(a->begin);
		a->failed = 0;
	}
	return r < 0 ? r : take(a->tpm, ret);
}

/* Releases everything of a token, so that nothing of it is left for the next one. */
static void put_down(struct keystore_session *s)
{
	if (!s)
		return;
	tpm2_release(s, &s->policy);
	tpm2_release(s, &s->object);
	if (!s->primary.handle && s->srk != ESYS_TR_NONE)
		Esys_TR_Close(s->esys, &s->srk); /* the TPM keeps it */
	tpm2_release(s, &s->primary);
	s->srk = ESYS_TR_NONE;
}

static int open_by(struct search *a, unsigned number, struct secret **ret)
{
	_cleanup_secret_ struct secret *words = NULL;
	int r = unseal(a, &words);

	put_down(a->tpm);
	if (r >= 0)
		r = luks2_unlock(a->io, &a->found, secret_bytes(words), secret_len(words), a->env,
				 ret);
	return r ? r
		 : diag_fail(DIAG_KEY_WRONG, EKEYREJECTED,
			     "what the TPM unsealed for token %u opens no keyslot of %s", number,
			     a->io->name);
}

/* 1: a token opened it; 0: none did, and a->failed says whether there were any. */
static int try_tokens(struct search *a, bool pin, struct secret **ret)
{
	for (unsigned i = 0; i < TOKENS_MAX && !a->asked; i++) {
		const size_t mark = diag_count();
		int r = read_token(a->found.copy[a->found.active].json, i, &a->token);

		if (r == -ENOENT || (r >= 0 && a->token.pin != pin))
			continue;
		if (r >= 0)
			r = open_by(a, i, ret);
		if (r > 0) {
			diag_forget(a->begin);
			return r;
		}
		if (!a->failed)
			a->failed = r;
		else if (!a->asked)
			diag_forget(mark);
	}
	return 0;
}

static int search(struct search *a, struct secret **ret)
{
	int r = luks2_read(a->io, &a->found);

	if (r == -ENODATA || (r >= 0 && a->found.active < 0))
		return diag_fail(DIAG_KEY_MISSING, ENODATA, "%s has no LUKS2 header", a->io->name);
	if (r < 0)
		return r;
	a->begin = diag_count();
	r = try_tokens(a, false, ret);
	if (r == 0)
		r = try_tokens(a, true, ret);
	if (r != 0)
		return r;
	return a->failed ? a->failed
			 : diag_fail(DIAG_KEY_MISSING, ENOKEY, "%s has no systemd-tpm2 token",
				     a->io->name);
}

int systemd_token_volume_key(struct env *env, struct io *io, struct secret **ret)
{
	struct search *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return diag_no_memory();
	*a = (struct search){.env = env, .io = io, .found.active = -1};
	r = search(a, ret);
	tpm2_disconnect(a->tpm);
	luks2_free(&a->found);
	free(a);
	return r;
}
