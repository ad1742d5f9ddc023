/* SPDX-License-Identifier: Apache-2.0 */
/* Volume keys that only the kernel has: the vault keeps what their backend made of them. */
#ifndef HOLDFAST_KEYRING_REFERENCES_H
#define HOLDFAST_KEYRING_REFERENCES_H

#include "format/vault.h"
#include "model/key.h"

struct keyring;
struct referred;
struct sealed;

/* Of @layer in the volume of @l; or NULL. */
struct referred *keyring_find_reference(struct keyring *ring, const struct layer *l, unsigned layer,
					enum key_purpose purpose);
/* @s was sealed. */
int keyring_draw_reference(struct keyring *ring, const struct sealed *s, const struct layer *l,
			   unsigned layer, enum key_purpose purpose);
/* @s was unsealed. */
int keyring_load_reference(const struct sealed *s, struct referred *w, struct key_reference *ret);
/* Wraps all keys of @s, which were loaded, under what it has sealed now. */
int keyring_rewrap_references(struct keyring *ring, const struct sealed *s);
/* True: there were some. */
bool keyring_drop_references(struct keyring *ring, const struct volume *volume);
void keyring_encode_references(const struct keyring *ring, struct text *to);
/* -EINVAL, not reported: it is no such record. */
int keyring_decode_reference(struct keyring *ring, const struct vault_item *item);

#endif
