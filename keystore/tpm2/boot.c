/* SPDX-License-Identifier: Apache-2.0 */
/* Banks, and sets of PCRs. */
#include "keystore/tpm2/boot.h"

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

TPML_PCR_SELECTION tpm2_boot_selection(const struct tpm2_boot *b)
{
	return (TPML_PCR_SELECTION){
	    .count = 1,
	    .pcrSelections[0] = {.hash = b->bank,
				 .sizeofSelect = 3,
				 .pcrSelect = {(uint8_t)b->pcrs, (uint8_t)(b->pcrs >> 8),
					       (uint8_t)(b->pcrs >> 16)}}};
}

void tpm2_pcr_list(uint32_t pcrs, struct text *to)
{
	const char *between = "";

	for (unsigned i = 0; i < TPM2_PCRS; i++) {
		if (pcrs & 1U << i) {
			text_add(to, "%s%u", between, i);
			between = ", ";
		}
	}
}
