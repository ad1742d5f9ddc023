/* SPDX-License-Identifier: Apache-2.0 */
/* New device secrets; keys given up. */
#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "keyring/anchor.h"
#include "keyring/epoch.h"
#include "keyring/escrow.h"
#include "keyring/interface.h"
#include "keyring/private.h"
#include "keyring/references.h"
#include "keyring/rotate.h"
#include "keyring/seal.h"
#include "keyring/wrap.h"

int keyring_seal_all(struct keyring *ring, int (*seal)(struct keyring *ring, struct sealed *s))
{
	int r = 0;

	array_each (w, &ring->wrapped) {
		if (r >= 0 && !w->key)
			r = keyring_unwrap(keyring_find_sealed(ring, w->item.keystore), w);
	}
	array_each (f, &ring->referred) {
		struct key_reference ref;

		if (r >= 0)
			r = keyring_load_reference(keyring_find_sealed(ring, f->item.keystore), f,
						   &ref);
	}
	for (size_t i = 0; i < ring->n_sealed && r >= 0; i++) {
		r = seal(ring, &ring->sealed[i]);
		if (r >= 0)
			r = keyring_rewrap_references(ring, &ring->sealed[i]);
	}
	array_each (w, &ring->wrapped) {
		if (r >= 0)
			r = keyring_wrap(ring, keyring_find_sealed(ring, w->item.keystore), w);
	}
	return r;
}

int keyring_seal_next(struct keyring *ring, struct sealed *s)
{
	uint64_t rotation;
	DIAG_SCOPE("keystore %s", s->keystore->name);
	int r = anchor_reserve(ring, s, &rotation);

	return r < 0 ? r : keyring_seal_new(ring, s, rotation);
}

int keyring_rotate(struct keyring *ring)
{
	int r = keyring_unlock(ring, NULL, 0);

	return r < 0 ? r : keyring_seal_all(ring, keyring_seal_next);
}

int keyring_prepare(struct keyring *ring, const struct keystore *keystore)
{
	struct sealed *s = keyring_find_sealed(ring, keystore->name);
	DIAG_SCOPE("keystore %s", keystore->name);
	int r;

	if (!s || !keystore->ops->prepare)
		return 0;
	r = keyring_reach(ring, s);
	if (r >= 0)
		r = keystore->ops->prepare(keystore, s->session, ring->env);
	if (r >= 0 && keystore->ops->prepare_anchor)
		r = keystore->ops->prepare_anchor(keystore, s->session, ring->env);
	return r;
}

int keyring_forget(struct keyring *ring, const struct volume *volume)
{
	size_t kept = 0, before = ring->wrapped.n;

	for (size_t i = 0; i < before; i++) {
		struct wrapped *w = &ring->wrapped.v[i];

		if (strcmp(w->item.volume, volume->full_name) == 0)
			secret_free(w->key);
		else
			ring->wrapped.v[kept++] = *w;
	}
	ring->wrapped.n = kept;
	keyring_escrow_drop(ring, volume, false);
	if (keyring_drop_references(ring, volume) || kept < before)
		return 0;
	return diag_fail(DIAG_KEY_MISSING, ENOKEY, "the vault has no key of volume %s",
			 volume->full_name);
}
