/* SPDX-License-Identifier: Apache-2.0 */
/* The device part: a layout with all that was decided and learnt, as records, and back. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/endian.h"
#include "base/overflow.h"
#include "crypto/digest.h"
#include "model/build.h"
#include "model/key.h"
#include "vault/keys-private.h"

/* --- to records --- */

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
	for (size_t i = 0; i < v->n_layers; i++)
		put_layer(to, v->layers[i]);
}

int device_part_digest(const struct volume *v, uint8_t ret[static SHA256_BYTES])
{
	const struct layout *l = v->layout;
	_cleanup_text_ struct text all = {0};

	for (size_t i = 0; i < l->n_keystores; i++) {
		put_strings(&all, VAULT_KEYSTORE, l->keystores[i]->name,
			    l->keystores[i]->ops->name);
		put_values(&all, l->keystores[i]->ops->options, l->keystores[i]->values);
	}
	put_volume(&all, v, true);
	return all.failed ? diag_no_memory() : digest_sha256(all.s, all.len, ret);
}

int device_part_encode(const struct layout *layout, struct vault_keys *keys, struct text *to)
{
	int r = 0;

	put_device(to, layout);
	for (size_t i = 0; i < layout->n_media; i++) {
		const struct medium *m = layout->media[i];

		put_strings(to, VAULT_MEDIUM, m->name, m->ops->name);
		put_values(to, m->ops->options, m->values);
	}
	for (size_t i = 0; i < layout->n_keystores; i++) {
		const struct keystore *k = layout->keystores[i];

		put_strings(to, VAULT_KEYSTORE, k->name, k->ops->name);
		put_values(to, k->ops->options, k->values);
	}
	for (size_t i = 0; i < layout->n_volumes; i++)
		put_volume(to, layout->volumes[i], false);
	if (keys)
		r = vault_keys_encode(keys, to);
	device_part_put(to, VAULT_END, "", 0);
	return r < 0 ? r : to->failed ? diag_no_memory() : 0;
}

/* --- and back --- */

struct reader {
	struct layout *layout;
	const struct kinds *kinds;
	bool in_device;
	struct medium *medium;
	struct keystore *keystore;
	struct volume *volume;
	struct layer *layer;
};

static int bad(const char *what)
{
	int r =
	    diag_fail(DIAG_DAMAGED, EUCLEAN, "the vault's device part cannot be used: %s", what);

	diag_next("if it was made by a newer holdfast, use that one");
	return r;
}

/* Of what stands before it: a layer, a keystore or a medium. */
static int set_option(struct reader *r, const char *name, const char *const *texts, size_t n)
{
	const struct where nowhere = {0};

	if (r->layer)
		return layer_set(r->layer, name, texts, n, nowhere);
	if (r->keystore)
		return keystore_set(r->layout, r->keystore, name, texts, n, nowhere);
	return medium_set(r->layout, r->medium, name, texts, n, nowhere);
}

/* The canonical text of a list has its words joined by commas. */
static int set_list(struct reader *r, const char *name, const char *text)
{
	_cleanup_free_ char *copy = strdup(text);
	const char *words[32];
	char *save = NULL;
	size_t n = 0;

	if (!copy)
		return diag_no_memory();
	for (char *w = strtok_r(copy, ",", &save); w && n < 32; w = strtok_r(NULL, ",", &save))
		words[n++] = w;
	return set_option(r, name, words, n);
}

static int read_option(struct reader *r, const char *name, const char *text)
{
	const struct option_spec *specs = r->layer      ? r->layer->ops->options
					  : r->keystore ? r->keystore->ops->options
					  : r->medium   ? r->medium->ops->options
							: NULL;
	int i = option_index(specs, name);

	if (r->in_device) {
		struct arena *arena = &r->layout->arena;

		if (strcmp(name, "name") == 0)
			r->layout->device.name = arena_strdup(arena, text);
		else if (strcmp(name, "architecture") == 0)
			r->layout->device.architecture = arena_strdup(arena, text);
		else if (strcmp(name, "version") == 0)
			r->layout->device.version = strtoull(text, NULL, 10);
		return 0;
	}
	if (!specs || i < 0)
		return bad("an option that is not known");
	if (specs[i].type == OPTION_LIST)
		return set_list(r, name, text);
	return set_option(r, name, &text, 1);
}

static int read_medium(struct reader *r, const struct vault_item *item)
{
	const struct where nowhere = {0};
	const char *s[2];
	const struct medium_ops *ops;

	if (vault_item_strings(item->value, item->len, s, 2) < 0)
		return bad("a medium's record");
	ops = medium_kind(r->kinds->media, s[1]);
	if (!ops)
		return bad("a kind of medium that is not known");
	r->in_device = false;
	r->volume = NULL;
	r->layer = NULL;
	r->keystore = NULL;
	r->medium = layout_add_medium(r->layout, ops, s[0], nowhere);
	return r->medium ? 0 : -ENOMEM;
}

static int read_keystore(struct reader *r, const struct vault_item *item)
{
	const struct where nowhere = {0};
	const struct keystore_ops *ops;
	const char *s[2];

	if (vault_item_strings(item->value, item->len, s, 2) < 0)
		return bad("a keystore's record");
	ops = keystore_kind(r->kinds->keystores, s[1]);
	if (!ops)
		return bad("a keystore that is not known");
	r->in_device = false;
	r->layer = NULL;
	r->keystore = layout_add_keystore(r->layout, ops, s[0], nowhere);
	return r->keystore ? 0 : -ENOMEM;
}

