/* SPDX-License-Identifier: Apache-2.0 */
/* What layers are given: keys, references, and the tokens by which others open a volume. */
#ifndef HOLDFAST_KEYRING_INTERFACE_H
#define HOLDFAST_KEYRING_INTERFACE_H

#include "model/key.h"

struct keyring;

/* For job->keys; lives as long as @ring. The first key that a keystore guards unseals that keystore
 * and checks the MAC of the device part: HF-TAMPERED, naming the record, if it was changed. */
struct keys *keyring_keys(struct keyring *ring);
/* Unseals the keystores that @volumes need, or all if @n is 0. */
int keyring_unlock(struct keyring *ring, struct volume *const *volumes, size_t n);
/* A record of that key is there. */
bool keyring_has_key(struct keyring *ring, const struct layer *l, enum key_purpose purpose);

#endif
