/* SPDX-License-Identifier: Apache-2.0 */
/* The boot state that a sealed secret or the anchor is bound to. Pure and silent. */
#ifndef HOLDFAST_KEYSTORE_TPM2_BOOT_H
#define HOLDFAST_KEYSTORE_TPM2_BOOT_H

#include <stdbool.h>
#include <tss2/tss2_tpm2_types.h>

#include "base/text.h"
#include "model/layout.h"

#define TPM2_PCRS 24

struct tpm2_boot {
	TPMI_ALG_HASH bank;
	uint32_t pcrs;    /* mask; 0: bound to nothing */
	bool is_signed;   /* to whatever @key signs for these PCRs; else to their @values */
	uint32_t version; /* only signatures for this one count; 0: those of systemd-measure */
	uint8_t values[TPM2_PCRS][48];     /* by the PCR's number */
	uint8_t fingerprint[SHA256_BYTES]; /* of @key, as systemd computes it */
	TPM2B_PUBLIC key;
};

size_t tpm2_bank_bytes(TPMI_ALG_HASH bank);     /* of a digest; 0: not a bank that keystores take */
const char *tpm2_bank_name(TPMI_ALG_HASH bank); /* sha1 and sha512, too: tokens have them */
TPML_PCR_SELECTION tpm2_boot_selection(const struct tpm2_boot *b);
void tpm2_pcr_list(uint32_t pcrs, struct text *to); /* "7, 11" */

#endif
