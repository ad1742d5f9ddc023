/* SPDX-License-Identifier: Apache-2.0 */
/* Volumes that systemd-cryptenroll bound to a TPM: their volume key. */
#ifndef HOLDFAST_KEYSTORE_SYSTEMD_TPM2_H
#define HOLDFAST_KEYSTORE_SYSTEMD_TPM2_H

#include "base/env.h"
#include "base/io.h"
#include "base/secret.h"

/*
 * By the first systemd-tpm2 token of the LUKS2 header on @io whose conditions hold: PCRs by value,
 * with a PIN (ASK_PIN, of "systemd-tpm2") where it wants one. Tokens with a signed policy, pcrlock
 * or a storage key of their own are told as not built. Speaks. Source: systemd 252,
 * src/shared/tpm2-util.c, tpm2_unseal().
 */
int systemd_tpm2_volume_key(struct env *env, struct io *io, struct secret **ret);

#endif
