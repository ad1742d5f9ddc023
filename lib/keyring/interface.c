/* SPDX-License-Identifier: Apache-2.0 */
/* What layers are given: keys, references, and the tokens by which others open a volume. */
#include <errno.h>
#include <string.h>

#include "base/container.h"
#include "base/diag.h"
#include "keyring/anchor.h"
#include "keyring/interface.h"
#include "keyring/private.h"
#include "keyring/references.h"
#include "keyring/seal.h"
#include "keyring/wrap.h"

static struct wrapped *find_wrapped(struct keyring *ring, const struct layer *l,
				    enum key_purpose purpose)
{
	array_each (w, &ring->wrapped) {
		if (strcmp(w->item.volume, l->volume->full_name) == 0 &&
		    (int)w->item.layer == keyring_layer_index(l) && w->item.purpose == purpose)
			return w;
	}
	return NULL;
}

static int missing(const struct layer *l)
{
	const struct volume *v = l->volume;
	int r = diag_fail(DIAG_KEY_MISSING, ENOKEY,
			  v->forgotten ? "volume %s was given up: its key is gone for good"
				       : "the vault has no key of volume %s",
			  v->full_name);

	if (v->forgotten)
		diag_next("`holdfast provision … --replace=all` lays the device out again");
	return r;
}

static int wrong_length(const struct layer *l, uint32_t len, enum key_purpose purpose)
{
	return diag_fail(DIAG_TAMPERED, EUCLEAN,
			 "the vault has a key of %u bytes for volume %s, whose %s layer takes %zu",
			 len, l->volume->full_name, l->ops->name, layer_key_bytes(l, purpose));
}

static int stored_key(struct keyring *ring, const struct layer *l, enum key_purpose purpose,
		      const struct secret **ret)
{
	struct wrapped *w = find_wrapped(ring, l, purpose);
	struct sealed *s = w ? keyring_find_sealed(ring, w->item.keystore) : NULL;
	int r;

	if (!w || !s || s->keystore->ops->references)
		return missing(l);
	if (w->item.len != layer_key_bytes(l, purpose))
		return wrong_length(l, w->item.len, purpose);
	r = keyring_unseal(ring, s);
	if (r >= 0 && !w->key)
		r = keyring_unwrap(s, w);
	if (r >= 0)
		*ret = w->key;
	return r;
}

static int volume_key(struct keys *keys, struct job *job, const struct layer *l,
		      enum key_purpose purpose, const struct secret **ret)
{
	return stored_key(container_of(keys, struct keyring, keys), l, purpose, ret);
}

static int reference(struct keys *keys, const struct layer *l, enum key_purpose purpose,
		     struct key_reference *ret)
{
	struct keyring *ring = container_of(keys, struct keyring, keys);
	struct referred *w =
	    keyring_find_reference(ring, l, (unsigned)keyring_layer_index(l), purpose);
	struct sealed *s = w ? keyring_find_sealed(ring, w->item.keystore) : NULL;
	int r;

	if (!w || !s || !s->keystore->ops->references)
		return missing(l);
	if (w->item.len != layer_key_bytes(l, purpose))
		return wrong_length(l, w->item.len, purpose);
	r = keyring_unseal(ring, s);
	return r < 0 ? r : keyring_load_reference(s, w, ret);
}

static int systemd_token(struct keys *keys, const struct layer *l, unsigned keyslot,
			 struct text *ret)
{
	struct keyring *ring = container_of(keys, struct keyring, keys);
	struct wrapped *w = find_wrapped(ring, l, KEY_TOKEN);
	struct sealed *s = w ? keyring_find_sealed(ring, w->item.keystore) : NULL;
	const struct secret *secret;
	int r;

	if (!w || !s || !s->keystore->ops->systemd)
		return missing(l);
	r = stored_key(ring, l, KEY_TOKEN, &secret);
	if (r >= 0)
		r = keyring_reach(ring, s);
	return r < 0 ? r
		     : s->keystore->ops->systemd->seal(s->keystore, s->session, ring->env, secret,
						       keyslot, ret);
}

struct keys *keyring_keys(struct keyring *ring)
{
	ring->keys = (struct keys){
	    .volume_key = volume_key,
	    .reference = reference,
	    .systemd_token = systemd_token,
	};
	return &ring->keys;
}

bool keyring_has_key(struct keyring *ring, const struct layer *l, enum key_purpose purpose)
{
	return find_wrapped(ring, l, purpose) ||
	       keyring_find_reference(ring, l, (unsigned)keyring_layer_index(l), purpose);
}

/* Unseals the keystore of @l, if @l has a key. */
static int unlock_layer(struct keyring *ring, const struct layer *l)
{
	const struct secret *key;
	struct key_reference ref;

	if (layer_key_is_reference(l))
		return reference(&ring->keys, l, KEY_VOLUME, &ref);
	return layer_key_bytes(l, KEY_VOLUME) ? stored_key(ring, l, KEY_VOLUME, &key) : 0;
}

int keyring_unlock(struct keyring *ring, struct volume *const *volumes, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < ring->n_sealed && r >= 0 && n == 0; i++)
		r = keyring_unseal(ring, &ring->sealed[i]);
	for (size_t i = 0; i < n; i++) {
		volume_each_layer (l, volumes[i]) {
			if (r >= 0)
				r = unlock_layer(ring, l);
		}
	}
	return r;
}
