/* SPDX-License-Identifier: Apache-2.0 */
/* NV indices: the erase counter, the rotation counter, the anchor. */
#include <errno.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "base/diag.h"
#include "base/endian.h"
#include "crypto/digest.h"
#include "keystore/tpm2.h"

#define COUNTER_ATTRIBUTES                                                                         \
	(TPMA_NV_AUTHREAD | TPMA_NV_AUTHWRITE | TPMA_NV_NO_DA |                                    \
	 TPM2_NT_COUNTER << TPMA_NV_TPM2_NT_SHIFT)
#define ANCHOR_BYTES (8 + SHA256_BYTES)

static const struct {
	TPM2_HANDLE handle;
	const char *what;
} indices[] = {
    [TPM2_ERASE] = {TPM2_INDEX_ERASE, "the erase counter"},
    [TPM2_ROTATION] = {TPM2_INDEX_ROTATION, "the rotation counter"},
    [TPM2_ANCHOR] = {TPM2_INDEX_ANCHOR, "the anchor"},
};

/* What the public area must be; whoever writes the anchor must have booted what the policy says. */
static int expected(const struct keystore *k, struct keystore_session *s, enum tpm2_index i,
		    TPMS_NV_PUBLIC *ret)
{
	*ret = (TPMS_NV_PUBLIC){.nvIndex = indices[i].handle,
				.nameAlg = TPM2_ALG_SHA256,
				.attributes = COUNTER_ATTRIBUTES,
				.dataSize = 8};
	if (i != TPM2_ANCHOR)
		return 0;
	ret->dataSize = ANCHOR_BYTES;
	ret->attributes = TPMA_NV_AUTHREAD | TPMA_NV_NO_DA |
			  (tpm2_has_pcrs(k) ? TPMA_NV_POLICYWRITE : TPMA_NV_AUTHWRITE);
	if (!tpm2_has_pcrs(k))
		return 0;
	ret->authPolicy.size = TPM2_POLICY_BYTES;
	return tpm2_policy_boot(k, s, ret->authPolicy.buffer);
}

/* 1 it is there, 0 not, -errno. */
static int find(struct keystore_session *s, enum tpm2_index i)
{
	TSS2_RC rc;

	if (s->index[i] != ESYS_TR_NONE)
		return 1;
	rc = Esys_TR_FromTPMPublic(s->esys, indices[i].handle, ESYS_TR_NONE, ESYS_TR_NONE,
				   ESYS_TR_NONE, &s->index[i]);
	if (tpm2_error(rc) == TPM2_RC_HANDLE)
		return 0;
	return rc == TSS2_RC_SUCCESS ? 1 : tpm2_check(rc, "looking for an NV index");
}

/* 1 it is just what it must be (and *@ret_written), 0 it is not, -errno. Its name tells all of it.
 */
static int judge(const struct keystore *k, struct keystore_session *s, enum tpm2_index i,
		 bool *ret_written)
{
	uint8_t bytes[sizeof(TPMS_NV_PUBLIC)], want[SHA256_BYTES], name[TPM2_NAME_BYTES];
	TPMS_NV_PUBLIC public;
	int r = expected(k, s, i, &public);

	if (r >= 0)
		r = tpm2_index_name(s, i, name);
	for (int written = 0; written < 2 && r >= 0; written++) {
		size_t len = 0;

		if (written)
		public.attributes |= TPMA_NV_WRITTEN;
		r = tpm2_check(Tss2_MU_TPMS_NV_PUBLIC_Marshal(&public, bytes, sizeof(bytes), &len),
			       "naming an NV index");
		if (r >= 0)
			r = digest_sha256(bytes, len, want);
		*ret_written = written;
		if (r >= 0 && memcmp(want, name + 2, sizeof(want)) == 0)
			return 1;
	}
	return r < 0 ? r : 0;
}

static int not_there(const struct keystore *k, enum tpm2_index i)
{
	int r = diag_fail(DIAG_KEYSTORE_FOREIGN, ENOKEY,
			  "keystore %s: %s (NV index 0x%08x) is not there: the TPM was cleared, is "
			  "another one, or somebody took it away",
			  k->name, indices[i].what, indices[i].handle);

	diag_next(
	    "what was sealed with it does not open again; `holdfast key restore` brings volumes "
	    "back from an escrowed key");
	return r;
}

/* Written by whoever booted something else, or the boot state is not what it was. */
static int not_ours(const struct keystore *k, enum tpm2_index i)
{
	bool anchor = i == TPM2_ANCHOR && tpm2_has_pcrs(k);
	int r = diag_fail(
	    anchor ? DIAG_KEYSTORE_POLICY : DIAG_KEYSTORE_FOREIGN, EACCES,
	    anchor
		? "keystore %s: %s (NV index 0x%08x) belongs to another boot state than this one "
		  "(the PCRs that the keys are bound to differ), or is not ours"
		: "keystore %s: %s (NV index 0x%08x) is there and is not ours: another program's, "
		  "or made by holdfast with other options",
	    k->name, indices[i].what, indices[i].handle);

	diag_state("nothing was opened, nothing was changed");
	diag_next(
	    "boot what the device was provisioned with; tpm2_nvreadpublic 0x%x shows the index",
	    indices[i].handle);
	return r;
}

