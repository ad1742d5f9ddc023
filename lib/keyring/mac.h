/* SPDX-License-Identifier: Apache-2.0 */
/* MACs over the records of a device part. A keystore that was sealed or unsealed makes one. */
#ifndef HOLDFAST_KEYRING_MAC_H
#define HOLDFAST_KEYRING_MAC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/text.h"

struct keyring;
struct sealed;

/* The keystore can make one now: not if its keys are in a kernel that computes no MACs. */
bool keyring_has_mac(const struct sealed *s);
/* Appends the value of a MAC record over the @len bytes of records: the keystore's name, NUL, the
 * MAC over all, one MAC of each record. */
int keyring_encode_mac(const struct sealed *s, const uint8_t *bytes, size_t len,
		       struct text *value);
/* HF-TAMPERED, naming the record that was changed in the device part that @ring was read from. */
int keyring_check_mac(const struct keyring *ring, const struct sealed *s);

#endif
