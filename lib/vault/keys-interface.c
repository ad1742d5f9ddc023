/* SPDX-License-Identifier: Apache-2.0 */
/* What layers are given: keys, references, and what others need to open a volume. */
#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "vault/keys-private.h"

int vault_keys_layer_index(const struct layer *l)
{
	for (size_t i = 0; i < l->volume->n_layers; i++) {
		if (l->volume->layers[i] == l)
			return (int)i;
	}
	return -1;
}

static struct wrapped *find_wrapped(struct vault_keys *k, const struct layer *l,
				    enum key_purpose purpose)
{
	array_each (w, &k->wrapped) {
		if (strcmp(w->item.volume, l->volume->full_name) == 0 &&
		    (int)w->item.layer == vault_keys_layer_index(l) && w->item.purpose == purpose)
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
		diag_next("`holdfast provision … --replace=all` lays the device out anew");
	return r;
}

static int wrong_length(const struct layer *l, uint32_t len, enum key_purpose purpose)
{
	return diag_fail(DIAG_TAMPERED, EUCLEAN,
			 "the vault has a key of %u bytes for volume %s, whose %s layer takes %zu",
			 len, l->volume->full_name, l->ops->name, layer_key_bytes(l, purpose));
}

static int vault_key(struct keys *keys, const struct layer *l, enum key_purpose purpose,
		     const struct secret **ret)
{
	struct vault_keys *k = (struct vault_keys *)keys;
	struct wrapped *w = find_wrapped(k, l, purpose);
	struct sealed *s = w ? vault_keys_find_sealed(k, w->item.keystore) : NULL;
	int r;

	if (!w || !s || s->keystore->ops->references)
		return missing(l);
	if (w->item.len != layer_key_bytes(l, purpose))
		return wrong_length(l, w->item.len, purpose);
	r = vault_keys_unlock_one(k, s);
	if (r >= 0 && !w->key)
		r = vault_keys_unwrap(s, w);
	if (r >= 0)
		*ret = w->key;
	return r;
}

static int volume_key(struct keys *keys, struct job *job, const struct layer *l,
		      enum key_purpose purpose, const struct secret **ret)
{
	return vault_key(keys, l, purpose, ret);
}

static int reference(struct keys *keys, const struct layer *l, enum key_purpose purpose,
		     struct key_reference *ret)
{
	struct vault_keys *k = (struct vault_keys *)keys;
	struct referred *w =
	    vault_keys_find_reference(k, l, (unsigned)vault_keys_layer_index(l), purpose);
	struct sealed *s = w ? vault_keys_find_sealed(k, w->item.keystore) : NULL;
	int r;

	if (!w || !s || !s->keystore->ops->references)
		return missing(l);
	if (w->item.len != layer_key_bytes(l, purpose))
		return wrong_length(l, w->item.len, purpose);
	r = vault_keys_unlock_one(k, s);
	return r < 0 ? r : vault_keys_load_reference(s, w, ret);
}

static int systemd_token(struct keys *keys, const struct layer *l, unsigned keyslot,
			 struct text *ret)
{
	struct vault_keys *k = (struct vault_keys *)keys;
	struct wrapped *w = find_wrapped(k, l, KEY_TOKEN);
	struct sealed *s = w ? vault_keys_find_sealed(k, w->item.keystore) : NULL;
	const struct secret *secret;
	int r;

	if (!w || !s || !s->keystore->ops->systemd)
		return missing(l);
	r = vault_key(keys, l, KEY_TOKEN, &secret);
	if (r >= 0)
		r = vault_keys_reach(s, k->env, &s->session);
	return r < 0 ? r
		     : s->keystore->ops->systemd->seal(s->keystore, s->session, k->env, secret,
						       keyslot, ret);
}

const struct keys vault_keys_given = {
    .volume_key = volume_key,
    .reference = reference,
    .systemd_token = systemd_token,
};

struct keys *vault_keys_interface(struct vault_keys *k)
{
	return &k->keys;
}

int vault_keys_unlock(struct vault_keys *k, struct volume *const *volumes, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < k->n_sealed && r >= 0 && n == 0; i++)
		r = vault_keys_unlock_one(k, &k->sealed[i]);
	for (size_t i = 0; i < n && r >= 0; i++) {
		for (size_t j = 0; j < volumes[i]->n_layers && r >= 0; j++) {
			const struct secret *key;
			struct key_reference ref;

			if (layer_key_is_reference(volumes[i]->layers[j]))
				r = reference(&k->keys, volumes[i]->layers[j], KEY_VOLUME, &ref);
			else if (layer_key_bytes(volumes[i]->layers[j], KEY_VOLUME))
				r = vault_key(&k->keys, volumes[i]->layers[j], KEY_VOLUME, &key);
		}
	}
	return r;
}
