/* SPDX-License-Identifier: Apache-2.0 */
/* Telling of keys: which there are, what guards them, and every way to the contents of a volume. */
#include <string.h>

#include "keyring/private.h"
#include "keyring/ways.h"

size_t keyring_list(const struct keyring *ring, struct keyring_entry *ret, size_t max)
{
	size_t n = 0;

	array_each (w, &ring->wrapped) {
		const struct volume *v = layout_volume(ring->layout, w->item.volume);

		if (n == max)
			break;
		ret[n++] = (struct keyring_entry){
		    .volume = w->item.volume,
		    .keystore = w->item.keystore,
		    .layer = v && w->item.layer < v->n_layers ? v->layers[w->item.layer] : NULL,
		    .purpose = (enum key_purpose)w->item.purpose,
		    .bytes = w->item.len,
		};
	}
	array_each (f, &ring->referred) {
		const struct volume *v = layout_volume(ring->layout, f->item.volume);

		if (n == max)
			break;
		ret[n++] = (struct keyring_entry){
		    .volume = f->item.volume,
		    .keystore = f->item.keystore,
		    .layer = v && f->item.layer < v->n_layers ? v->layers[f->item.layer] : NULL,
		    .purpose = (enum key_purpose)f->item.purpose,
		    .bytes = f->item.len,
		};
	}
	return n;
}

void keyring_describe(const struct keyring *ring, const struct keystore *keystore, struct text *to)
{
	for (size_t i = 0; i < ring->n_sealed; i++) {
		const struct sealed *s = &ring->sealed[i];

		if (s->keystore == keystore && keystore->ops->describe)
			keystore->ops->describe(keystore, s->blob, s->blob_len, to);
	}
}

const char *way_name(enum way_kind kind)
{
	static const char *const names[] = {
	    [WAY_KEYSTORE] = "keystore",
	    [WAY_RECOVERY] = "recovery-key",
	    [WAY_SYSTEMD] = "systemd-token",
	    [WAY_ESCROW] = "escrow",
	    [WAY_ESCROW_WAITING] = "escrow-waiting",
	    [WAY_UNKNOWN] = "unknown",
	    [WAY_FOREIGN] = "foreign-keyslot",
	};

	return names[kind];
}

const char *way_words(enum way_kind kind)
{
	static const char *const words[] = {
	    [WAY_KEYSTORE] = "its keystore",
	    [WAY_RECOVERY] = "a recovery key, which `key recovery` prints",
	    [WAY_SYSTEMD] = "a token by which systemd-cryptsetup opens it, with the hardware of",
	    [WAY_ESCROW] = "a recovery key in escrow, whose keeper has given a receipt",
	    [WAY_ESCROW_WAITING] = "a recovery key in escrow, without a receipt so far",
	    [WAY_UNKNOWN] = "whatever others added: its header cannot be read without its key",
	    [WAY_FOREIGN] = "LUKS2 keyslots that were not laid out",
	};

	return words[kind];
}

static enum way_kind way_of(uint32_t purpose)
{
	return purpose == KEY_RECOVERY ? WAY_RECOVERY
	       : purpose == KEY_TOKEN  ? WAY_SYSTEMD
				       : WAY_KEYSTORE;
}

size_t keyring_ways_in(const struct keyring *ring, const char *name, struct way_in *ret, size_t max)
{
	size_t n = 0;

	array_each (w, &ring->wrapped) {
		if (n == max || (name && strcmp(name, w->item.volume) != 0))
			continue;
		ret[n++] = (struct way_in){
		    .kind = way_of(w->item.purpose),
		    .volume = w->item.volume,
		    .keystore = w->item.keystore,
		};
	}
	array_each (f, &ring->referred) {
		if (n < max && (!name || strcmp(name, f->item.volume) == 0))
			ret[n++] = (struct way_in){.kind = WAY_KEYSTORE,
						   .volume = f->item.volume,
						   .keystore = f->item.keystore};
	}
	array_each (e, &ring->escrows) {
		if (n == max || (name && strcmp(name, e->item.volume) != 0))
			continue;
		ret[n] = (struct way_in){
		    .kind = e->item.confirmed ? WAY_ESCROW : WAY_ESCROW_WAITING,
		    .volume = e->item.volume,
		    .keystore = "",
		};
		memcpy(ret[n++].nonce, e->item.nonce, ESCROW_NONCE_BYTES);
	}
	return n;
}

/* Erasing the keystore leaves this one standing. */
static bool outlives(const struct keyring *ring, const struct way_in *way,
		     const struct keystore *keystore)
{
	if (way->kind == WAY_KEYSTORE)
		return false;
	array_each (w, &ring->wrapped) {
		if (strcmp(w->item.volume, way->volume) == 0 &&
		    strcmp(w->item.keystore, keystore->name) == 0)
			return true;
	}
	return false;
}

enum erase_strength keyring_erase_strength(const struct keyring *ring,
					   const struct keystore *keystore,
					   const struct way_in *ways, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (outlives(ring, &ways[i], keystore))
			return ERASE_MEDIA;
	}
	return keystore->ops->strength(keystore);
}
