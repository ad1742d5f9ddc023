/* SPDX-License-Identifier: Apache-2.0 */
/* What erasing needs beside the count: no satisfied session left over, and a proof. */
#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "keystore/tpm2/private.h"

int tpm2_property(struct keystore_session *s, TPM2_PT property, uint32_t *ret)
{
	TPMS_CAPABILITY_DATA *data = NULL;
	TPMI_YES_NO more;
	TSS2_RC rc = Esys_GetCapability(s->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
					TPM2_CAP_TPM_PROPERTIES, property, 1, &more, &data);
	const TPML_TAGGED_TPM_PROPERTY *list = data ? &data->data.tpmProperties : NULL;
	bool found = rc == TSS2_RC_SUCCESS && data->capability == TPM2_CAP_TPM_PROPERTIES &&
		     list->count >= 1 && list->tpmProperty[0].property == property;

	if (found)
		*ret = list->tpmProperty[0].value;
	Esys_Free(data);
	if (rc != TSS2_RC_SUCCESS)
		return tpm2_fail(rc, "the TPM's properties cannot be read");
	return found ? 0 : tpm2_untrusted("the TPM does not tell its property 0x%x", property);
}

static int list_sessions(struct keystore_session *s, TPM2_HT type, TPML_HANDLE *ret)
{
	TPMS_CAPABILITY_DATA *data = NULL;
	TPMI_YES_NO more;
	TSS2_RC rc =
	    Esys_GetCapability(s->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CAP_HANDLES,
			       (uint32_t)type << TPM2_HR_SHIFT, TPM2_MAX_CAP_HANDLES, &more, &data);

	if (rc != TSS2_RC_SUCCESS)
		return tpm2_fail(rc, "the TPM's sessions cannot be listed");
	*ret = data->data.handles;
	Esys_Free(data);
	return 0;
}

static bool is_own(const struct keystore_session *s, TPM2_HANDLE handle)
{
	/* Handles of loaded and saved sessions differ in their type only. */
	return (s->hmac.handle && ((handle ^ s->hmac.handle) & TPM2_HR_HANDLE_MASK) == 0) ||
	       (s->policy.handle && ((handle ^ s->policy.handle) & TPM2_HR_HANDLE_MASK) == 0);
}

static bool flush(struct keystore_session *s, TPM2_HANDLE handle)
{
	ESYS_TR tr;

	if (Esys_TR_FromTPMPublic(s->esys, handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &tr) !=
	    TSS2_RC_SUCCESS)
		return false;
	if (Esys_FlushContext(s->esys, tr) == TSS2_RC_SUCCESS)
		return true;
	Esys_TR_Close(s->esys, &tr);
	return false;
}

int tpm2_flush_sessions(struct keystore_session *s, unsigned *ret_left)
{
	static const TPM2_HT types[] = {TPM2_HT_LOADED_SESSION, TPM2_HT_SAVED_SESSION};
	unsigned left = 0;
	int r = 0;

	for (size_t t = 0; t < 2 && r >= 0; t++) {
		TPML_HANDLE handles = {0};

		r = list_sessions(s, types[t], &handles);
		for (uint32_t i = 0; r >= 0 && i < handles.count; i++) {
			TPM2_HANDLE index = handles.handle[i] & TPM2_HR_HANDLE_MASK;

			if (is_own(s, handles.handle[i]))
				continue;
			/* A saved session is flushed by its real handle: of an HMAC or a policy
			 * session, which the list does not tell apart. */
			if (!flush(s, handles.handle[i]) &&
			    !flush(s, TPM2_POLICY_SESSION_FIRST | index) &&
			    !flush(s, TPM2_HMAC_SESSION_FIRST | index))
				left++;
		}
	}
	if (r >= 0)
		*ret_left = left;
	return r;
}

/* In a session of its own, without PCRs: their refusal would prove nothing. */
static int refuses(struct keystore_session *s, const struct tpm2_blob *b)
{
	TPM2B_OPERAND operand;
	TSS2_RC rc;
	int r;

	tpm2_release(s, &s->policy);
	r = tpm2_policy_session(s);
	if (r >= 0)
		r = tpm2_index_assume(s, TPM2_ERASE);
	if (r < 0)
		return r;
	tpm2_operand(b->counters.erase, &operand);
	rc = Esys_PolicyNV(s->esys, s->index[TPM2_ERASE].tr, s->index[TPM2_ERASE].tr, s->policy.tr,
			   ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &operand, 0, TPM2_EO_EQ);
	tpm2_release(s, &s->policy);
	if (tpm2_code(rc) == TPM2_RC_POLICY)
		return 0;
	if (rc == TSS2_RC_SUCCESS)
		return diag_fail(DIAG_KEYSTORE_FAILED, EEXIST,
				 "NOT ERASED: the TPM still accepts what the sealed secret waits "
				 "for");
	return tpm2_fail(rc, "NOT PROVEN: the TPM refuses for another reason");
}

int tpm2_prove_erased(struct keystore_session *s, const struct tpm2_blob *b)
{
	uint64_t now;
	ESYS_TR session;
	int r = tpm2_hmac_session(s, &session);

	if (r >= 0)
		r = tpm2_counter_read(s, TPM2_ERASE, &now);
	if (r < 0)
		return r;
	if (now <= b->counters.erase)
		return diag_fail(DIAG_KEYSTORE_FAILED, EEXIST,
				 "NOT ERASED: the TPM's erase counter stands at %llu, and the "
				 "sealed secret opens at %llu",
				 (unsigned long long)now, (unsigned long long)b->counters.erase);
	return refuses(s, b);
}
