/* SPDX-License-Identifier: Apache-2.0 */
/* A storage key that stays in the TPM.
 * Source: systemd 256, src/shared/tpm2-util.c, tpm2_serialize(), tpm2_calculate_serialize() */
#include <errno.h>
#include <tss2/tss2_mu.h>

#include "base/diag.h"
#include "keystore/systemd-token/stored.h"
#include "keystore/tpm2/error.h"
#include "keystore/tpm2/name.h"

#define KEY_RESOURCE 1 /* tpm2-tss, src/tss2-esys/esys_types.h, IESYSC_KEY_RSRC */

bool systemd_token_stored_decode(const struct tpm2_token_bytes *srk, TPM2_HANDLE *ret_handle,
				 TPM2B_NAME *ret_name)
{
	TPM2_HANDLE handle = 0;
	TPM2B_NAME name = {0}, own;
	TPM2B_PUBLIC public = {0};
	UINT32 kind = 0;
	size_t at = 0;

	if (Tss2_MU_TPM2_HANDLE_Unmarshal(srk->bytes, srk->len, &at, &handle) ||
	    Tss2_MU_TPM2B_NAME_Unmarshal(srk->bytes, srk->len, &at, &name) ||
	    Tss2_MU_UINT32_Unmarshal(srk->bytes, srk->len, &at, &kind) || kind != KEY_RESOURCE ||
	    Tss2_MU_TPM2B_PUBLIC_Unmarshal(srk->bytes, srk->len, &at, &public) || at != srk->len)
		return false;
	if (handle >> TPM2_HR_SHIFT != TPM2_HT_PERSISTENT || !tpm2_object_name(&public, &own) ||
	    !tpm2_same_name(&own, &name))
		return false;
	*ret_handle = handle;
	*ret_name = name;
	return true;
}

static int foreign(TPM2_HANDLE handle, const char *what)
{
	int r = diag_fail(DIAG_KEYSTORE_FOREIGN, EKEYREJECTED,
			  "the token was sealed under a key at 0x%08x, and this TPM has %s there: "
			  "it is another one, or was cleared since",
			  handle, what);

	diag_state("nothing was opened");
	diag_next("unlock with a passphrase or recovery key, and run systemd-cryptenroll with this "
		  "TPM");
	return r;
}

/* Compares the name of the TPM's key. Not guarded: this only gives a better reason for what would
 * fail later. */
static int look(struct keystore_session *s, TPM2_HANDLE handle, const TPM2B_NAME *name)
{
	ESYS_TR tr = ESYS_TR_NONE;
	TPM2B_NAME *there = NULL;
	TSS2_RC rc =
	    Esys_TR_FromTPMPublic(s->esys, handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &tr);
	int r = 0;

	if (tpm2_code(rc) == TPM2_RC_HANDLE)
		return foreign(handle, "none");
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_TR_GetName(s->esys, tr, &there);
	if (rc != TSS2_RC_SUCCESS)
		r = tpm2_fail(rc, "the token's storage key cannot be read");
	else if (!tpm2_same_name(there, name))
		r = foreign(handle, "another one");
	Esys_Free(there);
	if (tr != ESYS_TR_NONE)
		Esys_TR_Close(s->esys, &tr);
	return r;
}

int systemd_token_stored(struct keystore_session *s, const struct tpm2_token_bytes *srk)
{
	ESYS_TR tr = ESYS_TR_NONE;
	TPM2_HANDLE handle;
	TPM2B_NAME name;
	TSS2_RC rc;
	int r;

	if (!systemd_token_stored_decode(srk, &handle, &name))
		return diag_fail(DIAG_DAMAGED, EUCLEAN,
				 "the token's tpm2_srk is no persistent key with its name");
	r = look(s, handle, &name);
	if (r < 0)
		return r;
	/* Use the key as the token has it, not as the TPM said: sessions are salted to it, and
	 * whoever answers without its private part cannot compute them. */
	rc = Esys_TR_Deserialize(s->esys, srk->bytes, srk->len, &tr);
	if (rc != TSS2_RC_SUCCESS)
		return tpm2_fail(rc, "the token's storage key cannot be used");
	s->srk = tr;
	return 0;
}
