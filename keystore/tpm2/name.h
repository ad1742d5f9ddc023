/* SPDX-License-Identifier: Apache-2.0 */
/* Names of TPM objects and NV indices, computed here. Pure and silent. */
#ifndef HOLDFAST_KEYSTORE_TPM2_NAME_H
#define HOLDFAST_KEYSTORE_TPM2_NAME_H

#include <stdbool.h>
#include <tss2/tss2_tpm2_types.h>

/* The name of a public area: SHA-256 over it. False: its name algorithm is another one, or it
 * cannot be marshalled. */
bool tpm2_object_name(const TPM2B_PUBLIC *p, TPM2B_NAME *ret);
bool tpm2_index_name(const TPM2B_NV_PUBLIC *p, TPM2B_NAME *ret);

bool tpm2_same_name(const TPM2B_NAME *a, const TPM2B_NAME *b);
bool tpm2_same_digest(const TPM2B_DIGEST *a, const TPM2B_DIGEST *b);

#endif
