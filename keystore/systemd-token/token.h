/* SPDX-License-Identifier: Apache-2.0 */
/* Volumes that systemd-cryptenroll bound to a TPM: their volume key. */
#ifndef HOLDFAST_KEYSTORE_SYSTEMD_TPM2_H
#define HOLDFAST_KEYSTORE_SYSTEMD_TPM2_H

#include "base/env.h"
#include "base/io.h"
#include "base/secret.h"

/*
 * By the first systemd-tpm2 token of the LUKS2 header on @io whose conditions hold: PCRs by value,
 * PCRs that a key has signed for (env->input->tpm2_signature), a PIN (ASK_PIN, of "systemd-tpm2").
 * Tokens without a PIN are tried first. The first PIN that is asked for decides: one that is wrong
 * is tried on no other token, for the TPM counts. Where none holds, the first one's failure is
 * told. pcrlock is told as not built. 1 or -errno. Speaks. Source: systemd 252 and 256,
 * src/shared/tpm2-util.c, tpm2_unseal().
 */
int systemd_tpm2_volume_key(struct env *env, struct io *io, struct secret **ret);

#endif
