/* SPDX-License-Identifier: Apache-2.0 */
/* The way to a TPM. */
#ifndef HOLDFAST_KEYSTORE_TPM2_TRANSPORT_H
#define HOLDFAST_KEYSTORE_TPM2_TRANSPORT_H

#include <tss2/tss2_tcti.h>

/* Tests put something between us and the TPM: takes @inner over and returns what replaces it. NULL:
 * nothing is put there. */
extern TSS2_TCTI_CONTEXT *(*tpm2_wrap_tcti)(TSS2_TCTI_CONTEXT *inner);

/* Opens the TCTI @name (as tpm2-tss names them) and sends a command again when the TPM asks for
 * that. Silent. The caller closes *@ret. */
TSS2_RC tpm2_transport_open(const char *name, TSS2_TCTI_CONTEXT **ret);
void tpm2_transport_close(TSS2_TCTI_CONTEXT *t); /* takes NULL */

#endif
