/* SPDX-License-Identifier: Apache-2.0 */
/* A storage key that stays in the TPM, and that a token names (systemd 254 and newer: tpm2_srk). */
#ifndef HOLDFAST_KEYSTORE_SYSTEMD_TOKEN_STORED_H
#define HOLDFAST_KEYSTORE_SYSTEMD_TOKEN_STORED_H

#include "keystore/tpm2/context.h"
#include "userspace/luks2/token.h"

/* Sets s->srk to the key that @srk names. HF-KEYSTORE-FOREIGN if this TPM has another one there.
 * The key is the TPM's: it is closed, not flushed. Speaks. */
int systemd_token_stored(struct keystore_session *s, const struct tpm2_token_bytes *srk);
/* Decodes @srk: a persistent handle, and a public area with its name; nothing may follow. False: it
 * is something else. Pure and silent. */
bool systemd_token_stored_decode(const struct tpm2_token_bytes *srk, TPM2_HANDLE *ret_handle,
				 TPM2B_NAME *ret_name);

#endif
