/* SPDX-License-Identifier: Apache-2.0 */
/* What has to be known of a TPM to seal for it where it is not. docs/keystores.md */
#ifndef HOLDFAST_KEYSTORE_TPM2_IDENTITY_H
#define HOLDFAST_KEYSTORE_TPM2_IDENTITY_H

#include <tss2/tss2_tpm2_types.h>

#include "base/text.h"

#define TPM2_IDENTITY_PCRS     24
#define TPM2_IDENTITY_COUNTERS 2 /* E, R */
#define TPM2_IDENTITY_MAX      8192

struct tpm2_identity {
	TPM2B_PUBLIC storage_key;
	uint8_t name[TPM2_IDENTITY_COUNTERS][34]; /* of the counters' NV indices */
	uint64_t value[TPM2_IDENTITY_COUNTERS];
	uint8_t pcr[TPM2_IDENTITY_PCRS][32]; /* bank sha256 */
};

/* Text, a line each: nothing in it is secret. 0, or -EINVAL for anything that is not understood to
 * the last byte. Silent. */
int tpm2_identity_decode(const char *text, size_t len, struct tpm2_identity *ret);
void tpm2_identity_encode(const struct tpm2_identity *id, struct text *to);

#endif
