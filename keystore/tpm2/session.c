/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions with a TPM. */
#include <errno.h>

#include "base/diag.h"
#include "keystore/tpm2/error.h"
#include "keystore/tpm2/session.h"

static const TPMT_SYM_DEF session_cipher = {
    .algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB};

int tpm2_session_need_key(const struct keystore_session *s)
{
	int r;

	if (s->srk != ESYS_TR_NONE)
		return 0;
	r = diag_fail(DIAG_KEYSTORE_FOREIGN, ENOKEY,
		      "the TPM has no storage key at 0x%08x: it was cleared, replaced, or never "
		      "provisioned",
		      TPM2_SRK_HANDLE);
	diag_next("the keys that it guarded are gone: restore from escrow, or provision again");
	return r;
}

static int start(struct keystore_session *s, TPM2_SE type, struct tpm2_held *held)
{
	ESYS_TR tr = ESYS_TR_NONE;
	TSS2_RC rc;
	int r = tpm2_session_need_key(s);

	if (r < 0)
		return r;
	rc = Esys_StartAuthSession(s->esys, s->srk, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
				   ESYS_TR_NONE, NULL, type, &session_cipher, TPM2_ALG_SHA256, &tr);
	if (rc == TSS2_RC_SUCCESS) {
		tpm2_hold(s, held, tr);
		rc = Esys_TRSess_SetAttributes(s->esys, tr,
					       TPMA_SESSION_CONTINUESESSION | TPMA_SESSION_DECRYPT |
						   TPMA_SESSION_ENCRYPT,
					       0xff);
	}
	return rc == TSS2_RC_SUCCESS ? 0 : tpm2_fail(rc, "no session could be started");
}

int tpm2_hmac_session(struct keystore_session *s, ESYS_TR *ret)
{
	int r = s->hmac.handle ? 0 : start(s, TPM2_SE_HMAC, &s->hmac);

	if (r >= 0)
		*ret = s->hmac.tr;
	return r;
}

int tpm2_policy_session(struct keystore_session *s)
{
	return s->policy.handle ? 0 : start(s, TPM2_SE_POLICY, &s->policy);
}

int tpm2_guard_session(struct keystore_session *s, ESYS_TR *ret)
{
	int r;

	if (s->hmac.handle)
		return tpm2_hmac_session(s, ret);
	r = tpm2_policy_session(s);
	if (r >= 0)
		*ret = s->policy.tr;
	return r;
}
