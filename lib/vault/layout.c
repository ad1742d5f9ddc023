/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the device part: its records, back to a layout. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/endian.h"
#include "format/vault.h"
#include "model/build.h"
#include "model/key.h"
#include "vault/copies.h"
#include "vault/layout.h"
#include "vault/vault.h"

#define VOLUME_FLAGS (VAULT_VOLUME_RESERVED | VAULT_VOLUME_SHARED | VAULT_VOLUME_FORGOTTEN)

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
	return diag_fail(DIAG_DAMAGED, EUCLEAN, "the vault's device part cannot be used: %s", what);
}

/* Only a newer holdfast writes what this one does not know. */
static int newer(const char *what, const char *name)
{
	return diag_fail(DIAG_NEWER, ENOTSUP,
			 "its vault was made by a newer holdfast: %s \"%s\" is not known here",
			 what, name);
}

/* Of the record before it: a layer, a keystore or a medium. */
static int set_value(struct reader *r, const char *name, const char *const *texts, size_t n)
{
	const struct where nowhere = {0};

	if (r->layer)
		return layer_set(r->layer, name, texts, n, nowhere);
	if (r->keystore)
		return keystore_set(r->layout, r->keystore, name, texts, n, nowhere);
	return medium_set(r->layout, r->medium, name, texts, n, nowhere);
}

/* A newer holdfast may have more words for it; numbers were checked by the one that wrote them. */
static int set_option(struct reader *r, const struct option_spec *spec, const char *const *texts,
		      size_t n)
{
	size_t mark = diag_count();
	int e = set_value(r, spec->name, texts, n);

	if (e >= 0 || e == -ENOMEM || (spec->type != OPTION_WORD && spec->type != OPTION_LIST))
		return e;
	diag_forget(mark);
	return newer("a value of option", spec->name);
}

/* The canonical text of a list has its words joined by commas. */
static int set_list(struct reader *r, const struct option_spec *spec, const char *text)
{
	_cleanup_free_ char *copy = strdup(text);
	const char *words[32];
	char *save = NULL;
	size_t n = 0;

	if (!copy)
		return diag_no_memory();
	for (char *w = strtok_r(copy, ",", &save); w && n < 32; w = strtok_r(NULL, ",", &save))
		words[n++] = w;
	return set_option(r, spec, words, n);
}

/* As in a layout file: no control character, so that what a terminal is shown is what stands there.
 */
static bool is_plain(const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	}
	return true;
}

static int read_option(struct reader *r, const char *name, const char *text)
{
	const struct option_spec *specs = r->layer      ? r->layer->ops->options
					  : r->keystore ? r->keystore->ops->options
					  : r->medium   ? r->medium->ops->options
							: NULL;
	int i = option_index(specs, name);

	if (!is_plain(text))
		return bad("an option with a control character");
	if (r->in_device) {
		struct arena *arena = &r->layout->arena;

		if (strcmp(name, "name") == 0 && *text && !name_is_valid(text))
			return bad("a device's name that is not possible");
		else if (strcmp(name, "name") == 0)
			r->layout->device.name = arena_strdup(arena, text);
		else if (strcmp(name, "architecture") == 0)
			r->layout->device.architecture = arena_strdup(arena, text);
		else if (strcmp(name, "version") == 0)
			r->layout->device.version = strtoull(text, NULL, 10);
		else
			return newer("option", name);
		return 0;
	}
	if (!specs || i < 0)
		return newer("option", name);
	if (specs[i].type == OPTION_LIST)
		return set_list(r, &specs[i], text);
	return set_option(r, &specs[i], &text, 1);
}

static int read_medium(struct reader *r, const struct vault_item *item)
{
	const struct where nowhere = {0};
	const char *s[2];
	const struct medium_ops *ops;

	if (vault_item_strings(item->value, item->len, s, 2) < 0)
		return bad("a medium's record");
	if (!name_is_valid(s[0]))
		return bad("a medium's name that is not possible");
	ops = medium_kind(r->kinds->media, s[1]);
	if (!ops)
		return newer("medium", s[1]);
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
	if (!name_is_valid(s[0]))
		return bad("a keystore's name that is not possible");
	ops = keystore_kind(r->kinds->keystores, s[1]);
	if (!ops)
		return newer("keystore", s[1]);
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
	if (!name_is_valid(s[0]) || (*s[1] && !name_is_valid(s[1])))
		return bad("a volume's name that is not possible");
	memcpy(&flags, item->value, sizeof(flags));
	if (le32_get(flags) & ~VOLUME_FLAGS)
		return newer("a flag of volume", s[0]);
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
	if (!is_plain(e.label))
		return bad("a label with a control character");
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
		return newer("layer", kind);
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

/* As its kind says: layers take for granted that it has this form. */
static int read_learned(struct reader *r, const struct vault_item *item)
{
	const struct option_spec *specs = r->layer ? r->layer->ops->learns : NULL;
	struct option_value v;
	const char *s[2], *why;
	int i;

	if (!r->layer || vault_item_strings(item->value, item->len, s, 2) < 0)
		return bad("a record of what was learnt");
	i = option_index(specs, s[0]);
	if (i < 0 || layer_learned(r->layer, s[0]))
		return bad("something learnt that is not known, or stands twice");
	if (option_parse(&specs[i], &s[1], 1, &r->layout->arena, &v, &why) < 0)
		return bad("something learnt that is not possible");
	return layer_learn(r->layer, s[0], "%s", s[1]);
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
		return read_learned(r, item);
	case VAULT_KEYSTORE:
		return read_keystore(r, item);
	case VAULT_SEALED: /* lib/keyring reads these */
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

/* Gives 0 where only keys are there: provisioning was begun, and the layout comes last. */
static int read_items(struct reader *reader, const struct vault_payload *payload)
{
	bool has_keys = false, has_others = false;
	struct vault_item item;
	size_t at = 0;
	int r;

	while ((r = vault_next_item(payload->bytes, payload->len, &at, &item)) == 1) {
		if (vault_item_is_of_keys(item.type))
			has_keys = true;
		else
			has_others = true;
		r = read_item(reader, &item);
		if (r < 0)
			return r;
	}
	if (r == 0 && has_keys && !has_others)
		return 0;
	if (r == -ENOTSUP)
		return diag_fail(DIAG_NEWER, ENOTSUP,
				 "its vault was made by a newer holdfast: records of type %u are "
				 "not known here",
				 item.type);
	return r < 0 || reader->layout->n_media == 0 ? bad("its records are cut short") : 1;
}

int vault_read_layout(const struct vault *v, const struct kinds *kinds, struct layout **ret)
{
	_cleanup_layout_ struct layout *layout = NULL;
	struct reader reader = {.kinds = kinds};
	struct vault_payload payload;
	int r;

	if (!vault_active_payload(v, &payload))
		return 0;
	reader.layout = layout = layout_new();
	if (!layout)
		return -ENOMEM;
	r = read_items(&reader, &payload);
	if (r <= 0)
		return r;
	layout->vault.medium = layout->media[0];
	layout->vault.extent = vault_extent(v);
	layout_each_volume (each, layout) {
		r = volume_check(each);
		if (r < 0)
			return bad("a stack that is not possible");
	}
	if (layout_check(layout) < 0)
		return bad("a layout that is not possible");
	*ret = TAKE(layout);
	return 1;
}
