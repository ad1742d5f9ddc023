/* SPDX-License-Identifier: Apache-2.0 */
/* Platform configuration registers: read, compared, extended. */
#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "keystore/tpm2/error.h"
#include "keystore/tpm2/pcr.h"
#include "keystore/tpm2/session.h"

static int no_bank(const struct tpm2_boot *b)
{
	int r = diag_fail(DIAG_KEYSTORE_POLICY, ENODEV, "the TPM does not keep these PCRs in %s",
			  tpm2_bank_name(b->bank));

	diag_next("turn that bank on in the firmware, or set pcr-bank to another one");
	return r;
}

/* One answer holds at most eight digests, and says of which PCRs. Removes those from *@left. */
static int read_some(struct keystore_session *s, struct tpm2_boot *b, uint32_t *left)
{
	const TPML_PCR_SELECTION selection =
	    tpm2_boot_selection(&(struct tpm2_boot){.bank = b->bank, .pcrs = *left});
	TPML_PCR_SELECTION *got = NULL;
	TPML_DIGEST *values = NULL;
	uint32_t mask = 0, n = 0;
	ESYS_TR session;
	TSS2_RC rc;
	int r = tpm2_hmac_session(s, &session);

	if (r < 0)
		return r;
	Esys_TRSess_SetAttributes(s->esys, session, TPMA_SESSION_AUDIT, TPMA_SESSION_AUDIT);
	rc = Esys_PCR_Read(s->esys, session, ESYS_TR_NONE, ESYS_TR_NONE, &selection, NULL, &got,
			   &values);
	Esys_TRSess_SetAttributes(s->esys, session, 0, TPMA_SESSION_AUDIT);
	if (rc != TSS2_RC_SUCCESS)
		return tpm2_code(rc) == TPM2_RC_VALUE || tpm2_code(rc) == TPM2_RC_HASH
			   ? no_bank(b)
			   : tpm2_fail(rc, "the PCRs cannot be read");
	if (got->count == 1 && got->pcrSelections[0].sizeofSelect == 3)
		mask = (uint32_t)(got->pcrSelections[0].pcrSelect[0] |
				  got->pcrSelections[0].pcrSelect[1] << 8 |
				  got->pcrSelections[0].pcrSelect[2] << 16) &
		       *left;
	for (unsigned i = 0; i < TPM2_PCRS && n < values->count; i++) {
		if (!(mask & 1U << i))
			continue;
		if (values->digests[n].size != tpm2_bank_bytes(b->bank))
			break;
		memcpy(b->values[i], values->digests[n++].buffer, tpm2_bank_bytes(b->bank));
		*left &= ~(1U << i);
	}
	Esys_Free(got);
	Esys_Free(values);
	return n ? 0 : no_bank(b);
}

int tpm2_pcr_read(struct keystore_session *s, struct tpm2_boot *b)
{
	struct tpm2_boot now = *b;
	uint32_t left = b->pcrs;
	int r = 0;

	while (left && r >= 0)
		r = read_some(s, &now, &left);
	if (r >= 0)
		*b = now;
	return r;
}

int tpm2_pcr_mismatch(struct keystore_session *s, const struct tpm2_boot *b)
{
	_cleanup_text_ struct text list = {0};
	struct tpm2_boot now = *b;
	uint32_t differ = 0;
	int r = tpm2_pcr_read(s, &now);

	if (r < 0)
		return r;
	for (unsigned i = 0; i < TPM2_PCRS; i++) {
		if (b->pcrs & 1U << i && memcmp(b->values[i], now.values[i], sizeof(now.values[i])))
			differ |= 1U << i;
	}
	tpm2_pcr_list(differ, &list);
	r = diag_fail(DIAG_KEYSTORE_POLICY, EKEYREJECTED,
		      "the keys are bound to another boot state: PCR %s (%s) differs",
		      differ ? list.s : "values", tpm2_bank_name(b->bank));
	diag_state("nothing was opened");
	diag_next("boot what the device was provisioned with; after an intended update of the "
		  "firmware, restore from escrow or provision again");
	return r;
}

static int extend(struct keystore_session *s, const struct tpm2_boot *b, unsigned pcr)
{
	TPML_DIGEST_VALUES event = {.count = 1, .digests[0].hashAlg = b->bank};
	TSS2_RC rc;

	/* Any value will do: the register never returns to what it was. */
	memset(&event.digests[0].digest, 0x68, tpm2_bank_bytes(b->bank));
	rc = Esys_PCR_Extend(s->esys, ESYS_TR_PCR0 + pcr, ESYS_TR_PASSWORD, ESYS_TR_NONE,
			     ESYS_TR_NONE, &event);
	return rc == TSS2_RC_SUCCESS ? 0 : tpm2_fail(rc, "PCR %u cannot be extended", pcr);
}

int tpm2_pcr_cap(struct keystore_session *s, const struct tpm2_boot *b)
{
	return extend(s, b, (unsigned)__builtin_ctz(b->pcrs));
}

int tpm2_pcr_void(struct keystore_session *s, const struct tpm2_boot *b)
{
	/* Those first whose values few others rely on; 16 and 21 to 23 do not count. */
	static const uint8_t order[] = {13, 12, 15, 14, 9, 8, 11, 5, 6, 3, 1, 2, 4, 0, 7, 10};

	for (size_t i = 0; i < sizeof(order); i++) {
		if (!(b->pcrs & 1U << order[i]))
			return extend(s, b, order[i]);
	}
	return -ENOENT;
}