static int read_volume(struct reader *r, const struct vault_item *item)
{
	const struct where nowhere = {0};
	const char *s[2];
	le32_t flags;

	if (item->len < 4 || !r->layout->n_media ||
	    vault_item_strings(item->value + 4, item->len - 4, s, 2) < 0 || !*s[0])
		return bad("a volume's record");
	memcpy(&flags, item->value, sizeof(flags));
	r->in_device = false;
	r->layer = NULL;
	r->keystore = NULL;
	r->volume =
	    layout_add_volume(r->layout, s[0], *s[1] ? s[1] : NULL, r->layout->media[0], nowhere);
	if (!r->volume)
		return -ENOMEM;
	r->volume->reserved = le32_get(flags) & VAULT_VOLUME_RESERVED;
	r->volume->in_shared = le32_get(flags) & VAULT_VOLUME_SHARED;
	r->volume->forgotten = le32_get(flags) & VAULT_VOLUME_FORGOTTEN;
	return 0;
}

static int read_extent(struct reader *r, const struct vault_item *item)
{
	struct vault_extent_item e;

	if (!r->volume || vault_decode_extent(item->value, item->len, &e) < 0 ||
	    e.role >= ROLE_COUNT)
		return bad("an extent's record");
	r->volume->pieces[e.role] = (struct piece){
	    .extent = {e.offset_bytes, e.size_bytes},
	    .uuid = e.uuid,
	    .type = e.type,
	    .number = e.number,
	};
	memcpy(r->volume->pieces[e.role].label, e.label, sizeof(e.label));
	return 0;
}

static int read_layer(struct reader *r, const struct vault_item *item)
{
	const struct where nowhere = {0};
	const struct layer_ops *ops;
	const char *kind;

	if (!r->volume || vault_item_strings(item->value, item->len, &kind, 1) < 0)
		return bad("a layer's record");
	ops = layer_kind(r->kinds->layers, kind);
	if (!ops)
		return bad("a kind of layer that is not known");
	r->layer = volume_add_layer(r->volume, ops, nowhere);
	return r->layer ? 0 : -ENOMEM;
}

static int read_source(struct reader *r, const struct vault_item *item)
{
	struct vault_source_item s;
	struct source *to = r->layer ? &r->layer->source : NULL;

	if (!to || vault_decode_source(item->value, item->len, &s) < 0)
		return bad("a source's record");
	memcpy(to->digest, s.digest, 32);
	to->content_bytes = s.content_bytes;
	to->minimum_bytes = s.minimum_bytes;
	to->tool = *s.tool ? arena_strdup(&r->layout->arena, s.tool) : NULL;
	to->surveyed = true;
	return 0;
}

static int read_item(struct reader *r, const struct vault_item *item)
{
	const char *s[2];

	switch ((enum vault_item_type)item->type) {
	case VAULT_DEVICE:
		r->in_device = true;
		return 0;
	case VAULT_MEDIUM:
		return read_medium(r, item);
	case VAULT_VOLUME:
		return read_volume(r, item);
	case VAULT_EXTENT:
		return read_extent(r, item);
	case VAULT_LAYER:
		return read_layer(r, item);
	case VAULT_SOURCE:
		return read_source(r, item);
	case VAULT_OPTION:
		if (vault_item_strings(item->value, item->len, s, 2) < 0)
			return bad("an option's record");
		return read_option(r, s[0], s[1]);
	case VAULT_LEARNED:
		if (!r->layer || vault_item_strings(item->value, item->len, s, 2) < 0)
			return bad("a record of what was learnt");
		return layer_learn(r->layer, s[0], "%s", s[1]);
	case VAULT_KEYSTORE:
		return read_keystore(r, item);
	case VAULT_SEALED: /* lib/vault/keys.c reads these */
	case VAULT_KEY:
	case VAULT_KEYS_FOR:
	case VAULT_MAC:
	case VAULT_KEY_BLOB:
	case VAULT_ESCROW:
	case VAULT_ESCROW_KEY:
		return 0;
	case VAULT_END:
		break;
	}
	return bad("a record that is not known");
}

int vault_read_layout(struct vault *v, const struct kinds *kinds, struct layout **ret)
{
	const struct vault_copy *active = vault_active(v);
	_cleanup_layout_ struct layout *layout = NULL;
	struct reader reader = {.kinds = kinds};
	size_t others = 0, keys = 0;
	struct vault_item item;
	size_t at = 0;
	int r;

	if (!active)
		return 0;
	reader.layout = layout = layout_new();
	if (!layout)
		return -ENOMEM;
	while ((r = vault_next_item(active->payload, active->header.payload_bytes, &at, &item)) ==
	       1) {
		if (item.type >= VAULT_SEALED && item.type <= VAULT_ESCROW_KEY)
			keys++;
		else
			others++;
		r = read_item(&reader, &item);
		if (r < 0)
			return r;
	}
	if (r == 0 && keys &&
	    !others) /* provisioning was begun: keys are there, the layout comes last */
		return 0;
	if (r < 0 || layout->n_media == 0)
		return bad("its records are cut short or not known");
	layout->vault.medium = layout->media[0];
	layout->vault.extent = v->extent;
	for (size_t i = 0; i < layout->n_volumes; i++) {
		r = volume_check(layout->volumes[i]);
		if (r < 0)
			return bad("a stack that is not possible");
	}
	*ret = TAKE(layout);
	return 1;
}
