/* SPDX-License-Identifier: Apache-2.0 */
/* NV indices: two counters and the anchor; what they have to be, and whether they are. */
#include <errno.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "base/diag.h"
#include "base/endian.h"
#include "keystore/tpm2/private.h"

static const struct {
	TPM2_HANDLE handle;
	const char *text;
	UINT16 bytes;
} indices[] = {
    [TPM2_ERASE] = {0x018b4f01, "erase counter", 8},
    [TPM2_ROTATION] = {0x018b4f02, "rotation counter", 8},
    [TPM2_ANCHOR] = {0x018b4f03, "anchor", 40},
    [TPM2_ANCHOR_NEXT] = {0x018b4f04, "next anchor", 40},
};

static bool is_anchor(enum tpm2_which which)
{
	return which == TPM2_ANCHOR || which == TPM2_ANCHOR_NEXT;
}

TPM2_HANDLE tpm2_index_handle(enum tpm2_which which)
{
	return indices[which].handle;
}

const char *tpm2_index_text(enum tpm2_which which)
{
	return indices[which].text;
}

bool tpm2_index_expected(enum tpm2_which which, const TPM2B_DIGEST *policy, bool written,
			 TPM2B_NV_PUBLIC *ret)
{
	TPMA_NV attributes = TPMA_NV_AUTHREAD | TPMA_NV_NO_DA;

	if (!is_anchor(which))
		attributes |= TPMA_NV_AUTHWRITE | TPM2_NT_COUNTER << TPMA_NV_TPM2_NT_SHIFT;
	else
		attributes |= policy && policy->size ? TPMA_NV_POLICYWRITE : TPMA_NV_AUTHWRITE;
	*ret = (TPM2B_NV_PUBLIC){
	    .nvPublic = {.nvIndex = indices[which].handle,
			 .nameAlg = TPM2_ALG_SHA256,
			 .attributes = attributes | (written ? TPMA_NV_WRITTEN : 0),
			 .dataSize = indices[which].bytes}};
	if (policy)
		ret->nvPublic.authPolicy = *policy;
	return true;
}

int tpm2_index_missing(enum tpm2_which which)
{
	int r = diag_fail(DIAG_KEYSTORE_FOREIGN, ENOKEY,
			  "the TPM has no %s (NV index 0x%08x): it was cleared, replaced, or never "
			  "provisioned",
			  indices[which].text, indices[which].handle);

	diag_next("keys that it guarded are gone: restore from escrow, or provision anew");
	return r;
}

static int foreign(enum tpm2_which which)
{
	int r = diag_fail(DIAG_KEYSTORE_FOREIGN, EEXIST,
			  "NV index 0x%08x is there, but not as holdfast makes its %s",
			  indices[which].handle, indices[which].text);

	diag_state("it was left as it is, and is not used");
	diag_next("if nothing needs it, `tpm2_nvundefine -C o 0x%08x` takes it away",
		  indices[which].handle);
	return r;
}

/* tpm2-tss has no call that makes a handle from a name that is known; what Esys_TR_Serialize()
 * writes is: handle, name, kind (2: NV), public area. A test compares. */
static TSS2_RC make_tr(struct keystore_session *s, const TPM2B_NV_PUBLIC *public, ESYS_TR *ret)
{
	uint8_t bytes[sizeof(TPM2B_NV_PUBLIC) + sizeof(TPM2B_NAME) + 8];
	TPM2B_NAME name;
	size_t at = 0;
	TSS2_RC rc = TSS2_ESYS_RC_GENERAL_FAILURE;

	if (tpm2_index_name(public, &name))
		rc = Tss2_MU_TPM2_HANDLE_Marshal(public->nvPublic.nvIndex, bytes, sizeof(bytes),
						 &at);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_MU_TPM2B_NAME_Marshal(&name, bytes, sizeof(bytes), &at);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_MU_UINT32_Marshal(2, bytes, sizeof(bytes), &at);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_MU_TPM2B_NV_PUBLIC_Marshal(public, bytes, sizeof(bytes), &at);
	return rc == TSS2_RC_SUCCESS ? Esys_TR_Deserialize(s->esys, bytes, at, ret) : rc;
}

int tpm2_index_assume(struct keystore_session *s, enum tpm2_which which)
{
	struct tpm2_index *index = &s->index[which];
	TSS2_RC rc;

	if (index->tr != ESYS_TR_NONE)
		return 0;
	tpm2_index_expected(which, NULL, true, &index->public);
	rc = make_tr(s, &index->public, &index->tr);
	return rc == TSS2_RC_SUCCESS
		   ? 0
		   : diag_fail(DIAG_INTERNAL, EIO, "tpm2-tss takes no name of an NV index (0x%x)",
			       rc);
}

static bool is_ours(enum tpm2_which which, const TPM2B_NV_PUBLIC *p)
{
	bool written = p->nvPublic.attributes & TPMA_NV_WRITTEN;
	bool bound = is_anchor(which) && p->nvPublic.authPolicy.size;
	TPM2B_NV_PUBLIC expected;
	TPM2B_NAME a, b;

	tpm2_index_expected(which, bound ? &p->nvPublic.authPolicy : NULL, written, &expected);
	return tpm2_index_name(p, &a) && tpm2_index_name(&expected, &b) && tpm2_same_name(&a, &b);
}

