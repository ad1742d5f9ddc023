/* SPDX-License-Identifier: Apache-2.0 */
/* What must be known of a TPM to seal for it elsewhere (docs/keystores.md). Pure and silent. */
#ifndef HOLDFAST_KEYSTORE_TPM2_IDENTITY_H
#define HOLDFAST_KEYSTORE_TPM2_IDENTITY_H

#include <tss2/tss2_tpm2_types.h>

#include "base/text.h"

#define TPM2_IDENTITY_PCRS     24
#define TPM2_IDENTITY_COUNTERS 2  /* E, R */
#define TPM2_IDENTITY_NAME     34 /* bytes of a name: algorithm and SHA-256 */
#define TPM2_IDENTITY_MAX      8192

struct tpm2_identity {
	TPM2B_PUBLIC storage_key;
	uint8_t name[TPM2_IDENTITY_COUNTERS][TPM2_IDENTITY_NAME]; /* of NV indices */
	uint64_t value[TPM2_IDENTITY_COUNTERS];
	uint8_t pcr[TPM2_IDENTITY_PCRS][32]; /* bank sha256 */
};

/* As text, one fact a line; nothing in it is secret. 0, or -EINVAL unless every byte is understood.
 */
int tpm2_identity_decode(const char *text, size_t len, struct tpm2_identity *ret);
void tpm2_identity_encode(const struct tpm2_identity *id, struct text *to);

#endif
