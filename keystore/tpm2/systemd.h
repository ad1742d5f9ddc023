/* SPDX-License-Identifier: Apache-2.0 */
/* What systemd-cryptenroll makes in a TPM, made here: the token by which systemd-cryptsetup opens a
 * volume that holdfast laid out. */
#ifndef HOLDFAST_KEYSTORE_TPM2_SYSTEMD_H
#define HOLDFAST_KEYSTORE_TPM2_SYSTEMD_H

#include "keystore/tpm2/context.h"
#include "model/key.h"

/* The exponent that systemd writes for a policy key, where the TCG writes 0: the name of the key
 * depends on it. */
#define SYSTEMD_RSA_EXPONENT 65537

/* Creates systemd 252's primary key in the owner hierarchy: s->primary. Speaks. */
int tpm2_systemd_primary(struct keystore_session *s, bool rsa);
/* The authorisation that systemd makes of a PIN: its SHA-256. Speaks. */
int tpm2_systemd_auth(const struct secret *pin, TPM2B_AUTH *ret);

extern const struct keystore_systemd_ops tpm2_systemd;

#endif
