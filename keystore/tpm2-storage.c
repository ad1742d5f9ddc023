/* SPDX-License-Identifier: Apache-2.0 */
/* The storage root key: found, judged, made. TCG TPM v2.0 Provisioning Guidance, 7.5.1. */
#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "keystore/tpm2.h"

#define ATTRIBUTES                                                                                 \
	(TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |        \
	 TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA | TPMA_OBJECT_RESTRICTED |                    \
	 TPMA_OBJECT_DECRYPT)

static const TPM2B_PUBLIC template = {
    .publicArea =
	{
	    .type = TPM2_ALG_ECC,
	    .nameAlg = TPM2_ALG_SHA256,
	    .objectAttributes = ATTRIBUTES,
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

static int foreign(const char *why)
{
	int r = diag_fail(DIAG_KEYSTORE_FOREIGN, EKEYREJECTED,
			  "the TPM's key at 0x%08x is not the storage root key %s", TPM2_HANDLE_SRK,
			  why);

	diag_state("nothing was opened, nothing was changed");
	return r;
}

static int get_name(struct keystore_session *s, ESYS_TR object, uint8_t ret[static TPM2_NAME_BYTES])
{
	TPM2B_NAME *name = NULL;
	TSS2_RC rc = Esys_TR_GetName(s->esys, object, &name);
	bool right = rc == TSS2_RC_SUCCESS && name->size == TPM2_NAME_BYTES;

	if (right)
		memcpy(ret, name->name, TPM2_NAME_BYTES);
	Esys_Free(name);
	if (rc != TSS2_RC_SUCCESS)
		return tpm2_check(rc, "naming a key");
	return right ? 0 : foreign("(its name has another algorithm)");
}

/* A key that anybody could have put there, or that leaves the TPM, guards nothing. */
static int check_attributes(struct keystore_session *s)
{
	const TPMA_OBJECT wanted = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
				   TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_RESTRICTED |
				   TPMA_OBJECT_DECRYPT;
	TPM2B_PUBLIC *public = NULL;
	TSS2_RC rc = Esys_ReadPublic(s->esys, s->srk, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
				     &public, NULL, NULL);
	bool right;

	if (rc != TSS2_RC_SUCCESS)
		return tpm2_check(rc, "reading the storage root key");
	right = public->publicArea.type == TPM2_ALG_ECC &&
		(public->publicArea.objectAttributes & wanted) == wanted;
	Esys_Free(public);
	return right ? 0 : foreign("(it is none that stays in the TPM, or another program's)");
}

/* 1, 0 where nothing stands there, -errno. */
static int find(struct keystore_session *s)
{
	TSS2_RC rc;

	if (s->srk != ESYS_TR_NONE)
		return 1;
	rc = Esys_TR_FromTPMPublic(s->esys, TPM2_HANDLE_SRK, ESYS_TR_NONE, ESYS_TR_NONE,
				   ESYS_TR_NONE, &s->srk);
	if (tpm2_error(rc) == TPM2_RC_HANDLE)
		return 0;
	if (rc != TSS2_RC_SUCCESS)
		return tpm2_check(rc, "looking for the storage root key");
	return get_name(s, s->srk, s->srk_name) < 0 ? -EKEYREJECTED : 1;
}

int tpm2_srk_load(struct keystore_session *s, const uint8_t *name)
{
	int r = find(s);

	if (r == 0) {
		r = diag_fail(DIAG_KEYSTORE_FOREIGN, ENOKEY,
			      "the TPM has no storage root key at 0x%08x: it was cleared, or is "
			      "another one",
			      TPM2_HANDLE_SRK);
		diag_next("what was sealed by it is lost if it was cleared: an escrowed key brings "
			  "volumes back (holdfast key restore)");
		return r;
	}
	if (r > 0 && name && memcmp(s->srk_name, name, TPM2_NAME_BYTES) != 0) {
		r = foreign("that these keys were sealed under: it is another TPM, it was cleared "
			    "since, or something in between gives another key");
		diag_next(
		    "bring back the TPM that the device was provisioned with, or `holdfast key "
		    "restore`");
	}
	return r < 0 ? r : 0;
}

static int make(struct keystore_session *s, ESYS_TR *ret)
{
	const TPM2B_SENSITIVE_CREATE none = {0};
	const TPML_PCR_SELECTION no_pcrs = {0};
	const TPM2B_DATA no_data = {0};
	TSS2_RC rc = Esys_CreatePrimary(s->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE,
					ESYS_TR_NONE, &none, &template, &no_data, &no_pcrs, ret,
					NULL, NULL, NULL, NULL);

	if (tpm2_error(rc) == TPM2_RC_BAD_AUTH || tpm2_error(rc) == TPM2_RC_AUTH_FAIL) {
		int r = diag_fail(DIAG_KEYSTORE_OWNER, EACCES,
				  "the TPM's owner has an authorisation, and what was given is not "
				  "it");

		diag_state("nothing was changed");
		diag_next("--owner-file FILE or --owner-fd N gives it, for provisioning only");
		return r;
	}
	return tpm2_check(rc, "making the storage root key");
}

int tpm2_srk_prepare(struct keystore_session *s)
{
	uint8_t name[TPM2_NAME_BYTES];
	ESYS_TR primary = ESYS_TR_NONE, kept = ESYS_TR_NONE;
	int r = make(s, &primary);
	int found = r < 0 ? r : find(s);

	if (found >= 0)
		r = get_name(s, primary, name);
	if (found == 0 && r >= 0)
		r = tpm2_check(Esys_EvictControl(s->esys, ESYS_TR_RH_OWNER, primary,
						 ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
						 TPM2_HANDLE_SRK, &kept),
			       "keeping the storage root key");
	tpm2_flush(s, &primary);
	if (found < 0 || r < 0)
		return found < 0 ? found : r;
	if (found == 0) {
		s->srk = kept;
		memcpy(s->srk_name, name, sizeof(name));
	} else if (memcmp(s->srk_name, name, sizeof(name)) != 0) {
		r = foreign("that TCG's template gives: another program made it");
		diag_next("look at it with tpm2_readpublic -c 0x81000001; if nothing needs it, "
			  "tpm2_evictcontrol -c 0x81000001 takes it away, and the same command "
			  "then makes the right one");
		return r;
	}
	return check_attributes(s);
}
