/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions with a TPM: salted to the storage key; they encrypt the first parameter both ways and
 * check every response. All speak, and need the storage key. */
#ifndef HOLDFAST_KEYSTORE_TPM2_SESSION_H
#define HOLDFAST_KEYSTORE_TPM2_SESSION_H

#include "keystore/tpm2/context.h"

/* HF-KEYSTORE-FOREIGN if the TPM has no storage key. */
int tpm2_session_need_key(const struct keystore_session *s);

/* Starts the HMAC session unless it is there; *@ret is owned by @s. */
int tpm2_hmac_session(struct keystore_session *s, ESYS_TR *ret);
/* Starts s->policy unless it is there; its policy digest is all zeroes then. */
int tpm2_policy_session(struct keystore_session *s);
/* The session that guards a reading: HMAC if there is one, else the policy session, because opening
 * goes on with that. */
int tpm2_guard_session(struct keystore_session *s, ESYS_TR *ret);

#endif
