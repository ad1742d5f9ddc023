/* SPDX-License-Identifier: Apache-2.0 */
/* Policies, run on the TPM in s->policy. */
#include <errno.h>

#include "base/diag.h"
#include "keystore/tpm2/counter.h"
#include "keystore/tpm2/error.h"
#include "keystore/tpm2/index.h"
#include "keystore/tpm2/name.h"
#include "keystore/tpm2/pcr.h"
#include "keystore/tpm2/policy.h"
#include "keystore/tpm2/signature.h"

static int not_signed(const char *path)
{
	int r = diag_fail(DIAG_KEYSTORE_POLICY, EKEYREJECTED,
			  "a signature of %s over the PCRs does not verify", path);

	diag_next("boot an image whose PCRs were signed by the vendor's key");
	return r;
}

/* Has the TPM check the signature. The ticket says that this TPM did; the caller frees it. */
static int verify(struct keystore_session *s, const struct tpm2_boot *b,
		  const TPM2B_DIGEST *approved, const TPMT_SIGNATURE *signature, const char *path,
		  TPMT_TK_VERIFIED **ret)
{
	TPM2B_DIGEST hash;
	ESYS_TR tr;
	TSS2_RC rc;

	if (!tpm2_digest_signed(approved, b->version, &hash))
		return diag_fail(DIAG_INTERNAL, EIO, "a digest cannot be computed");
	rc = Esys_LoadExternal(s->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, NULL, &b->key,
			       ESYS_TR_RH_OWNER, &tr);
	if (rc != TSS2_RC_SUCCESS)
		return tpm2_fail(rc, "the TPM does not take the key of the PCR policy");
	tpm2_hold(s, &s->key, tr);
	rc = Esys_VerifySignature(s->esys, tr, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &hash,
				  signature, ret);
	tpm2_release(s, &s->key);
	if (tpm2_code(rc) == TPM2_RC_SIGNATURE)
		return not_signed(path);
	return rc == TSS2_RC_SUCCESS ? 0 : tpm2_fail(rc, "a signature cannot be checked");
}

int tpm2_policy_digest(struct keystore_session *s, TPM2B_DIGEST *ret)
{
	TPM2B_DIGEST *digest = NULL;
	TSS2_RC rc = Esys_PolicyGetDigest(s->esys, s->policy.tr, ESYS_TR_NONE, ESYS_TR_NONE,
					  ESYS_TR_NONE, &digest);
	int r = 0;

	if (rc != TSS2_RC_SUCCESS)
		return tpm2_fail(rc, "the policy's digest cannot be read");
	if (digest->size == SHA256_BYTES)
		*ret = *digest;
	else
		r = tpm2_untrusted("the policy's digest has another size");
	Esys_Free(digest);
	return r;
}

/* If the file has several signatures, one for each phase of the boot, the TPM says which is meant.
 */
static int find_signature(struct keystore_session *s, const struct tpm2_boot *b, const char *path,
			  TPM2B_DIGEST *ret_approved, TPM2B_PUBLIC_KEY_RSA *ret)
{
	TPM2B_DIGEST approved = {0};
	int r = tpm2_signature_find(path, b, &approved, ret);

	if (r == -E2BIG) {
		r = tpm2_policy_digest(s, &approved);
		if (r >= 0)
			r = tpm2_signature_find(path, b, &approved, ret);
	}
	if (r >= 0)
		*ret_approved = approved;
	return r;
}

