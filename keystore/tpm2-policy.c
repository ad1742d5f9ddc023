/* SPDX-License-Identifier: Apache-2.0 */
/* The policies: which boot state, and which counters. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "base/diag.h"
#include "base/endian.h"
#include "crypto/digest.h"
#include "keystore/tpm2.h"

bool tpm2_has_pcrs(const struct keystore *k)
{
	return k->values[TPM2_OPT_PCRS].n_list > 0;
}

TPML_PCR_SELECTION tpm2_pcrs(const struct keystore *k)
{
	static const TPMI_ALG_HASH banks[] = {TPM2_ALG_SHA256, TPM2_ALG_SHA384};
	TPML_PCR_SELECTION sel = {
	    .count = 1,
	    .pcrSelections[0] = {.hash = banks[k->values[TPM2_OPT_BANK].number], .sizeofSelect = 3},
	};

	for (size_t i = 0; i < k->values[TPM2_OPT_PCRS].n_list; i++) {
		unsigned long pcr = strtoul(k->values[TPM2_OPT_PCRS].list[i], NULL, 10);

		sel.pcrSelections[0].pcrSelect[pcr / 8 % 3] |= (BYTE)(1 << pcr % 8);
	}
	return sel;
}

int tpm2_policy_run_boot(const struct keystore *k, struct keystore_session *s, ESYS_TR session)
{
	const TPML_PCR_SELECTION sel = tpm2_pcrs(k);
	const TPM2B_DIGEST as_they_are = {0};

	if (!tpm2_has_pcrs(k))
		return 0;
	return tpm2_check(Esys_PolicyPCR(s->esys, session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
					 &as_they_are, &sel),
			  "binding to PCRs");
}

static int run_counter(const struct keystore *k, struct keystore_session *s, ESYS_TR session,
		       enum tpm2_index i, uint64_t value)
{
	const be64_t bytes = be64_make(value);
	TPM2B_OPERAND operand = {.size = sizeof(bytes)};
	int r = tpm2_index_load(k, s, i);
	TSS2_RC rc;

	if (r < 0)
		return r;
	memcpy(operand.buffer, &bytes, sizeof(bytes));
	rc = Esys_PolicyNV(s->esys, s->index[i], s->index[i], session, s->hmac, ESYS_TR_NONE,
			   ESYS_TR_NONE, &operand, 0, TPM2_EO_EQ);
	if (tpm2_error(rc) != TPM2_RC_POLICY)
		return tpm2_check(rc, "comparing a counter");
	r = diag_fail(
	    DIAG_KEYSTORE_ERASED, EKEYEXPIRED,
	    i == TPM2_ERASE
		? "keystore %s: the erase counter has passed: these keys were erased"
		: "keystore %s: the rotation counter has passed: these keys were replaced "
		  "by newer ones",
	    k->name);
	diag_state("no copy of them opens again, here or anywhere");
	return r;
}

int tpm2_policy_run_sealed(const struct keystore *k, struct keystore_session *s, ESYS_TR session,
			   uint64_t rotation, uint64_t erase, bool pin)
{
	int r = tpm2_policy_run_boot(k, s, session);

	if (r >= 0)
		r = run_counter(k, s, session, TPM2_ROTATION, rotation);
	if (r >= 0)
		r = run_counter(k, s, session, TPM2_ERASE, erase);
	if (r >= 0 && pin)
		r = tpm2_check(Esys_PolicyAuthValue(s->esys, session, ESYS_TR_NONE, ESYS_TR_NONE,
						    ESYS_TR_NONE),
			       "asking for the PIN");
	return r;
}

/* --- the same as digests; Part 3, the description of each command --- */

/* digest ← H(digest ‖ command ‖ what) */
static int extend(uint8_t digest[static TPM2_POLICY_BYTES], TPM2_CC command, const void *what,
		  size_t len)
{
	const be32_t cc = be32_make(command);
	_cleanup_digest_ struct digest *d = NULL;
	int r = digest_new("sha256", &d);

	if (r < 0)
		return r;
	if (digest_add(d, digest, TPM2_POLICY_BYTES) < 0 || digest_add(d, &cc, sizeof(cc)) < 0 ||
	    digest_add(d, what, len) < 0 || digest_finish(d, digest) < 0)
		return diag_fail(DIAG_INTERNAL, EIO, "a policy cannot be computed");
	return 0;
}

int tpm2_policy_boot(const struct keystore *k, struct keystore_session *s,
		     uint8_t ret[static TPM2_POLICY_BYTES])
{
	const TPML_PCR_SELECTION sel = tpm2_pcrs(k);
	uint8_t what[sizeof(sel) + TPM2_POLICY_BYTES];
	size_t len = 0;
	int r;

	memset(ret, 0, TPM2_POLICY_BYTES);
	if (!tpm2_has_pcrs(k))
		return 0;
	r = tpm2_check(Tss2_MU_TPML_PCR_SELECTION_Marshal(&sel, what, sizeof(sel), &len),
		       "selecting PCRs");
	if (r >= 0)
		r = tpm2_pcr_digest(k, s, what + len);
	return r < 0 ? r : extend(ret, TPM2_CC_PolicyPCR, what, len + TPM2_POLICY_BYTES);
}

