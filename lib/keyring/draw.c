/* SPDX-License-Identifier: Apache-2.0 */
/* New keys: drawn, sealed and wrapped for the plan that was begun. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/endian.h"
#include "keyring/epoch.h"
#include "keyring/draw.h"
#include "keyring/private.h"
#include "keyring/references.h"
#include "keyring/seal.h"
#include "keyring/wrap.h"
#include "vault/journal.h"

/* Hardware that served an earlier life of the device: what that sealed shall never open again. */
int keyring_seal_first(struct keyring *ring, struct sealed *s)
{
	DIAG_SCOPE("keystore %s", s->keystore->name);
	int r = anchor_begin(ring, s);

	return r < 0 ? r : keyring_seal_new(ring, s, 0);
}

static int draw_key(struct keyring *ring, const struct layer *l, enum key_purpose purpose)
{
	const struct keystore *keystore = layer_keystore(l);
	struct wrapped w = {.item.layer = (uint32_t)keyring_layer_index(l),
			    .item.purpose = purpose,
			    .item.len = (uint32_t)layer_key_bytes(l, purpose)};
	struct sealed *s;
	int r = keyring_add_sealed(ring, keystore, &s);

	if (r >= 0 && w.item.len > VAULT_WRAPPED_MAX)
		r = diag_fail(DIAG_INTERNAL, E2BIG, "a key of %u bytes", w.item.len);
	if (r >= 0 && !s->secret && !s->loaded)
		r = keyring_seal_first(ring, s);
	if (r >= 0 && keystore->ops->references)
		return keyring_draw_reference(ring, s, l, w.item.layer, purpose);
	if (r >= 0)
		r = secret_new(w.item.len, &w.key);
	if (r < 0)
		return r;
	snprintf(w.item.keystore, sizeof(w.item.keystore), "%s", keystore->name);
	snprintf(w.item.volume, sizeof(w.item.volume), "%s", l->volume->full_name);
	r = ring->env->random(secret_bytes(w.key), w.item.len);
	if (r >= 0)
		r = keyring_wrap(ring, s, &w);
	if (r >= 0 && array_add(&ring->wrapped, w) < 0)
		r = diag_no_memory();
	if (r < 0)
		secret_free(w.key);
	return r;
}

static int draw_keys(struct keyring *ring, const struct layer *l)
{
	int r = 0;

	for (int purpose = 0; purpose < KEY_PURPOSES && r >= 0; purpose++) {
		if (layer_key_bytes(l, (enum key_purpose)purpose))
			r = draw_key(ring, l, (enum key_purpose)purpose);
	}
	return r;
}

static void identify_plan(const struct vault *v, uint8_t ret[static KEYS_FOR_BYTES])
{
	struct vault_begun begun = {0};
	le64_t generation;

	vault_begun(v, &begun);
	generation = le64_make(begun.generation);
	memcpy(ret, begun.plan_digest, SHA256_BYTES);
	memcpy(ret + SHA256_BYTES, &generation, sizeof(generation));
}

int keyring_draw(const struct vault *v, const struct layout *layout, struct env *env,
		 struct keyring **ret)
{
	_cleanup_keyring_ struct keyring *ring = keyring_new(layout, env);
	int r = ring ? 0 : -ENOMEM;

	if (ring)
		identify_plan(v, ring->keys_for);
	layout_each_volume (each, layout) {
		if (each->reserved)
			continue;
		volume_each_layer (l, each) {
			if (r >= 0)
				r = draw_keys(ring, l);
		}
	}
	if (r >= 0)
		*ret = TAKE(ring);
	return r;
}

bool keyring_is_for(const struct keyring *ring, const struct vault *v)
{
	uint8_t begun[KEYS_FOR_BYTES];

	identify_plan(v, begun);
	return memcmp(ring->keys_for, begun, sizeof(begun)) == 0;
}