static int authorize(struct keystore_session *s, const struct tpm2_boot *b, const char *path)
{
	const TPM2B_NONCE ref = tpm2_policy_ref(b->version);
	TPMT_SIGNATURE signature = {.sigAlg = TPM2_ALG_RSASSA,
				    .signature.rsassa.hash = TPM2_ALG_SHA256};
	TPMT_TK_VERIFIED *ticket = NULL;
	TPM2B_DIGEST approved;
	TPM2B_NAME key;
	TSS2_RC rc;
	int r = find_signature(s, b, path, &approved, &signature.signature.rsassa.sig);

	if (r >= 0 && !tpm2_object_name(&b->key, &key))
		r = diag_fail(DIAG_INTERNAL, EIO, "a name cannot be computed");
	if (r >= 0)
		r = verify(s, b, &approved, &signature, path, &ticket);
	if (r < 0)
		return r;
	rc = Esys_PolicyAuthorize(s->esys, s->policy.tr, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
				  &approved, &ref, &key, ticket);
	Esys_Free(ticket);
	if (tpm2_code(rc) == TPM2_RC_VALUE)
		return tpm2_signature_missing(path, b);
	return rc == TSS2_RC_SUCCESS ? 0 : tpm2_fail(rc, "the signed PCR policy is not accepted");
}

int tpm2_policy_boot(struct keystore_session *s, const struct tpm2_boot *b, const char *path)
{
	const TPML_PCR_SELECTION selection = tpm2_boot_selection(b);
	TPM2B_DIGEST policy = tpm2_digest_zero(), values = {0};
	TSS2_RC rc;

	if (!b->pcrs)
		return 0;
	if (!b->is_signed && !tpm2_digest_pcr(b, &policy, &values))
		return diag_fail(DIAG_INTERNAL, EIO, "a digest cannot be computed");
	rc = Esys_PolicyPCR(s->esys, s->policy.tr, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
			    &values, &selection);
	if (!b->is_signed && tpm2_code(rc) == TPM2_RC_VALUE)
		return tpm2_pcr_mismatch(s, b);
	if (rc != TSS2_RC_SUCCESS)
		return tpm2_fail(rc, "the PCRs cannot be checked");
	return b->is_signed ? authorize(s, b, path) : 0;
}

/* The counter is not at @value. Finds out on which side. */
static int other_value(struct keystore_session *s, enum tpm2_which which, uint64_t value)
{
	uint64_t now;
	int r = tpm2_counter_read(s, which, &now);

	if (r < 0)
		return r;
	if (now == value)
		return tpm2_untrusted("the TPM's %s has the right value, but the TPM says that it "
				      "does not",
				      tpm2_index_text(which));
	if (now < value)
		r = diag_fail(DIAG_KEYSTORE_FOREIGN, EUCLEAN,
			      "the sealed secret opens when the TPM's %s is %llu, but it is %llu: "
			      "the secret is of another device, or not committed yet",
			      tpm2_index_text(which), (unsigned long long)value,
			      (unsigned long long)now);
	else
		r = diag_fail(DIAG_KEYSTORE_ERASED, EKEYREVOKED,
			      "the TPM's %s is %llu and the sealed secret was for %llu: it was %s "
			      "and never opens again",
			      tpm2_index_text(which), (unsigned long long)now,
			      (unsigned long long)value,
			      which == TPM2_ERASE ? "erased" : "replaced by a newer one");
	diag_state("nothing was opened");
	return r;
}

int tpm2_policy_counter(struct keystore_session *s, enum tpm2_which which, uint64_t value)
{
	const TPM2B_OPERAND operand = tpm2_policy_operand(value);
	TSS2_RC rc;
	int r = tpm2_index_assume(s, which);

	if (r < 0)
		return r;
	rc = Esys_PolicyNV(s->esys, s->index[which].tr, s->index[which].tr, s->policy.tr,
			   ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &operand, 0, TPM2_EO_EQ);
	if (tpm2_code(rc) == TPM2_RC_POLICY)
		return other_value(s, which, value);
	if (tpm2_code(rc) == TPM2_RC_HANDLE)
		return tpm2_index_missing(which);
	return rc == TSS2_RC_SUCCESS
		   ? 0
		   : tpm2_fail(rc, "the TPM's %s cannot be compared", tpm2_index_text(which));
}