int tpm2_index_look(struct keystore_session *s, enum tpm2_which which)
{
	struct tpm2_index *index = &s->index[which];
	TPM2B_NV_PUBLIC *public = NULL;
	TPM2B_NAME *name = NULL, ours;
	ESYS_TR bare;
	TSS2_RC rc;
	int r;

	if (index->tr != ESYS_TR_NONE)
		Esys_TR_Close(s->esys, &index->tr);
	index->tr = ESYS_TR_NONE;
	/* No session guards this: its HMAC would be over the name that is asked for. Whatever is
	 * done with the index afterwards is, over the name that was answered. */
	tpm2_index_expected(which, NULL, false, &index->public);
	rc = make_tr(s, &index->public, &bare);
	if (rc == TSS2_RC_SUCCESS) {
		rc = Esys_NV_ReadPublic(s->esys, bare, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
					&public, &name);
		Esys_TR_Close(s->esys, &bare);
	}
	if (tpm2_code(rc) == TPM2_RC_HANDLE)
		return -ENOENT;
	if (rc != TSS2_RC_SUCCESS)
		return tpm2_fail(rc, "the TPM's %s cannot be looked at", indices[which].text);
	index->public = *public;
	r = tpm2_index_name(public, &ours) && tpm2_same_name(&ours, name)
		? 0
		: tpm2_untrusted("name and attributes of the TPM's %s do not fit together",
				 indices[which].text);
	Esys_Free(public);
	Esys_Free(name);
	if (r >= 0 && !is_ours(which, &index->public))
		r = foreign(which);
	if (r < 0)
		return r;
	rc = make_tr(s, &index->public, &index->tr);
	return rc == TSS2_RC_SUCCESS ? 0 : diag_fail(DIAG_INTERNAL, EIO, "tpm2-tss: 0x%x", rc);
}

/* The name that we told with the command was not the index's own: whose it is then, look. */
static int not_the_name(struct keystore_session *s, enum tpm2_which which)
{
	int r = tpm2_index_look(s, which);

	if (r == -ENOENT)
		return tpm2_index_missing(which);
	return r < 0 ? r : tpm2_untrusted("the TPM refuses to read its %s", indices[which].text);
}

int tpm2_index_read(struct keystore_session *s, enum tpm2_which which, void *ret, uint16_t len)
{
	TPM2B_MAX_NV_BUFFER *data = NULL;
	ESYS_TR guard;
	TSS2_RC rc;
	int r = tpm2_index_assume(s, which);

	if (r >= 0)
		r = tpm2_guard(s, &guard);
	if (r < 0)
		return r;
	if (guard == s->hmac.tr && s->hmac.handle)
		rc = Esys_NV_Read(s->esys, s->index[which].tr, s->index[which].tr, guard,
				  ESYS_TR_NONE, ESYS_TR_NONE, len, 0, &data);
	else
		rc = Esys_NV_Read(s->esys, s->index[which].tr, s->index[which].tr, ESYS_TR_PASSWORD,
				  guard, ESYS_TR_NONE, len, 0, &data);
	if (tpm2_code(rc) == TPM2_RC_HANDLE)
		return tpm2_index_missing(which);
	if (tpm2_code(rc) == TPM2_RC_AUTH_FAIL || tpm2_code(rc) == TPM2_RC_BAD_AUTH ||
	    tpm2_code(rc) == TPM2_RC_NV_UNINITIALIZED || tpm2_code(rc) == TPM2_RC_NV_AUTHORIZATION)
		return not_the_name(s, which);
	if (rc != TSS2_RC_SUCCESS)
		return tpm2_fail(rc, "the TPM's %s cannot be read", indices[which].text);
	if (data->size == len)
		memcpy(ret, data->buffer, len);
	else
		r = tpm2_untrusted("the TPM's %s has another size", indices[which].text);
	Esys_Free(data);
	return r;
}

int tpm2_index_define(struct keystore_session *s, enum tpm2_which which, const TPM2B_DIGEST *policy)
{
	const TPM2B_AUTH none = {0};
	TPM2B_NV_PUBLIC public;
	ESYS_TR session, tr = ESYS_TR_NONE;
	TSS2_RC rc;
	int r = tpm2_hmac_session(s, &session);

	if (r < 0)
		return r;
	tpm2_index_expected(which, policy, false, &public);
	rc = Esys_NV_DefineSpace(s->esys, ESYS_TR_RH_OWNER, session, ESYS_TR_NONE, ESYS_TR_NONE,
				 &none, &public, &tr);
	if (rc != TSS2_RC_SUCCESS)
		return tpm2_fail(rc, "the TPM's %s (NV index 0x%08x) cannot be made",
				 indices[which].text, indices[which].handle);
	if (s->index[which].tr != ESYS_TR_NONE)
		Esys_TR_Close(s->esys, &s->index[which].tr);
	s->index[which] = (struct tpm2_index){.tr = tr, .public = public};
	return 0;
}

int tpm2_index_undefine(struct keystore_session *s, enum tpm2_which which)
{
	ESYS_TR session;
	TSS2_RC rc;
	int r = tpm2_hmac_session(s, &session);

	if (r < 0)
		return r;
	rc = Esys_NV_UndefineSpace(s->esys, ESYS_TR_RH_OWNER, s->index[which].tr, session,
				   ESYS_TR_NONE, ESYS_TR_NONE);
	if (rc != TSS2_RC_SUCCESS)
		return tpm2_fail(rc, "the TPM's %s (NV index 0x%08x) cannot be taken away",
				 indices[which].text, indices[which].handle);
	s->index[which] = (struct tpm2_index){.tr = ESYS_TR_NONE};
	return 0;
}
