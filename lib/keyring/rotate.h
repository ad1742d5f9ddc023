/* SPDX-License-Identifier: Apache-2.0 */
/* New device secrets; keys given up. In memory until keyring_commit(). Failures are reported. */
#ifndef HOLDFAST_KEYRING_ROTATE_H
#define HOLDFAST_KEYRING_ROTATE_H

#include "model/key.h"

struct keyring;
struct sealed;

/* New device secrets; the keystore may ask for a new passphrase. Volume keys stay. */
int keyring_rotate(struct keyring *ring);
/* Prepares the hardware of @keystore for another boot policy, as provisioning does: the next commit
 * may bind its record of the vault to that policy. */
int keyring_prepare(struct keyring *ring, const struct keystore *keystore);
/* Drops the keys of @volume. Rotate afterwards: the old secret still opens an old copy. */
int keyring_forget(struct keyring *ring, const struct volume *volume);

/* --- for lib/keyring --- */

/* Unwraps every key, seals each keystore with @seal, and wraps all keys under the new secrets. */
int keyring_seal_all(struct keyring *ring, int (*seal)(struct keyring *ring, struct sealed *s));
/* A new secret for the next R, which is reserved first; it is alive once the commit counted it. */
int keyring_seal_next(struct keyring *ring, struct sealed *s);

#endif
