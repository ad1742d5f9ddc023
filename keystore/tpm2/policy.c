/* SPDX-License-Identifier: Apache-2.0 */
/* Policies: their digests computed here, and the same steps run on the TPM. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "base/diag.h"
#include "base/endian.h"
#include "crypto/digest.h"
#include "keystore/tpm2/private.h"

/* --- names --- */

static bool name_of(const uint8_t *bytes, size_t len, TPM2B_NAME *ret)
{
	const be16_t algorithm = be16_make(TPM2_ALG_SHA256);

	*ret = (TPM2B_NAME){.size = 2 + SHA256_BYTES};
	memcpy(ret->name, &algorithm, 2);
	return digest_sha256(bytes, len, ret->name + 2) >= 0;
}

bool tpm2_object_name(const TPM2B_PUBLIC *p, TPM2B_NAME *ret)
{
	uint8_t bytes[sizeof(TPMT_PUBLIC)];
	size_t len = 0;

	return p->publicArea.nameAlg == TPM2_ALG_SHA256 &&
	       Tss2_MU_TPMT_PUBLIC_Marshal(&p->publicArea, bytes, sizeof(bytes), &len) ==
		   TSS2_RC_SUCCESS &&
	       name_of(bytes, len, ret);
}

bool tpm2_index_name(const TPM2B_NV_PUBLIC *p, TPM2B_NAME *ret)
{
	uint8_t bytes[sizeof(TPMS_NV_PUBLIC)];
	size_t len = 0;

	return p->nvPublic.nameAlg == TPM2_ALG_SHA256 &&
	       Tss2_MU_TPMS_NV_PUBLIC_Marshal(&p->nvPublic, bytes, sizeof(bytes), &len) ==
		   TSS2_RC_SUCCESS &&
	       name_of(bytes, len, ret);
}

bool tpm2_same_name(const TPM2B_NAME *a, const TPM2B_NAME *b)
{
	return a->size == b->size && memcmp(a->name, b->name, a->size) == 0;
}

bool tpm2_same_digest(const TPM2B_DIGEST *a, const TPM2B_DIGEST *b)
{
	return a->size == b->size && memcmp(a->buffer, b->buffer, a->size) == 0;
}

/* --- digests --- */

size_t tpm2_bank_bytes(TPMI_ALG_HASH bank)
{
	return bank == TPM2_ALG_SHA256 ? 32 : bank == TPM2_ALG_SHA384 ? 48 : 0;
}

const char *tpm2_bank_name(TPMI_ALG_HASH bank)
{
	return bank == TPM2_ALG_SHA384   ? "sha384"
	       : bank == TPM2_ALG_SHA512 ? "sha512"
	       : bank == TPM2_ALG_SHA1   ? "sha1"
					 : "sha256";
}

void tpm2_selection(const struct tpm2_boot *b, TPML_PCR_SELECTION *ret)
{
	*ret = (TPML_PCR_SELECTION){
	    .count = 1,
	    .pcrSelections[0] = {.hash = b->bank,
				 .sizeofSelect = 3,
				 .pcrSelect = {(uint8_t)b->pcrs, (uint8_t)(b->pcrs >> 8),
					       (uint8_t)(b->pcrs >> 16)}}};
}

void tpm2_operand(uint64_t value, TPM2B_OPERAND *ret)
{
	const be64_t v = be64_make(value);

	*ret = (TPM2B_OPERAND){.size = sizeof(v)};
	memcpy(ret->buffer, &v, sizeof(v));
}

void tpm2_policy_ref(uint32_t version, TPM2B_NONCE *ret)
{
	*ret = (TPM2B_NONCE){0};
	if (version)
		ret->size = (UINT16)snprintf((char *)ret->buffer, sizeof(ret->buffer),
					     "holdfast:%u", version);
}

/* digest = H(digest ‖ command ‖ a ‖ b) */
static bool extend(TPM2B_DIGEST *d, TPM2_CC command, const void *a, size_t a_len, const void *b,
		   size_t b_len)
{
	const be32_t cc = be32_make(command);
	_cleanup_digest_ struct digest *hash = NULL;

	return digest_new("sha256", &hash) >= 0 && digest_add(hash, d->buffer, d->size) >= 0 &&
	       digest_add(hash, &cc, sizeof(cc)) >= 0 && digest_add(hash, a, a_len) >= 0 &&
	       digest_add(hash, b, b_len) >= 0 && digest_finish(hash, d->buffer) >= 0;
}

static void start_digest(TPM2B_DIGEST *d)
{
	*d = (TPM2B_DIGEST){.size = SHA256_BYTES};
}

