/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed objects in a TPM: created, loaded, unsealed. */
#include <string.h>

#include "keystore/tpm2/error.h"
#include "keystore/tpm2/object.h"
#include "keystore/tpm2/session.h"

int tpm2_object_create(struct keystore_session *s, ESYS_TR parent, const struct secret *secret,
		       const TPM2B_AUTH *auth, TPM2B_PUBLIC *object, TPM2B_PRIVATE *ret)
{
	const TPML_PCR_SELECTION pcrs = {0};
	const TPM2B_DATA outside = {0};
	TPM2B_SENSITIVE_CREATE sensitive = {
	    .sensitive = {.userAuth = *auth, .data.size = (UINT16)secret_len(secret)}};
	TPM2B_PUBLIC *public = NULL;
	TPM2B_PRIVATE *private = NULL;
	ESYS_TR session;
	TSS2_RC rc;
	int r = tpm2_hmac_session(s, &session);

	if (r < 0)
		return r;
	memcpy(sensitive.sensitive.data.buffer, secret_bytes(secret), secret_len(secret));
	rc = Esys_Create(s->esys, parent, session, ESYS_TR_NONE, ESYS_TR_NONE, &sensitive, object,
			 &outside, &pcrs, &private, &public, NULL, NULL, NULL);
	explicit_bzero(&sensitive, sizeof(sensitive));
	if (rc != TSS2_RC_SUCCESS)
		return tpm2_fail(rc, "a secret cannot be sealed");
	*object = *public;
	*ret = *private;
	Esys_Free(public);
	Esys_Free(private);
	return 0;
}

static TSS2_RC import(struct keystore_session *s, const TPM2B_PUBLIC *object,
		      const TPM2B_PRIVATE *duplicate, const TPM2B_ENCRYPTED_SECRET *seed,
		      TPM2B_PRIVATE *ret)
{
	const TPMT_SYM_DEF_OBJECT no_inner = {.algorithm = TPM2_ALG_NULL};
	const TPM2B_DATA no_key = {0};
	TPM2B_PRIVATE *imported = NULL;
	TSS2_RC rc = Esys_Import(s->esys, s->srk, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
				 &no_key, object, duplicate, seed, &no_inner, &imported);

	if (rc == TSS2_RC_SUCCESS)
		*ret = *imported;
	Esys_Free(imported);
	return rc;
}

TSS2_RC tpm2_object_load(struct keystore_session *s, const TPM2B_PUBLIC *object,
			 const TPM2B_PRIVATE *private, const TPM2B_ENCRYPTED_SECRET *seed)
{
	TPM2B_PRIVATE own = *private;
	ESYS_TR tr;
	TSS2_RC rc = seed->size ? import(s, object, private, seed, &own) : TSS2_RC_SUCCESS;

	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_Load(s->esys, s->srk, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &own,
			       object, &tr);
	if (rc == TSS2_RC_SUCCESS)
		tpm2_hold(s, &s->object, tr);
	return rc;
}

TSS2_RC tpm2_object_unseal(struct keystore_session *s, TPM2B_SENSITIVE_DATA **ret)
{
	TSS2_RC rc;

	Esys_TRSess_SetAttributes(s->esys, s->policy.tr, 0, TPMA_SESSION_CONTINUESESSION);
	rc = Esys_Unseal(s->esys, s->object.tr, s->policy.tr, ESYS_TR_NONE, ESYS_TR_NONE, ret);
	if (rc == TSS2_RC_SUCCESS)
		tpm2_forget(&s->policy);
	return rc;
}
