/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of systemd's TPM tokens know of each other. Everything speaks. */
#ifndef HOLDFAST_KEYSTORE_SYSTEMD_TPM2_PRIVATE_H
#define HOLDFAST_KEYSTORE_SYSTEMD_TPM2_PRIVATE_H

#include "keystore/tpm2-private.h"
#include "soft/luks2-token.h"

/* --- what it is sealed under: s->srk afterwards, which sessions are salted to --- */

/* systemd 252's ECC key, made anew every time: s->primary. */
int make_primary(struct keystore_session *s);
/* The same in RSA, for TPMs without ECC. */
int make_primary_rsa(struct keystore_session *s);
/* --- conditions (systemd-tpm2-policy.c) --- */

/* All but the PIN, in s->policy. @sealed: the policy that the loaded object has. Where the two are
 * not the same, nothing was asked and nothing counts in the TPM: HF-KEYSTORE-POLICY. */
int systemd_tpm2_policy(struct keystore_session *s, struct env *env, const struct tpm2_token *t,
			const TPM2B_DIGEST *sealed);
/* Asks for the PIN, for s->object. */
int systemd_tpm2_pin(struct keystore_session *s, struct env *env, const struct tpm2_token *t);

#endif