bool tpm2_digest_pcr(const struct tpm2_boot *b, TPM2B_DIGEST *d, TPM2B_DIGEST *ret_values)
{
	_cleanup_digest_ struct digest *hash = NULL;
	uint8_t bytes[sizeof(TPML_PCR_SELECTION)];
	TPML_PCR_SELECTION selection;
	size_t len = 0;

	start_digest(ret_values);
	if (digest_new("sha256", &hash) < 0)
		return false;
	for (unsigned i = 0; i < TPM2_PCRS; i++) {
		if (b->pcrs & 1U << i &&
		    digest_add(hash, b->values[i], tpm2_bank_bytes(b->bank)) < 0)
			return false;
	}
	tpm2_selection(b, &selection);
	return digest_finish(hash, ret_values->buffer) >= 0 &&
	       Tss2_MU_TPML_PCR_SELECTION_Marshal(&selection, bytes, sizeof(bytes), &len) ==
		   TSS2_RC_SUCCESS &&
	       extend(d, TPM2_CC_PolicyPCR, bytes, len, ret_values->buffer, ret_values->size);
}

bool tpm2_digest_boot(const struct tpm2_boot *b, TPM2B_DIGEST *ret)
{
	_cleanup_digest_ struct digest *hash = NULL;
	TPM2B_DIGEST values;
	TPM2B_NONCE ref;
	TPM2B_NAME key;

	start_digest(ret);
	if (!b->pcrs)
		return true;
	if (!b->is_signed)
		return tpm2_digest_pcr(b, ret, &values);
	tpm2_policy_ref(b->version, &ref);
	return tpm2_object_name(&b->key, &key) &&
	       extend(ret, TPM2_CC_PolicyAuthorize, key.name, key.size, NULL, 0) &&
	       digest_new("sha256", &hash) >= 0 && digest_add(hash, ret->buffer, ret->size) >= 0 &&
	       digest_add(hash, ref.buffer, ref.size) >= 0 && digest_finish(hash, ret->buffer) >= 0;
}

static bool digest_counter(TPM2B_DIGEST *d, enum tpm2_which which, uint64_t value)
{
	const uint8_t offset_and_operation[4] = {0, 0, 0, TPM2_EO_EQ};
	uint8_t args[12], hash[SHA256_BYTES];
	TPM2B_NV_PUBLIC public;
	TPM2B_OPERAND operand;
	TPM2B_NAME name;

	tpm2_operand(value, &operand);
	memcpy(args, operand.buffer, 8);
	memcpy(args + 8, offset_and_operation, 4);
	return tpm2_index_expected(which, NULL, true, &public) && tpm2_index_name(&public, &name) &&
	       digest_sha256(args, sizeof(args), hash) >= 0 &&
	       extend(d, TPM2_CC_PolicyNV, hash, sizeof(hash), name.name, name.size);
}

static bool extend_pin(TPM2B_DIGEST *d, bool pin)
{
	return !pin || extend(d, TPM2_CC_PolicyAuthValue, NULL, 0, NULL, 0);
}

bool tpm2_digest_seal(const struct tpm2_boot *b, const struct tpm2_counters *c, bool pin,
		      TPM2B_DIGEST *ret)
{
	return tpm2_digest_boot(b, ret) && digest_counter(ret, TPM2_ROTATION, c->rotation) &&
	       digest_counter(ret, TPM2_ERASE, c->erase) && extend_pin(ret, pin);
}

bool tpm2_digest_systemd(const struct tpm2_boot *b, bool pin, TPM2B_DIGEST *ret)
{
	return tpm2_digest_boot(b, ret) && extend_pin(ret, pin);
}

/* --- on the TPM --- */

/* What the key signed: the digest, and for whom. */
static bool signed_hash(const TPM2B_DIGEST *approved, const TPM2B_NONCE *ref, TPM2B_DIGEST *ret)
{
	_cleanup_digest_ struct digest *hash = NULL;

	start_digest(ret);
	return digest_new("sha256", &hash) >= 0 &&
	       digest_add(hash, approved->buffer, approved->size) >= 0 &&
	       digest_add(hash, ref->buffer, ref->size) >= 0 &&
	       digest_finish(hash, ret->buffer) >= 0;
}

static int not_signed(const char *path)
{
	int r = diag_fail(DIAG_KEYSTORE_POLICY, EKEYREJECTED,
			  "a signature of %s over the PCRs does not verify", path);

	diag_next("boot an image whose PCRs were signed by the vendor's key");
	return r;
}

