/* SPDX-License-Identifier: Apache-2.0 */
/* The device secret of a keystore: sealed, unsealed, locked. Failures are reported. */
#ifndef HOLDFAST_KEYRING_SEAL_H
#define HOLDFAST_KEYRING_SEAL_H

#include <stdint.h>

struct keyring;
struct sealed;

/* Draws a new device secret and has it sealed for @rotation (0: R as it is now); what depended on
 * the old one must be wrapped again. */
int keyring_seal_new(struct keyring *ring, struct sealed *s, uint64_t rotation);
/* Unseals it unless that was done already. The vault is compared with the hardware's record before,
 * and the device part with its MAC after that. */
int keyring_unseal(struct keyring *ring, struct sealed *s);
/* Locks every unsealed keystore: its hardware releases nothing more until the next boot. */
int keyring_lock(struct keyring *ring);

#endif
