/* SPDX-License-Identifier: Apache-2.0 */
/* Which key a layer wants, and whose it is. */
#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "model/key.h"

const struct keystore_ops *keystore_kind(const struct keystore_ops *const *registry,
					 const char *name)
{
	for (; registry && *registry; registry++) {
		if (strcmp((*registry)->name, name) == 0)
			return *registry;
	}
	return NULL;
}

size_t layer_key_bytes(const struct layer *l, enum key_purpose purpose)
{
	return l->ops->keys ? l->ops->keys->bytes(l, purpose) : 0;
}

const struct option_value *layer_keystore_option(const struct layer *l)
{
	const struct option_value *v =
	    l->ops->keys ? &l->values[l->ops->keys->keystore_option] : NULL;

	return v && v->present ? v : NULL;
}

const struct keystore *layer_keystore(const struct layer *l)
{
	const struct layout *layout = l->volume->layout;
	const struct option_value *named = layer_keystore_option(l);

	if (!named)
		return layout->n_keystores == 1 ? layout->keystores[0] : NULL;
	for (size_t k = 0; k < layout->n_keystores; k++) {
		if (strcmp(layout->keystores[k]->name, named->text) == 0)
			return layout->keystores[k];
	}
	return NULL;
}

bool keystore_must_erase(const struct keystore *k)
{
	return k->ops->must_erase && k->ops->must_erase(k);
}

const struct keystore *layout_anchor(const struct layout *layout)
{
	for (size_t i = 0; i < layout->n_keystores; i++) {
		if (layout->keystores[i]->ops->anchor_read)
			return layout->keystores[i];
	}
	return NULL;
}

static int not_here(const struct layer *l)
{
	int r =
	    diag_fail(DIAG_KEY_MISSING, ENOKEY, "volume %s: the key of its %s layer is not here",
		      l->volume->full_name, l->ops->name);

	diag_next("it is in the vault of the device that the volume was laid out on");
	return r;
}

int layer_key(const struct layer *l, struct job *job, enum key_purpose purpose,
	      const struct secret **ret)
{
	return job->keys ? job->keys->volume_key(job->keys, job, l, purpose, ret) : not_here(l);
}

int layer_systemd_token(const struct layer *l, struct job *job, unsigned keyslot, struct text *ret)
{
	if (job->keys && job->keys->systemd_token)
		return job->keys->systemd_token(job->keys, l, keyslot, ret);
	return not_here(l);
}

bool layer_key_is_reference(const struct layer *l)
{
	const struct keystore *k = layer_key_bytes(l, KEY_VOLUME) ? layer_keystore(l) : NULL;

	return k && k->ops->references;
}

int layer_key_reference(const struct layer *l, struct job *job, enum key_purpose purpose,
			struct key_reference *ret)
{
	if (job->keys && job->keys->reference)
		return job->keys->reference(job->keys, l, purpose, ret);
	return not_here(l);
}

bool volume_is_secret(const struct volume *v)
{
	volume_each_layer (l, v) {
		const struct layer_key_ops *keys = l->ops->keys;

		if (layer_key_bytes(l, KEY_VOLUME) || (keys && keys->external && keys->external(l)))
			return true;
	}
	return false;
}

bool volume_is_keyed(const struct volume *v)
{
	volume_each_layer (l, v) {
		if (layer_key_bytes(l, KEY_VOLUME))
			return true;
	}
	return false;
}
