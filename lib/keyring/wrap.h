/* SPDX-License-Identifier: Apache-2.0 */
/* Volume keys under the KEK of their keystore. Failures are reported. */
#ifndef HOLDFAST_KEYRING_WRAP_H
#define HOLDFAST_KEYRING_WRAP_H

struct keyring;
struct sealed;
struct wrapped;

/* @s was sealed or unsealed. */
int keyring_wrap(struct keyring *ring, const struct sealed *s, struct wrapped *w);
/* HF-TAMPERED where the record was changed or was moved from another place. @s NULL: the record
 * names a keystore that is not there. */
int keyring_unwrap(const struct sealed *s, struct wrapped *w);

#endif
