/* SPDX-License-Identifier: Apache-2.0 */
/* Authorisation values. */
#ifndef HOLDFAST_KEYSTORE_TPM2_AUTH_H
#define HOLDFAST_KEYSTORE_TPM2_AUTH_H

#include "base/secret.h"
#include "keystore/tpm2/context.h"

/* Drops zeroes at the end: a TPM does, and keys its HMAC with what is left. Silent. */
void tpm2_auth_trim(TPM2B_AUTH *auth);
/* Sets the owner's authorisation for the commands that follow; NULL: empty. Speaks. */
int tpm2_auth_set_owner(struct keystore_session *s, const struct secret *owner);

#endif
