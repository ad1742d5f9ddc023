/* SPDX-License-Identifier: Apache-2.0 */
/* Making nouns and checking that a stack is well-typed: for the layout file, vault records, probes.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "model/build.h"
#include "model/key.h"

bool name_is_valid(const char *name)
{
	static const char good[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

	return *name && strlen(name) <= NAME_MAX_BYTES && strspn(name, good) == strlen(name);
}

static struct option_value *new_values(struct layout *layout, const struct option_spec *specs,
				       struct where where)
{
	size_t n = option_count(specs);
	struct option_value *values = arena_alloc(&layout->arena, (n ? n : 1) * sizeof(*values));
	const char *why;

	for (size_t i = 0; values && i < n; i++) {
		values[i].where = where;
		if (!specs[i].fallback)
			continue;
		if (option_parse(&specs[i], &specs[i].fallback, 1, &layout->arena, &values[i],
				 &why) < 0) {
			diag_fail(DIAG_INTERNAL, EINVAL, "default of %s: %s", specs[i].name, why);
			return NULL;
		}
		values[i].given = false;
		values[i].where = where;
	}
	if (!values)
		diag_no_memory();
	return values;
}

struct medium *layout_add_medium(struct layout *layout, const struct medium_ops *ops,
				 const char *name, struct where where)
{
	struct medium *m = arena_new(&layout->arena, struct medium);

	if (layout->n_media == sizeof(layout->media) / sizeof(layout->media[0])) {
		diag_fail(DIAG_LAYOUT_SPACE, E2BIG, "too many media");
		return NULL;
	}
	if (m)
		m->name = arena_strdup(&layout->arena, name);
	if (!m || !m->name) {
		diag_no_memory();
		return NULL;
	}
	m->ops = ops;
	m->where = where;
	m->values = new_values(layout, ops->options, where);
	if (!m->values)
		return NULL;
	layout->media[layout->n_media++] = m;
	return m;
}

struct keystore *layout_add_keystore(struct layout *layout, const struct keystore_ops *ops,
				     const char *name, struct where where)
{
	struct keystore *k = arena_new(&layout->arena, struct keystore);

	if (layout->n_keystores == KEYSTORES_MAX) {
		diag_fail(DIAG_LAYOUT_SPACE, E2BIG, "more than %d keystores", KEYSTORES_MAX);
		return NULL;
	}
	if (k)
		k->name = arena_strdup(&layout->arena, name);
	if (!k || !k->name) {
		diag_no_memory();
		return NULL;
	}
	k->ops = ops;
	k->where = where;
	k->values = new_values(layout, ops->options, where);
	if (!k->values)
		return NULL;
	layout->keystores[layout->n_keystores++] = k;
	return k;
}

struct volume *layout_add_volume(struct layout *layout, const char *name, const char *slot,
				 struct medium *medium, struct where where)
{
	struct arena *arena = &layout->arena;
	struct volume *v = arena_new(arena, struct volume);
	char at[WHERE_SIZE];

	if (layout->n_volumes == VOLUMES_MAX) {
		diag_fail(DIAG_LAYOUT_SPACE, E2BIG, "%smore than %d volumes and slots",
			  where_text(&where, at), VOLUMES_MAX);
		return NULL;
	}
	if (v) {
		v->name = arena_strdup(arena, name);
		v->slot = slot ? arena_strdup(arena, slot) : NULL;
		v->full_name = slot ? arena_print(arena, "%s:%s", name, slot) : v->name;
	}
	if (!v || !v->name || !v->full_name || (slot && !v->slot)) {
		diag_no_memory();
		return NULL;
	}
	v->layout = layout;
	v->medium = medium;
	v->where = where;
	layout->volumes[layout->n_volumes++] = v;
	return v;
}

struct layer *volume_add_layer(struct volume *volume, const struct layer_ops *ops,
			       struct where where)
{
	struct layer *l = arena_new(&volume->layout->arena, struct layer);
	char at[WHERE_SIZE];

	if (volume->n_layers == LAYERS_MAX) {
		diag_fail(DIAG_LAYOUT_TYPE, E2BIG, "%svolume \"%s\" has more than %d layers",
			  where_text(&where, at), volume->name, LAYERS_MAX);
		return NULL;
	}
	if (!l) {
		diag_no_memory();
		return NULL;
	}
	l->ops = ops;
	l->volume = volume;
	l->where = where;
	l->values = new_values(volume->layout, ops->options, where);
	if (!l->values)
		return NULL;
	l->below = volume->n_layers ? volume->layers[volume->n_layers - 1] : NULL;
	if (l->below)
		l->below->above = l;
	volume->layers[volume->n_layers++] = l;
	return l;
}

void volume_drop_layer(struct volume *volume)
{
	struct layer *l = volume->layers[--volume->n_layers];

	if (l->below)
		l->below->above = NULL;
	array_free(&l->learned);
}

static int unknown_option(const struct option_spec *specs, const char *owner, const char *name,
			  const char *at)
{
	const char *names[64];
	const char *near;
	_cleanup_text_ struct text all = {0};
	size_t n = 0;

	for (; specs && specs[n].name && n < 63; n++) {
		names[n] = specs[n].name;
		text_add(&all, "%s%s", n ? ", " : "", specs[n].name);
	}
	names[n] = NULL;
	near = text_nearest(name, names);
	if (near)
		return diag_fail(DIAG_LAYOUT_UNKNOWN, EINVAL,
				 "%s%s has no option \"%s\"; did you mean \"%s\"?", at, owner, name,
				 near);
	return diag_fail(DIAG_LAYOUT_UNKNOWN, EINVAL, "%s%s has no option \"%s\"; there are: %s",
			 at, owner, name, all.s ? all.s : "none");
}

int values_set(const struct option_spec *specs, struct option_value *values, const char *owner,
	       const char *name, const char *const *texts, size_t n, struct where where,
	       const char *path_base, struct arena *arena)
{
	int i = option_index(specs, name), r;
	struct option_value v;
	char at[WHERE_SIZE];
	const char *why;

	where_text(&where, at);
	if (i < 0)
		return unknown_option(specs, owner, name, at);
	r = option_parse(&specs[i], texts, n, arena, &v, &why);
	if (r == -ENOSYS)
		return diag_fail(DIAG_NOT_BUILT, ENOSYS, "%s%s: %s is not built yet: %s", at, owner,
				 name, why);
	if (r < 0)
		return diag_fail(DIAG_LAYOUT_VALUE, -r, "%s%s: %s: %s", at, owner, name, why);
	if (specs[i].type == OPTION_PATH && path_base && v.text[0] != '/')
		v.path = arena_print(arena, "%s/%s", path_base, v.text);
	v.where = where;
	values[i] = v;
	return 0;
}

/* The directory of the layout file; NULL: the current one. */
static const char *directory_of(struct layout *layout)
{
	const char *slash = layout->file ? strrchr(layout->file, '/') : NULL;

	if (!slash)
		return NULL;
	if (slash == layout->file)
		return "/";
	return arena_print(&layout->arena, "%.*s", (int)(slash - layout->file), layout->file);
}

