/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of systemd's TPM tokens know of each other. Everything speaks. */
#ifndef HOLDFAST_KEYSTORE_SYSTEMD_TPM2_PRIVATE_H
#define HOLDFAST_KEYSTORE_SYSTEMD_TPM2_PRIVATE_H

#include "keystore/tpm2/private.h"
#include "userspace/luks2/token.h"

/* How systemd names an RSA key that signs policies; the TCG has 0 for it. */
#define SYSTEMD_RSA_EXPONENT 65537

/* --- what it is sealed under --- */

/* systemd 252's ECC key, made anew every time: s->primary. */
int systemd_tpm2_primary(struct keystore_session *s);
/* (systemd-tpm2-stored.c) A key that stays in the TPM (systemd 254): @srk names it: s->srk.
 * HF-KEYSTORE-FOREIGN: this TPM has another one there. Not held: it is the TPM's. */
int systemd_tpm2_stored(struct keystore_session *s, const struct tpm2_token_bytes *srk);
/* What @srk says, nothing else behind it: a persistent handle, and a public area that has the name
 * beside it. Pure, silent. */
bool systemd_tpm2_stored_decode(const struct tpm2_token_bytes *srk, TPM2_HANDLE *ret_handle,
				TPM2B_NAME *ret_name);

/* --- conditions (systemd-tpm2-policy.c) --- */

/* All but the PIN, in s->policy. @sealed: the policy that the loaded object has. Where the two are
 * not the same, nothing was asked and nothing counts in the TPM: HF-KEYSTORE-POLICY. */
int systemd_tpm2_policy(struct keystore_session *s, struct env *env, const struct tpm2_token *t,
			const TPM2B_DIGEST *sealed);
/* What systemd makes of a PIN for the TPM (tpm2_seal(), tpm2_unseal()): its SHA-256. */
int systemd_tpm2_auth(const struct secret *pin, TPM2B_AUTH *ret);
/* Asks for the PIN, for s->object. */
int systemd_tpm2_pin(struct keystore_session *s, struct env *env, const struct tpm2_token *t);

#endif
