/* SPDX-License-Identifier: Apache-2.0 */
/* Volume keys that only the kernel has: the vault keeps what their backend made of them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "keyring/private.h"
#include "keyring/references.h"
#include "vault/device-part.h"

struct referred *keyring_find_reference(struct keyring *ring, const struct layer *l, unsigned layer,
					enum key_purpose purpose)
{
	array_each (w, &ring->referred) {
		if (strcmp(w->item.volume, l->volume->full_name) == 0 && w->item.layer == layer &&
		    w->item.purpose == purpose)
			return w;
	}
	return NULL;
}

/* What the kernel knows it as: this process alone sees it. */
static void name_of(const struct referred *w, char *ret, size_t size)
{
	snprintf(ret, size, "holdfast-%s-%u", w->item.volume, w->item.layer);
}

/* Takes the text over. */
static int set_blob(struct referred *w, struct text *blob)
{
	if (blob->failed)
		return diag_no_memory();
	if (blob->len == 0 || blob->len > VAULT_KEY_BLOB_MAX)
		return diag_fail(DIAG_INTERNAL, E2BIG, "a key that takes %zu bytes", blob->len);
	free(w->blob);
	w->item.blob_len = blob->len;
	w->blob = (uint8_t *)TAKE(blob->s);
	return 0;
}

int keyring_draw_reference(struct keyring *ring, const struct sealed *s, const struct layer *l,
			   unsigned layer, enum key_purpose purpose)
{
	struct referred w = {.item.layer = layer,
			     .item.purpose = purpose,
			     .item.len = (uint32_t)layer_key_bytes(l, purpose)};
	_cleanup_text_ struct text blob = {0};
	char name[96];
	int r;

	snprintf(w.item.keystore, sizeof(w.item.keystore), "%s", s->keystore->name);
	snprintf(w.item.volume, sizeof(w.item.volume), "%s", l->volume->full_name);
	name_of(&w, name, sizeof(name));
	r = s->keystore->ops->references->draw(s->keystore, s->blob, s->blob_len, name, w.item.len,
					       &blob);
	if (r >= 0)
		r = set_blob(&w, &blob);
	if (r >= 0 && array_add(&ring->referred, w) < 0)
		r = diag_no_memory();
	if (r < 0)
		free(w.blob);
	return r;
}

int keyring_load_reference(const struct sealed *s, struct referred *w, struct key_reference *ret)
{
	const struct key_reference_ops *ops = s ? s->keystore->ops->references : NULL;
	char name[96];
	int r = 0;
	DIAG_SCOPE("keystore %s", w->item.keystore);

	if (!ops)
		return diag_fail(DIAG_TAMPERED, EUCLEAN,
				 "the vault's key record of volume %s names a keystore that keeps "
				 "no keys in the kernel",
				 w->item.volume);

	name_of(w, name, sizeof(name));
	if (!*w->ref.type)
		r = ops->load(s->keystore, name, w->blob, w->item.blob_len, &w->ref);
	if (r >= 0 && w->ref.len != w->item.len)
		r = diag_fail(DIAG_TAMPERED, EUCLEAN,
			      "the vault's key record of volume %s says %u bytes, its key has %zu",
			      w->item.volume, w->item.len, w->ref.len);
	if (r >= 0)
		*ret = w->ref;
	return r;
}

int keyring_rewrap_references(struct keyring *ring, const struct sealed *s)
{
	int r = 0;

	array_each (w, &ring->referred) {
		_cleanup_text_ struct text blob = {0};

		if (r < 0 || strcmp(w->item.keystore, s->keystore->name) != 0)
			continue;
		r = s->keystore->ops->references->rewrap(s->keystore, &w->ref, s->blob, s->blob_len,
							 &blob);
		if (r >= 0)
			r = set_blob(w, &blob);
	}
	return r;
}

bool keyring_drop_references(struct keyring *ring, const struct volume *volume)
{
	size_t kept = 0, before = ring->referred.n;

	for (size_t i = 0; i < before; i++) {
		struct referred *w = &ring->referred.v[i];

		if (strcmp(w->item.volume, volume->full_name) == 0)
			free(w->blob);
		else
			ring->referred.v[kept++] = *w;
	}
	ring->referred.n = kept;
	return kept < before;
}

void keyring_encode_references(const struct keyring *ring, struct text *to)
{
	array_each (w, &ring->referred) {
		_cleanup_text_ struct text value = {0};
		uint8_t head[VAULT_KEY_BLOB_HEADER];

		vault_encode_key_blob(&w->item, head);
		text_add_bytes(&value, head, sizeof(head));
		text_add_bytes(&value, w->blob, w->item.blob_len);
		to->failed |= value.failed;
		device_part_put(to, VAULT_KEY_BLOB, value.s, value.len);
	}
}

int keyring_decode_reference(struct keyring *ring, const struct vault_item *item)
{
	struct referred w = {0};

	if (vault_decode_key_blob(item->value, item->len, &w.item) < 0)
		return -EINVAL;
	w.blob = malloc(w.item.blob_len);
	if (!w.blob)
		return diag_no_memory();
	memcpy(w.blob, w.item.blob, w.item.blob_len);
	w.item.blob = NULL;
	if (array_add(&ring->referred, w) < 0) {
		free(w.blob);
		return diag_no_memory();
	}
	return 0;
}