int layer_set(struct layer *l, const char *name, const char *const *texts, size_t n,
	      struct where where)
{
	struct layout *layout = l->volume->layout;
	char owner[64];

	snprintf(owner, sizeof(owner), "layer %s", l->ops->name);
	return values_set(l->ops->options, l->values, owner, name, texts, n, where,
			  directory_of(layout), &layout->arena);
}

int medium_set(struct layout *layout, struct medium *m, const char *name, const char *const *texts,
	       size_t n, struct where where)
{
	return values_set(m->ops->options, m->values, "medium", name, texts, n, where,
			  directory_of(layout), &layout->arena);
}

int keystore_set(struct layout *layout, struct keystore *k, const char *name,
		 const char *const *texts, size_t n, struct where where)
{
	return values_set(k->ops->options, k->values, "keystore", name, texts, n, where,
			  directory_of(layout), &layout->arena);
}

/* What @l gives to the layer above. */
static enum place_kind provided(const struct layer *l, enum place_kind below)
{
	return l->ops->provides == PLACE_SAME ? below : l->ops->provides;
}

static int ill_typed(const struct layer *l, enum place_kind below)
{
	_cleanup_text_ struct text wants = {0};
	char at[WHERE_SIZE];

	for (unsigned kind = 1; kind <= PLACE_DIRECTORY; kind <<= 1) {
		if (l->ops->consumes & kind)
			text_add(&wants, "%s%s", wants.len ? " or " : "",
				 place_kind_name((enum place_kind)kind));
	}
	return diag_fail(
	    DIAG_LAYOUT_TYPE, EINVAL,
	    "%svolume \"%s\": %s stands on %s, but %s gives %s; layers are written bottom "
	    "first, for example partition, verity, filesystem",
	    where_text(&l->where, at), l->volume->name, l->ops->name, wants.s,
	    l->below ? l->below->ops->name : "the medium", place_kind_name(below));
}

