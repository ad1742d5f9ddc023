/* SPDX-License-Identifier: Apache-2.0 */
/* What erasing needs besides the count: no satisfied session is left, and a proof. */
#include <errno.h>

#include "base/diag.h"
#include "keystore/tpm2/capability.h"
#include "keystore/tpm2/counter.h"
#include "keystore/tpm2/digest.h"
#include "keystore/tpm2/erase.h"
#include "keystore/tpm2/error.h"
#include "keystore/tpm2/index.h"
#include "keystore/tpm2/session.h"

static bool is_own(const struct keystore_session *s, TPM2_HANDLE handle)
{
	/* Handles of loaded and saved sessions differ only in their type. */
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

		r = tpm2_handles(s, types[t], &handles);
		for (uint32_t i = 0; r >= 0 && i < handles.count; i++) {
			TPM2_HANDLE index = handles.handle[i] & TPM2_HR_HANDLE_MASK;

			if (is_own(s, handles.handle[i]))
				continue;
			/* A saved session is flushed by its own handle, that of an HMAC or a policy
			 * session. The list does not say which of the two it is. */
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

/* The TPM must refuse PolicyNV(E = @erase). In a new session without PCRs: a refusal because of
 * PCRs would prove nothing. */
static int check_refusal(struct keystore_session *s, uint64_t erase)
{
	const TPM2B_OPERAND operand = tpm2_policy_operand(erase);
	TSS2_RC rc;
	int r;

	tpm2_release(s, &s->policy);
	r = tpm2_policy_session(s);
	if (r >= 0)
		r = tpm2_index_assume(s, TPM2_ERASE);
	if (r < 0)
		return r;
	rc = Esys_PolicyNV(s->esys, s->index[TPM2_ERASE].tr, s->index[TPM2_ERASE].tr, s->policy.tr,
			   ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &operand, 0, TPM2_EO_EQ);
	tpm2_release(s, &s->policy);
	if (tpm2_code(rc) == TPM2_RC_POLICY)
		return 0;
	if (rc == TSS2_RC_SUCCESS)
		return diag_fail(DIAG_KEYSTORE_FAILED, EEXIST,
				 "NOT ERASED: the TPM still accepts the value of the erase counter "
				 "at which the sealed secret opens");
	return tpm2_fail(rc, "NOT PROVEN: the TPM refuses for another reason");
}

int tpm2_prove_erased(struct keystore_session *s, uint64_t erase)
{
	uint64_t now;
	ESYS_TR session;
	int r = tpm2_hmac_session(s, &session);

	if (r >= 0)
		r = tpm2_counter_read(s, TPM2_ERASE, &now);
	if (r < 0)
		return r;
	if (now <= erase)
		return diag_fail(DIAG_KEYSTORE_FAILED, EEXIST,
				 "NOT ERASED: the TPM's erase counter is %llu, and the "
				 "sealed secret opens at %llu",
				 (unsigned long long)now, (unsigned long long)erase);
	return check_refusal(s, erase);
}
