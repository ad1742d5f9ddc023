/* SPDX-License-Identifier: Apache-2.0 */
/* Policies, run on the TPM in s->policy, which must be there. All speak. */
#ifndef HOLDFAST_KEYSTORE_TPM2_POLICY_H
#define HOLDFAST_KEYSTORE_TPM2_POLICY_H

#include "keystore/tpm2/context.h"
#include "keystore/tpm2/digest.h"

/* The boot part. @path: the file with the signatures, if b->is_signed. */
int tpm2_policy_boot(struct keystore_session *s, const struct tpm2_boot *b, const char *path);
/* Counter @which must be @value. HF-KEYSTORE-ERASED if it is higher, HF-KEYSTORE-FOREIGN if lower.
 */
int tpm2_policy_counter(struct keystore_session *s, enum tpm2_which which, uint64_t value);
/* What the session has met so far. */
int tpm2_policy_digest(struct keystore_session *s, TPM2B_DIGEST *ret);

#endif