static int check_required(const struct layer *l)
{
	char at[WHERE_SIZE];
	int first = 0;

	for (size_t i = 0; l->ops->options && l->ops->options[i].name; i++) {
		int r;

		if (!l->ops->options[i].required || l->values[i].present)
			continue;
		r = diag_fail(DIAG_LAYOUT_VALUE, EINVAL, "%svolume \"%s\": %s needs %s = …: %s",
			      where_text(&l->where, at), l->volume->name, l->ops->name,
			      l->ops->options[i].name, l->ops->options[i].help);
		first = first ? first : r;
	}
	return first;
}

/* Its keystore keeps keys in the kernel: the layer and the length of its key must allow that. */
static int check_reference(const struct layer *l)
{
	const struct keystore *k = layer_keystore(l);
	size_t len = layer_key_bytes(l, KEY_VOLUME), least = k->ops->references->least_bytes;
	char at[WHERE_SIZE];

	where_text(&l->where, at);
	if (!l->ops->keys->by_reference)
		return diag_fail(
		    DIAG_LAYOUT_VALUE, EINVAL,
		    "%svolume \"%s\": %s needs the bytes of its key, and keystore \"%s\" "
		    "(%s) keeps them where only the kernel has them; give it another "
		    "keystore",
		    at, l->volume->name, l->ops->name, k->name, k->ops->name);
	if (len < least)
		return diag_fail(
		    DIAG_LAYOUT_VALUE, EINVAL,
		    "%svolume \"%s\": a key of %zu bytes is too short for keystore \"%s\" "
		    "(%s), which keeps keys of at least %zu; write cipher = "
		    "\"aes-gcm-random\" or \"aes-xts-plain64\"",
		    at, l->volume->name, len, k->name, k->ops->name, least);
	return 0;
}

static int outlives(const struct layer *l, const struct keystore *k, const char *what,
		    const char *option)
{
	char at[WHERE_SIZE];
	int r = diag_fail(DIAG_LAYOUT_VALUE, EINVAL,
			  "%svolume \"%s\": %s outlives what keystore \"%s\" erases, which has "
			  "erase = \"final\"",
			  where_text(&l->where, at), l->volume->full_name, what, k->name);

	diag_next("write erase = \"media\" there, or leave %s out", option);
	return r;
}

/* Refuses ways in that the hardware cannot erase, and a token that the backend does not support. */
static int check_ways_in(const struct layer *l)
{
	const struct keystore *k = layer_keystore(l);
	bool systemd = layer_key_bytes(l, KEY_TOKEN);
	char at[WHERE_SIZE];

	if (k && keystore_must_erase(k) && layer_key_bytes(l, KEY_RECOVERY))
		return outlives(l, k, "a recovery key", "recovery-key");
	if (k && keystore_must_erase(k) && systemd)
		return outlives(l, k, "a token of systemd", "systemd-token");
	if (!k || !systemd)
		return 0;
	if (!k->ops->systemd)
		return diag_fail(DIAG_LAYOUT_VALUE, EINVAL,
				 "%svolume \"%s\": systemd-token needs a keystore with backend = "
				 "\"tpm2\"; \"%s\" has \"%s\"",
				 where_text(&l->where, at), l->volume->full_name, k->name,
				 k->ops->name);
	return k->ops->systemd->check(k);
}

/* A layer that needs a key names its keystore where there are several. */
static int check_keystore(const struct layer *l)
{
	const struct layout *layout = l->volume->layout;
	const struct option_value *named = layer_keystore_option(l);
	char at[WHERE_SIZE];

	if (layer_key_is_reference(l))
		return check_reference(l);
	if (!layer_key_bytes(l, KEY_VOLUME) || layer_keystore(l))
		return 0;
	if (named)
		return diag_fail(DIAG_LAYOUT_UNKNOWN, EINVAL, "%sthere is no keystore \"%s\"",
				 where_text(&named->where, at), named->text);
	if (layout->n_keystores)
		return diag_fail(DIAG_LAYOUT_VALUE, EINVAL,
				 "%svolume \"%s\": %s wants a key, and there are several "
				 "keystores; write keystore = \"%s\" into it",
				 where_text(&l->where, at), l->volume->name, l->ops->name,
				 layout->keystores[0]->name);
	return diag_fail(DIAG_LAYOUT_VALUE, EINVAL,
			 "%svolume \"%s\": %s wants a key, and there is no keystore; write "
			 "keystore \"device\" { backend = \"file\" } at the top",
			 where_text(&l->where, at), l->volume->name, l->ops->name);
}

