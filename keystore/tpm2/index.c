/* SPDX-License-Identifier: Apache-2.0 */
/* NV indices in a TPM: looked at, read, defined, undefined. */
#include <errno.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "base/diag.h"
#include "keystore/tpm2/error.h"
#include "keystore/tpm2/index.h"
#include "keystore/tpm2/name.h"
#include "keystore/tpm2/session.h"

int tpm2_index_missing(enum tpm2_which which)
{
	int r = diag_fail(DIAG_KEYSTORE_FOREIGN, ENOKEY,
			  "the TPM has no %s (NV index 0x%08x): it was cleared, replaced, or never "
			  "provisioned",
			  tpm2_index_text(which), tpm2_index_handle(which));

	diag_next("the keys that it guarded are gone: restore from escrow, or provision again");
	return r;
}

static int foreign(enum tpm2_which which)
{
	int r = diag_fail(DIAG_KEYSTORE_FOREIGN, EEXIST,
			  "NV index 0x%08x exists, but it is not what holdfast makes for its %s",
			  tpm2_index_handle(which), tpm2_index_text(which));

	diag_state("it was left as it is and is not used");
	diag_next("if nothing needs it, `tpm2_nvundefine -C o 0x%08x` removes it",
		  tpm2_index_handle(which));
	return r;
}

/* tpm2-tss has no call that makes a handle from a known public area. So this writes what
 * Esys_TR_Serialize() writes: handle, name, kind (2: NV), public area. A test compares the two. */
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
	index->public = tpm2_index_public(which, NULL, true);
	rc = make_tr(s, &index->public, &index->tr);
	return rc == TSS2_RC_SUCCESS
		   ? 0
		   : diag_fail(DIAG_INTERNAL, EIO, "tpm2-tss takes no name of an NV index (0x%x)",
			       rc);
}

static bool is_ours(enum tpm2_which which, const TPM2B_NV_PUBLIC *p)
{
	bool written = p->nvPublic.attributes & TPMA_NV_WRITTEN;
	bool bound = tpm2_index_is_anchor(which) && p->nvPublic.authPolicy.size;
	TPM2B_NV_PUBLIC expected =
	    tpm2_index_public(which, bound ? &p->nvPublic.authPolicy : NULL, written);
	TPM2B_NAME a, b;

	if (tpm2_index_is_anchor(which) && p->nvPublic.dataSize == TPM2_ANCHOR_OLD_BYTES)
		expected.nvPublic.dataSize = TPM2_ANCHOR_OLD_BYTES;
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
	/* No session can guard this, because its HMAC would be over the name that is asked for. All
	 * later commands on the index are guarded, over the name that was answered. */
	index->public = tpm2_index_public(which, NULL, false);
	rc = make_tr(s, &index->public, &bare);
	if (rc == TSS2_RC_SUCCESS) {
		rc = Esys_NV_ReadPublic(s->esys, bare, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
					&public, &name);
		Esys_TR_Close(s->esys, &bare);
	}
	if (tpm2_code(rc) == TPM2_RC_HANDLE)
		return -ENOENT;
	if (rc != TSS2_RC_SUCCESS)
		return tpm2_fail(rc, "the TPM's %s cannot be looked at", tpm2_index_text(which));
	index->public = *public;
	r = tpm2_index_name(public, &ours) && tpm2_same_name(&ours, name)
		? 0
		: tpm2_untrusted("name and attributes of the TPM's %s do not match",
				 tpm2_index_text(which));
	Esys_Free(public);
	Esys_Free(name);
	if (r >= 0 && !is_ours(which, &index->public))
		r = foreign(which);
	if (r < 0)
		return r;
	rc = make_tr(s, &index->public, &index->tr);
	return rc == TSS2_RC_SUCCESS ? 0 : diag_fail(DIAG_INTERNAL, EIO, "tpm2-tss: 0x%x", rc);
}

/* The name in the command was not the index's own. Finds out why. */
static int other_name(struct keystore_session *s, enum tpm2_which which)
{
	int r = tpm2_index_look(s, which);

	if (r == -ENOENT)
		return tpm2_index_missing(which);
	return r < 0 ? r : tpm2_untrusted("the TPM refuses to read its %s", tpm2_index_text(which));
}

int tpm2_index_read(struct keystore_session *s, enum tpm2_which which, void *ret, uint16_t len)
{
	TPM2B_MAX_NV_BUFFER *data = NULL;
	ESYS_TR guard;
	TSS2_RC rc;
	int r = tpm2_index_assume(s, which);

	if (r >= 0)
		r = tpm2_guard_session(s, &guard);
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
		return other_name(s, which);
	if (rc != TSS2_RC_SUCCESS)
		return tpm2_fail(rc, "the TPM's %s cannot be read", tpm2_index_text(which));
	if (data->size == len)
		memcpy(ret, data->buffer, len);
	else
		r = tpm2_untrusted("the TPM's %s has another size", tpm2_index_text(which));
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
	public = tpm2_index_public(which, policy, false);
	rc = Esys_NV_DefineSpace(s->esys, ESYS_TR_RH_OWNER, session, ESYS_TR_NONE, ESYS_TR_NONE,
				 &none, &public, &tr);
	if (rc != TSS2_RC_SUCCESS)
		return tpm2_fail(rc, "the TPM's %s (NV index 0x%08x) cannot be made",
				 tpm2_index_text(which), tpm2_index_handle(which));
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
		return tpm2_fail(rc, "the TPM's %s (NV index 0x%08x) cannot be removed",
				 tpm2_index_text(which), tpm2_index_handle(which));
	s->index[which] = (struct tpm2_index){.tr = ESYS_TR_NONE};
	return 0;
}
