/* SPDX-License-Identifier: Apache-2.0 */
/* What a TPM's refusal means, and what to do about it. */
#ifndef HOLDFAST_KEYSTORE_TPM2_ERROR_H
#define HOLDFAST_KEYSTORE_TPM2_ERROR_H

#include <tss2/tss2_common.h>

/* The TPM's own response code, without the number of the parameter, handle or session that it is
 * about; 0 if a library failed and not the TPM. Silent. */
TSS2_RC tpm2_code(TSS2_RC rc);

/* Records the failure @rc of what @fmt says could not be done; picks diag code and errno from @rc.
 */
int tpm2_fail(TSS2_RC rc, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Records HF-KEYSTORE-UNTRUSTED: an answer is not what it must be. */
int tpm2_untrusted(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