int volume_check(const struct volume *volume)
{
	enum place_kind below = volume->medium->ops->provides;
	char at[WHERE_SIZE];
	int first = 0;

	if (volume->n_layers == 0)
		return diag_fail(DIAG_LAYOUT_TYPE, EINVAL,
				 "%svolume \"%s\" has no layers; write at least partition { }",
				 where_text(&volume->where, at), volume->name);
	volume_each_layer (l, volume) {
		int r;

		if (!(l->ops->consumes & below))
			return ill_typed(l, below);
		r = check_required(l);
		if (r >= 0 && l->ops->check)
			r = l->ops->check(l);
		if (r >= 0)
			r = check_keystore(l);
		if (r >= 0)
			r = check_ways_in(l);
		first = first ? first : r;
		below = provided(l, below);
	}
	return first;
}

/* "root:a" and "root-a" would have the same mapping, directory and label. */
static bool same_name(const char *a, const char *b)
{
	for (; *a && *b; a++, b++) {
		if (*a != *b && !(strchr(":-", *a) && strchr(":-", *b)))
			return false;
	}
	return *a == *b;
}

/* One keystore in hardware at most: two anchors cannot be updated together. */
static int check_keystores(const struct layout *layout)
{
	const struct keystore *anchor = layout_anchor(layout);
	char at[WHERE_SIZE], other[WHERE_SIZE];
	int first = 0;

	for (size_t i = 0; i < layout->n_keystores; i++) {
		const struct keystore *k = layout->keystores[i];
		int r = k->ops->check ? k->ops->check(k) : 0;

		if (r >= 0 && k != anchor && k->ops->anchor_read)
			r = diag_fail(DIAG_LAYOUT_REPEATED, EINVAL,
				      "%skeystore \"%s\" is a second one in hardware; first at "
				      "%sone of them must go",
				      where_text(&k->where, at), k->name,
				      where_text(&anchor->where, other));
		for (size_t j = 0; j < i && r >= 0; j++) {
			if (strcmp(layout->keystores[j]->name, k->name) == 0)
				r = diag_fail(DIAG_LAYOUT_REPEATED, EINVAL,
					      "%skeystore \"%s\" stands twice",
					      where_text(&k->where, at), k->name);
		}
		first = first ? first : r;
	}
	return first;
}

static int check_medium(const struct layout *layout, size_t index)
{
	const struct medium *m = layout->media[index];
	char at[WHERE_SIZE];

	for (size_t j = 0; j < index; j++) {
		if (strcmp(layout->media[j]->name, m->name) == 0)
			return diag_fail(DIAG_LAYOUT_REPEATED, EINVAL,
					 "%smedium \"%s\" stands twice", where_text(&m->where, at),
					 m->name);
	}
	return m->ops->check ? m->ops->check(m) : 0;
}

int layout_check(const struct layout *layout)
{
	char at[WHERE_SIZE], other[WHERE_SIZE];
	int first = 0, r;

	if (layout->n_volumes == 0)
		return diag_fail(DIAG_LAYOUT_SYNTAX, EINVAL,
				 "%s: no volume; write volume \"NAME\" { … }",
				 layout->file ? layout->file : "the vault");
	for (size_t i = 0; i < layout->n_volumes; i++) {
		const struct volume *v = layout->volumes[i];
		r = v->slot && i && strcmp(layout->volumes[i - 1]->name, v->name) == 0
			? 0
			: /* its first slot has been checked */
			volume_check(v);

		for (size_t j = 0; j < i && r >= 0; j++) {
			if (!same_name(layout->volumes[j]->full_name, v->full_name))
				continue;
			r = diag_fail(
			    DIAG_LAYOUT_REPEATED, EINVAL,
			    "%svolume \"%s\" stands twice; first at %sgive it another name",
			    where_text(&v->where, at), v->full_name,
			    where_text(&layout->volumes[j]->where, other));
		}
		first = first ? first : r;
	}
	r = check_keystores(layout);
	first = first ? first : r;
	for (size_t i = 0; i < layout->n_media; i++) {
		r = check_medium(layout, i);
		first = first ? first : r;
	}
	return first;
}
