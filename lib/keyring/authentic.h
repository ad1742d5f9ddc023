/* SPDX-License-Identifier: Apache-2.0 */
/* Is the device part that was read the one that was written by whoever has its keys? */
#ifndef HOLDFAST_KEYRING_AUTHENTIC_H
#define HOLDFAST_KEYRING_AUTHENTIC_H

struct keyring;

/* Asks a keystore that can tell: hardware by its record, without unsealing; the others by the MAC,
 * which unseals. Asks none where a MAC was checked already. 1; 0 if no keystore of @ring can tell;
 * HF-TAMPERED or HF-VAULT-OLD if it is not, else -errno because it could not be asked. Failures
 * are reported. */
int keyring_authenticate(struct keyring *ring);

#endif
