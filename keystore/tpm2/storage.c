/* SPDX-License-Identifier: Apache-2.0 */
/* The storage root key, under which everything is sealed. */
#include <errno.h>

#include "base/diag.h"
#include "keystore/tpm2/error.h"
#include "keystore/tpm2/name.h"
#include "keystore/tpm2/session.h"
#include "keystore/tpm2/storage.h"

#define NEEDED                                                                                     \
	(TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |        \
	 TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT)

/* The TCG's template (Provisioning Guidance 7.5.1, EK Credential Profile template L-2) has 32
 * zeroes in each coordinate; systemd's has empty ones. */
static void template(bool zeroes, TPM2B_PUBLIC *ret)
{
	*ret = (TPM2B_PUBLIC){
	    .publicArea =
		{
		    .type = TPM2_ALG_ECC,
		    .nameAlg = TPM2_ALG_SHA256,
		    .objectAttributes = NEEDED | TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA,
		    .parameters.eccDetail =
			{
			    .symmetric = {.algorithm = TPM2_ALG_AES,
					  .keyBits.aes = 128,
					  .mode.aes = TPM2_ALG_CFB},
			    .scheme.scheme = TPM2_ALG_NULL,
			    .curveID = TPM2_ECC_NIST_P256,
			    .kdf.scheme = TPM2_ALG_NULL,
			},
		},
	};
	if (zeroes) {
		ret->publicArea.unique.ecc.x.size = 32;
		ret->publicArea.unique.ecc.y.size = 32;
	}
}

/* @p is the template except for the point itself. */
static bool fits(const TPM2B_PUBLIC *p)
{
	TPM2B_PUBLIC expected;
	TPM2B_NAME a, b;

	template(false, &expected);
	expected.publicArea.unique = p->publicArea.unique;
	return (p->publicArea.objectAttributes & NEEDED) == NEEDED &&
	       tpm2_object_name(&expected, &a) && tpm2_object_name(p, &b) && tpm2_same_name(&a, &b);
}

static int foreign(const char *why)
{
	int r = diag_fail(DIAG_KEYSTORE_FOREIGN, EEXIST,
			  "the TPM's key at 0x%08x is not the TCG's ECC P-256 storage key: %s",
			  TPM2_SRK_HANDLE, why);

	diag_state("it was left as it is and is not used");
	diag_next("if nothing needs it, `tpm2_evictcontrol -C o -c 0x%08x` removes it",
		  TPM2_SRK_HANDLE);
	return r;
}

int tpm2_storage_find(struct keystore_session *s)
{
	ESYS_TR tr = ESYS_TR_NONE;
	TSS2_RC rc;
	TPM2B_NAME *told = NULL;

	rc = Esys_TR_FromTPMPublic(s->esys, TPM2_SRK_HANDLE, ESYS_TR_NONE, ESYS_TR_NONE,
				   ESYS_TR_NONE, &tr);
	if (tpm2_code(rc) == TPM2_RC_HANDLE)
		return 0;
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_TR_GetName(s->esys, tr, &told);
	if (rc != TSS2_RC_SUCCESS)
		return tpm2_fail(rc, "the storage key cannot be read");
	s->srk = tr;
	s->srk_name = *told;
	Esys_Free(told);
	return 0;
}

int tpm2_storage_compare(const struct keystore *k, const struct keystore_session *s,
			 const TPM2B_NAME *name)
{
	int r = tpm2_session_need_key(s);

	if (r < 0 || tpm2_same_name(name, &s->srk_name))
		return r;
	r = diag_fail(DIAG_KEYSTORE_FOREIGN, EUCLEAN,
		      "keystore %s was sealed under another storage key than this TPM's: the TPM "
		      "was cleared or replaced, or the vault is another device's",
		      k->name);
	diag_state("nothing was opened");
	diag_next("restore from escrow, or provision again");
	return r;
}