static int extend_counter(struct keystore_session *s, enum tpm2_index i, uint64_t value,
			  uint8_t digest[static TPM2_POLICY_BYTES])
{
	const struct {
		be64_t value;
		be16_t offset, operation;
	} arguments = {be64_make(value), be16_make(0), be16_make(TPM2_EO_EQ)};
	uint8_t what[SHA256_BYTES + TPM2_NAME_BYTES];
	int r = tpm2_index_name(s, i, what + SHA256_BYTES);

	static_assert(sizeof(arguments) == 12, "no padding");
	if (r >= 0)
		r = digest_sha256(&arguments, sizeof(arguments), what);
	return r < 0 ? r : extend(digest, TPM2_CC_PolicyNV, what, sizeof(what));
}

int tpm2_policy_sealed(const struct keystore *k, struct keystore_session *s, uint64_t rotation,
		       uint64_t erase, bool pin, uint8_t ret[static TPM2_POLICY_BYTES])
{
	int r = tpm2_policy_boot(k, s, ret);

	if (r >= 0)
		r = extend_counter(s, TPM2_ROTATION, rotation, ret);
	if (r >= 0)
		r = extend_counter(s, TPM2_ERASE, erase, ret);
	if (r >= 0 && pin)
		r = extend(ret, TPM2_CC_PolicyAuthValue, NULL, 0);
	return r;
}

/* The command needs no authorisation; the session is there so that its answer is checked. */
int tpm2_pcrs_read(struct keystore_session *s, TPML_PCR_SELECTION *sel, TPML_PCR_SELECTION **read,
		   TPML_DIGEST **values)
{
	const TPMA_SESSION usual = TPM2_SESSION_ATTRIBUTES;
	TSS2_RC rc = Esys_TRSess_SetAttributes(
	    s->esys, s->hmac, TPMA_SESSION_AUDIT | TPMA_SESSION_CONTINUESESSION, 0xff);

	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_PCR_Read(s->esys, s->hmac, ESYS_TR_NONE, ESYS_TR_NONE, sel, NULL, read,
				   values);
	Esys_TRSess_SetAttributes(s->esys, s->hmac, usual, 0xff);
	return tpm2_check(rc, "reading PCRs");
}

int tpm2_pcr_digest(const struct keystore *k, struct keystore_session *s,
		    uint8_t ret[static TPM2_POLICY_BYTES])
{
	TPML_PCR_SELECTION sel = tpm2_pcrs(k), *read = NULL;
	uint8_t bytes[8 * DIGEST_MAX_BYTES];
	TPML_DIGEST *values = NULL;
	size_t len = 0;
	int r = 0;

	if (s->remote && tpm2_has_pcrs(k))
		return tpm2_remote_pcr_digest(k, s, ret);
	if (!tpm2_has_pcrs(k))
		memset(s->pcr_digest, 0, sizeof(s->pcr_digest));
	else if (!s->pcrs_read)
		r = tpm2_pcrs_read(s, &sel, &read, &values);
	if (values && memcmp(read, &sel, sizeof(sel)) != 0) {
		r = diag_fail(DIAG_USAGE, ENOTSUP,
			      "keystore %s: this TPM does not have all of these PCRs in bank %s",
			      k->name, k->values[TPM2_OPT_BANK].text);
		diag_next("tpm2_getcap pcrs tells what it has");
	}
	for (UINT32 i = 0; values && i < values->count && i < 8 && values->digests[i].size <= 64;
	     i++) {
		memcpy(bytes + len, values->digests[i].buffer, values->digests[i].size);
		len += values->digests[i].size;
	}
	if (r >= 0 && values)
		r = digest_sha256(bytes, len, s->pcr_digest);
	s->pcrs_read |= r >= 0;
	Esys_Free(values);
	Esys_Free(read);
	if (r >= 0)
		memcpy(ret, s->pcr_digest, TPM2_POLICY_BYTES);
	return r;
}

int tpm2_pcr_cap(const struct keystore *k, struct keystore_session *s)
{
	TPML_DIGEST_VALUES event = {.count = 1};
	unsigned long pcr = strtoul(k->values[TPM2_OPT_PCRS].list[0], NULL, 10);

	event.digests[0].hashAlg = tpm2_pcrs(k).pcrSelections[0].hash;
	if (digest_sha256("holdfast lock", 13, event.digests[0].digest.sha256) < 0)
		return -EIO;
	return tpm2_check(Esys_PCR_Extend(s->esys, (ESYS_TR)(ESYS_TR_PCR0 + pcr), ESYS_TR_PASSWORD,
					  ESYS_TR_NONE, ESYS_TR_NONE, &event),
			  "extending a PCR");
}
