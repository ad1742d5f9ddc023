/* SPDX-License-Identifier: Apache-2.0 */
/* Writing the device part: a layout with everything that was decided and learnt, as records. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/endian.h"
#include "base/overflow.h"
#include "format/vault.h"
#include "model/key.h"
#include "model/layer.h"
#include "model/medium.h"
#include "vault/device-part.h"

void device_part_put(struct text *to, unsigned type, const void *value, size_t len)
{
	static const uint8_t zeroes[4];
	const le16_t t = le16_make((uint16_t)type), none = le16_make(0);
	const le32_t n = le32_make((uint32_t)len);

	text_add_bytes(to, &t, sizeof(t));
	text_add_bytes(to, &none, sizeof(none));
	text_add_bytes(to, &n, sizeof(n));
	text_add_bytes(to, value, len);
	text_add_bytes(to, zeroes, (size_t)(round_up(len, 4) - len));
}

static void put_strings(struct text *to, unsigned type, const char *a, const char *b)
{
	_cleanup_text_ struct text value = {0};

	text_add_bytes(&value, a, strlen(a) + 1);
	if (b)
		text_add_bytes(&value, b, strlen(b) + 1);
	to->failed |= value.failed;
	device_part_put(to, type, value.s, value.len);
}

static void put_values(struct text *to, const struct option_spec *specs,
		       const struct option_value *values)
{
	for (size_t i = 0; specs && specs[i].name; i++) {
		if (values[i].present && values[i].given)
			put_strings(to, VAULT_OPTION, specs[i].name, values[i].text);
	}
}

static void put_device(struct text *to, const struct layout *l)
{
	char version[24];

	snprintf(version, sizeof(version), "%" PRIu64, l->device.version);
	device_part_put(to, VAULT_DEVICE, "", 0);
	put_strings(to, VAULT_OPTION, "name", l->device.name ? l->device.name : "");
	if (l->device.architecture)
		put_strings(to, VAULT_OPTION, "architecture", l->device.architecture);
	put_strings(to, VAULT_OPTION, "version", version);
}

static void put_layer(struct text *to, const struct layer *l)
{
	put_strings(to, VAULT_LAYER, l->ops->name, NULL);
	put_values(to, l->ops->options, l->values);
	if (l->source.surveyed) {
		struct vault_source_item s = {
		    .content_bytes = l->source.content_bytes,
		    .minimum_bytes = l->source.minimum_bytes,
		};
		uint8_t bytes[VAULT_SOURCE_BYTES];

		memcpy(s.digest, l->source.digest, 32);
		snprintf(s.tool, sizeof(s.tool), "%s", l->source.tool ? l->source.tool : "");
		vault_encode_source(&s, bytes);
		device_part_put(to, VAULT_SOURCE, bytes, sizeof(bytes));
	}
	array_each (it, &l->learned)
		put_strings(to, VAULT_LEARNED, it->name, it->value);
}

/* @as_laid_out: as if it was never given up. */
static void put_volume(struct text *to, const struct volume *v, bool as_laid_out)
{
	_cleanup_text_ struct text value = {0};
	const le32_t flags = le32_make((v->reserved ? VAULT_VOLUME_RESERVED : 0) |
				       (v->in_shared ? VAULT_VOLUME_SHARED : 0) |
				       (v->forgotten && !as_laid_out ? VAULT_VOLUME_FORGOTTEN : 0));
	const char *slot = v->slot ? v->slot : "";

	text_add_bytes(&value, &flags, sizeof(flags));
	text_add_bytes(&value, v->name, strlen(v->name) + 1);
	text_add_bytes(&value, slot, strlen(slot) + 1);
	to->failed |= value.failed;
	device_part_put(to, VAULT_VOLUME, value.s, value.len);
	for (uint32_t role = 0; role < ROLE_COUNT; role++) {
		struct vault_extent_item e = {
		    .role = role,
		    .number = v->pieces[role].number,
		    .offset_bytes = v->pieces[role].extent.offset_bytes,
		    .size_bytes = v->pieces[role].extent.size_bytes,
		    .uuid = v->pieces[role].uuid,
		    .type = v->pieces[role].type,
		};
		uint8_t bytes[VAULT_EXTENT_BYTES];

		if (!e.size_bytes)
			continue;
		memcpy(e.label, v->pieces[role].label, sizeof(e.label));
		vault_encode_extent(&e, bytes);
		device_part_put(to, VAULT_EXTENT, bytes, sizeof(bytes));
	}
	volume_each_layer (l, v)
		put_layer(to, l);
}

static void put_keystore(struct text *to, const struct keystore *k)
{
	put_strings(to, VAULT_KEYSTORE, k->name, k->ops->name);
	put_values(to, k->ops->options, k->values);
}

int device_part_digest(const struct volume *v, uint8_t ret[static SHA256_BYTES])
{
	const struct layout *l = v->layout;
	_cleanup_text_ struct text all = {0};

	for (size_t i = 0; i < l->n_keystores; i++)
		put_keystore(&all, l->keystores[i]);
	put_volume(&all, v, true);
	return all.failed ? diag_no_memory() : digest_sha256(all.s, all.len, ret);
}

void device_part_describe(const struct layout *layout, struct text *to)
{
	put_device(to, layout);
	for (size_t i = 0; i < layout->n_media; i++) {
		const struct medium *m = layout->media[i];

		put_strings(to, VAULT_MEDIUM, m->name, m->ops->name);
		put_values(to, m->ops->options, m->values);
	}
	for (size_t i = 0; i < layout->n_keystores; i++)
		put_keystore(to, layout->keystores[i]);
	layout_each_volume (v, layout)
		put_volume(to, v, false);
}

void device_part_copy(const uint8_t *bytes, size_t len, struct text *to)
{
	struct vault_item item;
	size_t at = 0;

	while (vault_next_item(bytes, len, &at, &item) == 1) {
		if (!vault_item_is_of_keys(item.type))
			device_part_put(to, item.type, item.value, item.len);
	}
}

int device_part_encode(const struct text *description, const struct text *keys, struct text *to)
{
	text_add_bytes(to, description->s, description->len);
	if (keys)
		text_add_bytes(to, keys->s, keys->len);
	device_part_put(to, VAULT_END, "", 0);
	to->failed |= description->failed || (keys && keys->failed);
	return to->failed ? diag_no_memory() : 0;
}