int tpm2_index_load(const struct keystore *k, struct keystore_session *s, enum tpm2_index i)
{
	bool known = s->index[i] != ESYS_TR_NONE, written;
	int r = find(s, i);

	if (r == 0)
		return not_there(k, i);
	if (r < 0 || known)
		return r < 0 ? r : 0;
	r = judge(k, s, i, &written);
	if (r == 0)
		r = not_ours(k, i);
	if (r < 0)
		Esys_TR_Close(s->esys, &s->index[i]);
	return r < 0 ? r : 0;
}

int tpm2_index_name(struct keystore_session *s, enum tpm2_index i,
		    uint8_t ret[static TPM2_NAME_BYTES])
{
	TPM2B_NAME *name = NULL;
	TSS2_RC rc;

	if (s->remote) {
		memcpy(ret, s->remote->name[i], TPM2_NAME_BYTES);
		return 0;
	}
	rc = Esys_TR_GetName(s->esys, s->index[i], &name);

	if (rc == TSS2_RC_SUCCESS && name->size == TPM2_NAME_BYTES)
		memcpy(ret, name->name, TPM2_NAME_BYTES);
	else if (rc == TSS2_RC_SUCCESS)
		rc = TSS2_ESYS_RC_MALFORMED_RESPONSE;
	Esys_Free(name);
	return tpm2_check(rc, "naming an NV index");
}

int tpm2_anchor_written(struct keystore_session *s)
{
	TPM2B_NV_PUBLIC *public = NULL;
	ESYS_TR index = ESYS_TR_NONE;
	TSS2_RC rc = Esys_TR_FromTPMPublic(s->esys, TPM2_INDEX_ANCHOR, ESYS_TR_NONE, ESYS_TR_NONE,
					   ESYS_TR_NONE, &index);
	int written = 0;

	if (tpm2_error(rc) == TPM2_RC_HANDLE)
		return 0;
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_NV_ReadPublic(s->esys, index, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
					&public, NULL);
	if (rc == TSS2_RC_SUCCESS)
		written = (public->nvPublic.attributes & TPMA_NV_WRITTEN) != 0;
	Esys_Free(public);
	Esys_TR_Close(s->esys, &index);
	return rc == TSS2_RC_SUCCESS ? written : tpm2_check(rc, "looking for an NV index");
}

/* With the owner's authorisation, which stands in the owner's object. */
static int define(const struct keystore *k, struct keystore_session *s, enum tpm2_index i)
{
	const TPM2B_AUTH none = {0};
	TPM2B_NV_PUBLIC public = {0};
	int r = expected(k, s, i, &public.nvPublic);

	if (r < 0)
		return r;
	return tpm2_check(Esys_NV_DefineSpace(s->esys, ESYS_TR_RH_OWNER, s->hmac, ESYS_TR_NONE,
					      ESYS_TR_NONE, &none, &public, &s->index[i]),
			  "making an NV index");
}

int tpm2_owner(const struct keystore *k, struct keystore_session *s, struct env *env)
{
	_cleanup_secret_ struct secret *words = NULL;
	TPM2B_AUTH auth = {0};
	int r = env->input ? env->input->ask(env->input->ctx, ASK_OWNER, k->name, false, &words)
			   : -ENOKEY;

	if (r == -ENOKEY)
		return 0;
	if (r >= 0 && secret_len(words) > sizeof(auth.buffer))
		r = diag_fail(DIAG_KEYSTORE_OWNER, EINVAL, "the owner's authorisation is too long");
	if (r < 0)
		return r;
	auth.size = (UINT16)secret_len(words);
	memcpy(auth.buffer, secret_bytes(words), auth.size);
	r = tpm2_check(Esys_TR_SetAuth(s->esys, ESYS_TR_RH_OWNER, &auth),
		       "setting an authorisation");
	explicit_bzero(&auth, sizeof(auth));
	return r;
}

/* Of an earlier life, in another boot state: the record is worth nothing to the new one. */
static int take_away_anchor(struct keystore_session *s)
{
	int r = tpm2_check(Esys_NV_UndefineSpace(s->esys, ESYS_TR_RH_OWNER, s->index[TPM2_ANCHOR],
						 s->hmac, ESYS_TR_NONE, ESYS_TR_NONE),
			   "taking the old anchor away");

	s->index[TPM2_ANCHOR] = ESYS_TR_NONE;
	return r;
}

static int prepare_one(const struct keystore *k, struct keystore_session *s, enum tpm2_index i)
{
	bool written = false;
	int found = find(s, i), r = found;

	if (found == 1)
		r = judge(k, s, i, &written);
	if (found == 1 && r == 0 && i == TPM2_ANCHOR && tpm2_has_pcrs(k)) {
		r = take_away_anchor(s);
		found = 0;
	} else if (found == 1 && r == 0) {
		r = not_ours(k, i);
	}
	if (found == 0 && r >= 0)
		r = define(k, s, i);
	/* A counter's name, which policies have in them, changes with the first count. */
	if (r >= 0 && i != TPM2_ANCHOR && !written)
		r = tpm2_counter_count(k, s, i);
	return r;
}