/* Derives it in the owner hierarchy, into s->primary. The caller frees *@ret. */
static int create(struct keystore_session *s, bool zeroes, ESYS_TR session, TPM2B_PUBLIC **ret)
{
	const TPM2B_SENSITIVE_CREATE sensitive = {0};
	const TPML_PCR_SELECTION pcrs = {0};
	const TPM2B_DATA outside = {0};
	TPM2B_PUBLIC wanted;
	ESYS_TR tr;
	TSS2_RC rc;

	template(zeroes, &wanted);
	rc = Esys_CreatePrimary(s->esys, ESYS_TR_RH_OWNER, session, ESYS_TR_NONE, ESYS_TR_NONE,
				&sensitive, &wanted, &outside, &pcrs, &tr, ret, NULL, NULL, NULL);
	if (rc == TSS2_RC_SUCCESS)
		tpm2_hold(s, &s->primary, tr);
	else
		return tpm2_fail(rc, "the storage key cannot be derived");
	return 0;
}

/* The persistent key must be the one that the owner's seed gives for either template. */
static int compare(struct keystore_session *s, ESYS_TR session)
{
	bool same = false;

	for (int zeroes = 1; zeroes >= 0 && !same; zeroes--) {
		TPM2B_PUBLIC *public = NULL;
		TPM2B_NAME name;
		int r = create(s, zeroes, session, &public);

		if (r < 0)
			return r;
		same = fits(public) && tpm2_object_name(public, &name) &&
		       tpm2_same_name(&name, &s->srk_name);
		Esys_Free(public);
		tpm2_release(s, &s->primary);
	}
	return same ? 0 : foreign("the owner's seed and the template give another key");
}

static int make(struct keystore_session *s, ESYS_TR session)
{
	TPM2B_PUBLIC *public = NULL;
	ESYS_TR tr = ESYS_TR_NONE;
	TSS2_RC rc;
	int r = create(s, true, session, &public);

	if (r < 0)
		return r;
	r = fits(public) ? 0 : tpm2_untrusted("the storage key is not what was asked for");
	Esys_Free(public);
	if (r < 0)
		return r;
	rc = Esys_EvictControl(s->esys, ESYS_TR_RH_OWNER, s->primary.tr, session, ESYS_TR_NONE,
			       ESYS_TR_NONE, TPM2_SRK_HANDLE, &tr);
	tpm2_release(s, &s->primary);
	if (rc != TSS2_RC_SUCCESS)
		return tpm2_fail(rc, "the storage key cannot be made persistent");
	Esys_TR_Close(s->esys, &tr);
	return tpm2_storage_find(s);
}

/* Before there is a storage key, no session can be salted. The owner's authorisation is proven by
 * an HMAC and never sent. */
static int start_unsalted(struct keystore_session *s)
{
	const TPMT_SYM_DEF none = {.algorithm = TPM2_ALG_NULL};
	ESYS_TR tr = ESYS_TR_NONE;
	TSS2_RC rc =
	    Esys_StartAuthSession(s->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
				  ESYS_TR_NONE, NULL, TPM2_SE_HMAC, &none, TPM2_ALG_SHA256, &tr);

	if (rc != TSS2_RC_SUCCESS)
		return tpm2_fail(rc, "no session could be started");
	tpm2_hold(s, &s->owner, tr);
	Esys_TRSess_SetAttributes(s->esys, tr, TPMA_SESSION_CONTINUESESSION, 0xff);
	return 0;
}

int tpm2_storage_prepare(struct keystore_session *s)
{
	ESYS_TR session;
	int r;

	if (s->srk == ESYS_TR_NONE) {
		r = start_unsalted(s);
		if (r >= 0)
			r = make(s, s->owner.tr);
		tpm2_release(s, &s->owner);
		return r;
	}
	r = tpm2_hmac_session(s, &session);
	return r < 0 ? r : compare(s, session);
}