/* The ticket says that this TPM saw the signature. */
static int verify(struct keystore_session *s, const struct tpm2_boot *b,
		  const TPM2B_DIGEST *approved, const TPMT_SIGNATURE *signature, const char *path,
		  TPMT_TK_VERIFIED **ret)
{
	TPM2B_DIGEST hash;
	TPM2B_NONCE ref;
	ESYS_TR tr;
	TSS2_RC rc;

	tpm2_policy_ref(b->version, &ref);
	if (!signed_hash(approved, &ref, &hash))
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

/* Several signatures are there, one for each phase of the boot: the TPM says which is meant. */
static int ask_digest(struct keystore_session *s, TPM2B_DIGEST *ret)
{
	TPM2B_DIGEST *digest = NULL;
	TSS2_RC rc = Esys_PolicyGetDigest(s->esys, s->policy.tr, ESYS_TR_NONE, ESYS_TR_NONE,
					  ESYS_TR_NONE, &digest);

	if (rc != TSS2_RC_SUCCESS)
		return tpm2_fail(rc, "the policy's digest cannot be read");
	*ret = *digest;
	Esys_Free(digest);
	return ret->size == SHA256_BYTES ? 0
					 : tpm2_untrusted("the policy's digest has another size");
}

static int authorize(struct keystore_session *s, const struct tpm2_boot *b, const char *path)
{
	TPMT_SIGNATURE signature = {.sigAlg = TPM2_ALG_RSASSA,
				    .signature.rsassa.hash = TPM2_ALG_SHA256};
	TPM2B_PUBLIC_KEY_RSA *sig = &signature.signature.rsassa.sig;
	TPMT_TK_VERIFIED *ticket = NULL;
	TPM2B_DIGEST approved = {0};
	TPM2B_NONCE ref;
	TPM2B_NAME key;
	TSS2_RC rc;
	int r = tpm2_signature_find(path, b, &approved, sig);

	if (r == -E2BIG) {
		r = ask_digest(s, &approved);
		if (r >= 0)
			r = tpm2_signature_find(path, b, &approved, sig);
	}
	if (r >= 0)
		r = verify(s, b, &approved, &signature, path, &ticket);
	if (r < 0)
		return r;
	tpm2_policy_ref(b->version, &ref);
	if (!tpm2_object_name(&b->key, &key)) {
		Esys_Free(ticket);
		return diag_fail(DIAG_INTERNAL, EIO, "a name cannot be computed");
	}
	rc = Esys_PolicyAuthorize(s->esys, s->policy.tr, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
				  &approved, &ref, &key, ticket);
	Esys_Free(ticket);
	if (tpm2_code(rc) == TPM2_RC_VALUE)
		return tpm2_signature_none(path, b);
	return rc == TSS2_RC_SUCCESS ? 0 : tpm2_fail(rc, "the signed PCR policy is not accepted");
}

int tpm2_policy_boot(struct keystore_session *s, const struct tpm2_boot *b, const char *path)
{
	TPM2B_DIGEST policy, values = {0};
	TPML_PCR_SELECTION selection;
	TSS2_RC rc;

	if (!b->pcrs)
		return 0;
	start_digest(&policy);
	if (!b->is_signed && !tpm2_digest_pcr(b, &policy, &values))
		return diag_fail(DIAG_INTERNAL, EIO, "a digest cannot be computed");
	tpm2_selection(b, &selection);
	rc = Esys_PolicyPCR(s->esys, s->policy.tr, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
			    &values, &selection);
	if (!b->is_signed && tpm2_code(rc) == TPM2_RC_VALUE)
		return tpm2_pcr_mismatch(s, b);
	if (rc != TSS2_RC_SUCCESS)
		return tpm2_fail(rc, "the PCRs cannot be checked");
	return b->is_signed ? authorize(s, b, path) : 0;
}

static int passed(struct keystore_session *s, enum tpm2_which which, uint64_t value)
{
	uint64_t now;
	int r = tpm2_counter_read(s, which, &now);

	if (r < 0)
		return r;
	if (now == value)
		return tpm2_untrusted("the TPM's %s stands where it has to, yet the TPM says it "
				      "does not",
				      tpm2_index_text(which));
	if (now < value)
		r = diag_fail(DIAG_KEYSTORE_FOREIGN, EUCLEAN,
			      "the sealed secret waits for %llu of the TPM's %s, which stands at "
			      "%llu: it is of another device, or not committed yet",
			      (unsigned long long)value, tpm2_index_text(which),
			      (unsigned long long)now);
	else
		r = diag_fail(DIAG_KEYSTORE_ERASED, EKEYREVOKED,
			      "the TPM's %s stands at %llu and the sealed secret was for %llu: it "
			      "was %s and is dead for good",
			      tpm2_index_text(which), (unsigned long long)now,
			      (unsigned long long)value,
			      which == TPM2_ERASE ? "erased" : "replaced by a newer one");
	diag_state("nothing was opened");
	return r;
}

int tpm2_policy_counter(struct keystore_session *s, enum tpm2_which which, uint64_t value)
{
	TPM2B_OPERAND operand;
	TSS2_RC rc;
	int r = tpm2_index_assume(s, which);

	if (r < 0)
		return r;
	tpm2_operand(value, &operand);
	rc = Esys_PolicyNV(s->esys, s->index[which].tr, s->index[which].tr, s->policy.tr,
			   ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &operand, 0, TPM2_EO_EQ);
	if (tpm2_code(rc) == TPM2_RC_POLICY)
		return passed(s, which, value);
	if (tpm2_code(rc) == TPM2_RC_HANDLE)
		return tpm2_index_missing(which);
	return rc == TSS2_RC_SUCCESS
		   ? 0
		   : tpm2_fail(rc, "the TPM's %s cannot be compared", tpm2_index_text(which));
}
