/* SPDX-License-Identifier: Apache-2.0 */
/* Volumes that systemd-cryptenroll bound to a TPM: their volume key. */
#ifndef HOLDFAST_KEYSTORE_SYSTEMD_TOKEN_TOKEN_H
#define HOLDFAST_KEYSTORE_SYSTEMD_TOKEN_TOKEN_H

#include "base/env.h"
#include "base/io.h"
#include "base/secret.h"

/*
 * Unlocks the LUKS2 volume on @io by the first systemd-tpm2 token whose conditions hold: PCRs by
 * value, PCRs that a key has signed for (env->input->tpm2_signature), a PIN (ASK_PIN, of
 * "systemd-tpm2"). Tokens without a PIN are tried first. A PIN is asked for once: a wrong one is
 * tried on no other token, because the TPM counts wrong tries. If no token opens the volume, the
 * failure of the first one is reported. pcrlock is reported as not built. 1 or -errno. Speaks.
 * Source: systemd 252 and 256, src/shared/tpm2-util.c, tpm2_unseal().
 */
int systemd_token_volume_key(struct env *env, struct io *io, struct secret **ret);

#endif
