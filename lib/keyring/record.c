/* SPDX-License-Identifier: Apache-2.0 */
/* A keyring from and to records of the device part. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/endian.h"
#include "keyring/escrow.h"
#include "keyring/mac.h"
#include "keyring/private.h"
#include "keyring/record.h"
#include "keyring/references.h"
#include "vault/device-part.h"

static void put_sealed(const struct sealed *s, struct text *to)
{
	_cleanup_text_ struct text value = {0};

	text_add_bytes(&value, s->keystore->name, strlen(s->keystore->name) + 1);
	text_add_bytes(&value, s->blob, s->blob_len);
	to->failed |= value.failed;
	device_part_put(to, VAULT_SEALED, value.s, value.len);
}

static void put_records(struct keyring *ring, struct text *to)
{
	for (size_t i = 0; i < ring->n_sealed; i++)
		put_sealed(&ring->sealed[i], to);
	array_each (w, &ring->wrapped) {
		uint8_t bytes[VAULT_KEY_BYTES];

		vault_encode_key(&w->item, bytes);
		device_part_put(to, VAULT_KEY, bytes, sizeof(bytes));
	}
	keyring_encode_references(ring, to);
	keyring_encode_escrows(ring, to);
	device_part_put(to, VAULT_KEYS_FOR, ring->keys_for, sizeof(ring->keys_for));
}

int keyring_encode(struct keyring *ring, const struct text *description, struct text *to)
{
	_cleanup_text_ struct text all = {0};
	size_t covered;
	int r = 0;

	text_add_bytes(&all, description->s, description->len);
	put_records(ring, &all);
	covered = all.len;
	for (size_t i = 0; i < ring->n_sealed && r >= 0; i++) {
		_cleanup_text_ struct text value = {0};

		if (!keyring_has_mac(&ring->sealed[i]))
			continue; /* by reference, and the kernel computes none */
		r = keyring_encode_mac(&ring->sealed[i], (const uint8_t *)all.s, covered, &value);
		all.failed |= value.failed;
		device_part_put(&all, VAULT_MAC, value.s, value.len);
	}
	if (r < 0)
		return r;
	if (all.failed || description->failed)
		return diag_no_memory();
	text_add_bytes(to, all.s + description->len, all.len - description->len);
	return to->failed ? diag_no_memory() : 0;
}

/* --- reading --- */

static int bad(const char *what)
{
	return diag_fail(DIAG_DAMAGED, EUCLEAN, "the vault's keys cannot be used: %s", what);
}

static const struct keystore *find_keystore(const struct layout *layout, const char *name)
{
	for (size_t i = 0; i < layout->n_keystores; i++) {
		if (strcmp(layout->keystores[i]->name, name) == 0)
			return layout->keystores[i];
	}
	return NULL;
}

static int read_sealed(struct keyring *ring, const struct vault_item *item)
{
	size_t name = strnlen((const char *)item->value, item->len);
	struct sealed *s = &ring->sealed[ring->n_sealed];

	if (name == item->len || ring->n_sealed == KEYSTORES_MAX)
		return bad("a sealed secret");
	*s = (struct sealed){0};
	s->keystore = find_keystore(ring->layout, (const char *)item->value);
	if (!s->keystore)
		return bad("they are sealed by a keystore that the layout does not have");
	s->blob_len = item->len - name - 1;
	s->blob = malloc(s->blob_len ? s->blob_len : 1);
	if (!s->blob)
		return diag_no_memory();
	memcpy(s->blob, item->value + name + 1, s->blob_len);
	ring->n_sealed++;
	return 0;
}

static int read_record(struct keyring *ring, const struct vault_item *item)
{
	struct wrapped w = {0};

	switch (item->type) {
	case VAULT_SEALED:
		return read_sealed(ring, item);
	case VAULT_KEY:
		if (vault_decode_key(item->value, item->len, &w.item) < 0)
			return bad("a volume key");
		return array_add(&ring->wrapped, w) < 0 ? diag_no_memory() : 0;
	case VAULT_KEY_BLOB:
		return keyring_decode_reference(ring, item) < 0 ? bad("a volume key") : 0;
	case VAULT_ESCROW:
	case VAULT_ESCROW_KEY:
		return keyring_decode_escrow(ring, item) < 0 ? bad("an escrow") : 0;
	case VAULT_KEYS_FOR:
		if (item->len != sizeof(ring->keys_for))
			return bad("the plan's digest");
		memcpy(ring->keys_for, item->value, item->len);
		return 0;
	default:
		return 0;
	}
}

/* --- versions --- */

/* The version of a sealed secret that is newer than its backend knows; else 0. */
static uint32_t newer_blob(const struct layout *layout, const struct vault_item *item)
{
	size_t name = strnlen((const char *)item->value, item->len);
	const uint8_t *blob = item->value + name + 1;
	const struct keystore *k;
	le32_t version;

	if (name == item->len || item->len - name - 1 < BLOB_MAGIC_BYTES + sizeof(version))
		return 0;
	k = find_keystore(layout, (const char *)item->value);
	if (!k || !k->ops->blob_magic ||
	    strncmp((const char *)blob, k->ops->blob_magic, BLOB_MAGIC_BYTES) != 0)
		return 0;
	memcpy(&version, blob + BLOB_MAGIC_BYTES, sizeof(version));
	return le32_get(version) > k->ops->blob_version ? le32_get(version) : 0;
}

int keyring_refuse_newer(const struct vault *v, const struct layout *layout)
{
	struct vault_payload payload;
	struct vault_escrow_item escrow;
	struct vault_item item;
	uint32_t version;
	size_t at = 0;

	if (!vault_active_payload(v, &payload))
		return 0;
	while (vault_next_item(payload.bytes, payload.len, &at, &item) == 1) {
		version = item.type == VAULT_SEALED ? newer_blob(layout, &item) : 0;
		if (version)
			return diag_fail(DIAG_NEWER, ENOTSUP,
					 "the secret of keystore %s was sealed by a newer holdfast "
					 "(version %" PRIu32 ")",
					 (const char *)item.value, version);
		if (item.type == VAULT_ESCROW &&
		    vault_decode_escrow(item.value, item.len, &escrow) == -ENOTSUP)
			return diag_fail(DIAG_NEWER, ENOTSUP,
					 "an escrow in its vault was made by a newer holdfast");
	}
	return 0;
}

/* --- a whole keyring --- */

/* A copy of the device part: its MAC is checked when a keystore is unsealed. */
static int keep_payload(struct keyring *ring, const struct vault_payload *from)
{
	ring->id = from->id;
	ring->payload_len = from->len;
	ring->payload = malloc(from->len ? from->len : 1);
	if (!ring->payload)
		return diag_no_memory();
	memcpy(ring->payload, from->bytes, from->len);
	return 0;
}

int keyring_read(const struct vault *v, const struct layout *layout, struct env *env,
		 struct keyring **ret)
{
	_cleanup_keyring_ struct keyring *ring = NULL;
	struct vault_payload payload;
	struct vault_item item;
	size_t at = 0;
	int r;

	if (!vault_active_payload(v, &payload))
		return 0;
	ring = keyring_new(layout, env);
	if (!ring)
		return -ENOMEM;
	r = keep_payload(ring, &payload);
	if (r < 0)
		return r;
	while ((r = vault_next_item(payload.bytes, payload.len, &at, &item)) == 1) {
		r = read_record(ring, &item);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return bad("records are cut short");
	if (ring->n_sealed == 0)
		return 0;
	*ret = TAKE(ring);
	return 1;
}