int tpm2_indices_prepare(const struct keystore *k, struct keystore_session *s)
{
	int r = 0;

	for (enum tpm2_index i = 0; i < TPM2_INDICES && r >= 0; i++)
		r = prepare_one(k, s, i);
	return r < 0 ? r : 0;
}

static int read_index(const struct keystore *k, struct keystore_session *s, enum tpm2_index i,
		      uint8_t *ret, UINT16 len, bool *ret_written)
{
	TPM2B_MAX_NV_BUFFER *data = NULL;
	int r = tpm2_index_load(k, s, i);
	TSS2_RC rc;

	*ret_written = false;
	if (r < 0)
		return r;
	rc = Esys_NV_Read(s->esys, s->index[i], s->index[i], s->hmac, ESYS_TR_NONE, ESYS_TR_NONE,
			  len, 0, &data);
	if (tpm2_error(rc) == TPM2_RC_NV_UNINITIALIZED)
		return 0;
	r = tpm2_check(rc, "reading an NV index");
	if (r >= 0 && data->size != len)
		r = diag_fail(DIAG_KEYSTORE_UNTRUSTED, EBADMSG, "%s has %u bytes", indices[i].what,
			      data->size);
	if (r >= 0) {
		memcpy(ret, data->buffer, len);
		*ret_written = true;
	}
	Esys_Free(data);
	return r;
}

int tpm2_counter_read(const struct keystore *k, struct keystore_session *s, enum tpm2_index i,
		      uint64_t *ret)
{
	be64_t value = {0};
	bool written;
	int r;

	if (s->remote) {
		*ret = s->remote->value[i];
		return 0;
	}
	r = read_index(k, s, i, (uint8_t *)&value, sizeof(value), &written);

	if (r >= 0 && !written)
		r = diag_fail(DIAG_KEYSTORE_FOREIGN, ENOKEY,
			      "keystore %s: %s was made anew and never counted: what was sealed "
			      "with the one before is dead",
			      k->name, indices[i].what);
	if (r >= 0)
		*ret = be64_get(value);
	return r;
}

int tpm2_counter_count(const struct keystore *k, struct keystore_session *s, enum tpm2_index i)
{
	int r = tpm2_index_load(k, s, i);

	return r < 0 ? r
		     : tpm2_check(Esys_NV_Increment(s->esys, s->index[i], s->index[i], s->hmac,
						    ESYS_TR_NONE, ESYS_TR_NONE),
				  "counting up");
}

int tpm2_anchor_read(const struct keystore *k, struct keystore_session *s, struct env *env,
		     struct keystore_anchor *ret)
{
	uint8_t bytes[ANCHOR_BYTES];
	be64_t sequence;
	int r = read_index(k, s, TPM2_ANCHOR, bytes, sizeof(bytes), &ret->present);

	if (r < 0 || !ret->present)
		return r;
	memcpy(&sequence, bytes, sizeof(sequence));
	ret->sequence = be64_get(sequence);
	memcpy(ret->digest, bytes + sizeof(sequence), SHA256_BYTES);
	return 0;
}

int tpm2_anchor_write(const struct keystore *k, struct keystore_session *s, struct env *env,
		      const struct keystore_anchor *a)
{
	const be64_t sequence = be64_make(a->sequence);
	TPM2B_MAX_NV_BUFFER data = {.size = ANCHOR_BYTES};
	ESYS_TR policy = ESYS_TR_NONE;
	int r = tpm2_index_load(k, s, TPM2_ANCHOR);
	TSS2_RC rc;

	memcpy(data.buffer, &sequence, sizeof(sequence));
	memcpy(data.buffer + sizeof(sequence), a->digest, SHA256_BYTES);
	if (r >= 0 && tpm2_has_pcrs(k))
		r = tpm2_session_new(s, TPM2_SE_POLICY, &policy);
	if (r >= 0)
		r = tpm2_policy_run_boot(k, s, policy);
	if (r < 0)
		return r;
	rc = Esys_NV_Write(s->esys, s->index[TPM2_ANCHOR], s->index[TPM2_ANCHOR],
			   policy == ESYS_TR_NONE ? s->hmac : policy, ESYS_TR_NONE, ESYS_TR_NONE,
			   &data, 0);
	tpm2_flush(s, &policy);
	if (tpm2_error(rc) == TPM2_RC_POLICY_FAIL) {
		r = diag_fail(
		    DIAG_KEYSTORE_POLICY, EACCES,
		    "keystore %s: the anchor can be written only in the boot state that it "
		    "was made in",
		    k->name);
		diag_state("the hardware knows the vault as it was before");
		return r;
	}
	/* The index's name changes with the first write. */
	if (rc == TSS2_RC_SUCCESS)
		return 0;
	return tpm2_check(rc, "writing the anchor");
}
