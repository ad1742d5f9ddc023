/* SPDX-License-Identifier: Apache-2.0 */
/* The layout file → model: the parsed tree is walked once. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "crypto/digest.h"
#include "layout/grammar.h"
#include "layout/layout-file.h"
#include "model/build.h"
#include "model/key.h"

#define LAYOUT_MAX_BYTES (1024 * 1024)

struct reader {
	struct layout *layout;
	const struct kinds *kinds;
	const char *dir;
	int error; /* first */
};

static void keep(struct reader *r, int error)
{
	if (error < 0 && r->error == 0)
		r->error = error;
}

static void check_name(struct reader *r, const struct node *n, const char *name)
{
	char at[WHERE_SIZE];

	if (name_is_valid(name))
		return;
	keep(r, diag_fail(DIAG_LAYOUT_VALUE, EINVAL,
			  "%sthe name \"%s\" of a %s; names have 1 to %d of a-z A-Z 0-9 - _",
			  where_text(&n->where, at), name, n->name, NAME_MAX_BYTES));
}

static const struct node *option_node(const struct node *section, const char *name)
{
	for (const struct node *n = section->child; n; n = n->next) {
		if (!n->section && strcmp(n->name, name) == 0)
			return n;
	}
	return NULL;
}

/* Values of a table without a noun of its own: device, vault, volume. */
static struct option_value *read_values(struct reader *r, const struct node *section,
					const struct option_spec *specs, const char *owner)
{
	struct arena *arena = &r->layout->arena;
	struct option_value *values =
	    arena_alloc(arena, (option_count(specs) + 1) * sizeof(*values));
	const char *why;

	if (!values) {
		keep(r, diag_no_memory());
		return NULL;
	}
	for (size_t i = 0; specs[i].name; i++) {
		if (specs[i].fallback)
			option_parse(&specs[i], &specs[i].fallback, 1, arena, &values[i], &why);
	}
	for (const struct node *n = section ? section->child : NULL; n; n = n->next) {
		if (!n->section)
			keep(r, values_set(specs, values, owner, n->name, n->values, n->n_values,
					   n->where, r->dir, arena));
	}
	return values;
}

static void read_device(struct reader *r, const struct node *section)
{
	struct layout *l = r->layout;
	struct option_value *v = read_values(r, section, device_options, "device");

	if (!v)
		return;
	l->device.values = v;
	l->device.name = section ? section->title : "device";
	if (section) {
		l->device.where = section->where;
		check_name(r, section, section->title);
	}
	l->device.architecture = v[DEVICE_ARCHITECTURE].present ? v[DEVICE_ARCHITECTURE].text
								: r->kinds->host_architecture;
	l->device.version = v[DEVICE_VERSION].number;
	l->device.has_seed = v[DEVICE_SEED].present;
	if (l->device.has_seed)
		keep(r,
		     digest_sha256(v[DEVICE_SEED].bytes, v[DEVICE_SEED].n_bytes, l->device.seed));
}

static void read_medium(struct reader *r, const struct node *section)
{
	const struct node *type = option_node(section, "type");
	const char *kind = type && type->n_values == 1 ? type->values[0] : "gpt";
	const struct medium_ops *ops = medium_kind(r->kinds->media, kind);
	const char *words[16], *near;
	char at[WHERE_SIZE];
	struct medium *m;
	size_t n = 0;

	check_name(r, section, section->title);
	for (const struct medium_ops *const *o = r->kinds->media; *o && n < 15; o++)
		words[n++] = (*o)->name;
	words[n] = NULL;
	if (!ops) {
		near = text_nearest(kind, words);
		keep(r, strcmp(kind, "ubi") == 0
			    ? diag_fail(DIAG_NOT_BUILT, ENOSYS,
					"%smedium type \"ubi\" is not built yet",
					where_text(&type->where, at))
			    : diag_fail(DIAG_LAYOUT_UNKNOWN, EINVAL,
					"%smedium type \"%s\" is not known; %s \"%s\"",
					where_text(&type->where, at), kind,
					near ? "did you mean" : "there is for example",
					near ? near : words[0]));
		return;
	}
	m = layout_add_medium(r->layout, ops, section->title, section->where);
	if (!m) {
		keep(r, -ENOMEM);
		return;
	}
	for (const struct node *o = section->child; o; o = o->next) {
		if (o != type)
			keep(r,
			     medium_set(r->layout, m, o->name, o->values, o->n_values, o->where));
	}
}

static void unknown_backend(struct reader *r, const struct node *section, const char *kind)
{
	const char *words[16], *near;
	char at[WHERE_SIZE];
	size_t n = 0;

	for (const struct keystore_ops *const *o = r->kinds->keystores; o && *o && n < 15; o++)
		words[n++] = (*o)->name;
	words[n] = NULL;
	near = text_nearest(kind, words);
	keep(r, diag_fail(DIAG_LAYOUT_UNKNOWN, EINVAL,
			  "%skeystore backend \"%s\" is not known; %s \"%s\"",
			  where_text(&section->where, at), kind,
			  near ? "did you mean" : "there is for example", near ? near : words[0]));
}

static void read_keystore(struct reader *r, const struct node *section)
{
	const struct node *backend = option_node(section, "backend");
	const char *kind = backend && backend->n_values == 1 ? backend->values[0] : "";
	const struct keystore_ops *ops = keystore_kind(r->kinds->keystores, kind);
	char at[WHERE_SIZE];
	struct keystore *k;

	check_name(r, section, section->title);
	if (!backend) {
		keep(r, diag_fail(DIAG_LAYOUT_VALUE, EINVAL,
				  "%skeystore \"%s\" needs backend = …, for example \"%s\"",
				  where_text(&section->where, at), section->title,
				  r->kinds->keystores[0]->name));
		return;
	}
	if (!ops) {
		unknown_backend(r, section, kind);
		return;
	}
	k = layout_add_keystore(r->layout, ops, section->title, section->where);
	if (!k) {
		keep(r, -ENOMEM);
		return;
	}
	for (const struct node *o = section->child; o; o = o->next) {
		if (o != backend)
			keep(r,
			     keystore_set(r->layout, k, o->name, o->values, o->n_values, o->where));
	}
}

static void read_layer(struct reader *r, struct volume *v, const struct node *section)
{
	const struct layer_ops *ops = layer_kind(r->kinds->layers, section->name);
	struct layer *l;

	if (!ops)
		return; /* told once, by refuse_planned() */
	l = volume_add_layer(v, ops, section->where);
	if (!l) {
		keep(r, -ENOMEM);
		return;
	}
	for (const struct node *o = section->child; o; o = o->next) {
		int error = layer_set(l, o->name, o->values, o->n_values, o->where);

		keep(r, error);
	}
}

static void refuse_planned(struct reader *r, const struct node *volume)
{
	char at[WHERE_SIZE];

	for (const struct node *n = volume->child; n; n = n->next) {
		if (n->section && !layer_kind(r->kinds->layers, n->name))
			keep(r, diag_fail(
				    DIAG_NOT_BUILT, ENOSYS,
				    "%slayer %s is not built yet; `holdfast layers` lists what is",
				    where_text(&n->where, at), n->name));
	}
}

static struct medium *find_medium(struct reader *r, const struct option_value *wanted,
				  const struct where *where)
{
	struct layout *l = r->layout;
	char at[WHERE_SIZE];

	if (!wanted->present)
		return l->n_media ? l->media[0] : NULL;
	for (size_t i = 0; i < l->n_media; i++) {
		if (strcmp(l->media[i]->name, wanted->text) == 0)
			return l->media[i];
	}
	keep(r, diag_fail(DIAG_LAYOUT_UNKNOWN, EINVAL, "%sthere is no medium \"%s\"",
			  where_text(where, at), wanted->text));
	return NULL;
}

static void read_slot(struct reader *r, const struct node *section, const char *slot, bool first,
		      struct medium *medium)
{
	size_t mark = diag_count();
	struct volume *v =
	    layout_add_volume(r->layout, section->title, slot, medium, section->where);

	if (!v) {
		keep(r, -ENOMEM);
		return;
	}
	v->reserved = !first;
	for (const struct node *n = section->child; n; n = n->next) {
		if (n->section)
			read_layer(r, v, n);
	}
	if (!first) /* the same mistakes once more */
		diag_forget(mark);
}

static void read_volume(struct reader *r, const struct node *section)
{
	struct option_value *v = read_values(r, section, volume_options, "volume");
	struct medium *medium = v ? find_medium(r, &v[VOLUME_MEDIUM], &section->where) : NULL;

	check_name(r, section, section->title);
	refuse_planned(r, section);
	if (!v || !medium)
		return;
	if (!v[VOLUME_SLOTS].present) {
		read_slot(r, section, NULL, true, medium);
		return;
	}
	for (size_t i = 0; i < v[VOLUME_SLOTS].n_list; i++) {
		if (i == 0 || r->error == 0)
			read_slot(r, section, v[VOLUME_SLOTS].list[i], i == 0, medium);
	}
	for (size_t i = 0; i < v[VOLUME_SLOTS].n_list; i++)
		check_name(r, section, v[VOLUME_SLOTS].list[i]);
}

static void read_vault(struct reader *r, const struct node *section)
{
	struct option_value *v = read_values(r, section, vault_options, "vault");
	struct layout *l = r->layout;
	char at[WHERE_SIZE];

	if (!v)
		return;
	if (section)
		l->vault.where = section->where;
	l->vault.medium = find_medium(r, &v[VAULT_MEDIUM], &l->vault.where);
	l->vault.extent.offset_bytes = v[VAULT_OFFSET].number;
	l->vault.extent.size_bytes = v[VAULT_SIZE].number;
	if ((v[VAULT_OFFSET].number | v[VAULT_SIZE].number) % 4096)
		keep(r, diag_fail(DIAG_LAYOUT_VALUE, EINVAL,
				  "%svault: offset and size must be multiples of 4096",
				  where_text(&l->vault.where, at)));
}

static const struct node *find_section(const struct node *root, const char *name)
{
	for (; root; root = root->next) {
		if (root->section && strcmp(root->name, name) == 0)
			return root;
	}
	return NULL;
}

/* Sections that there may be only one of, though libconfuse takes several with titles. */
static void refuse_several(struct reader *r, const struct node *root, const char *name,
			   enum diag_code code, const char *why)
{
	const struct node *first = find_section(root, name);
	const struct node *second = first ? find_section(first->next, name) : NULL;
	char at[WHERE_SIZE];

	if (second)
		keep(r, diag_fail(code, EINVAL, "%sa second %s; line %u has the first: %s",
				  where_text(&second->where, at), name, first->where.line, why));
}

static void read_tree(struct reader *r, const struct node *root)
{
	const struct where nowhere = {.file = r->layout->file};

	refuse_several(r, root, "device", DIAG_LAYOUT_REPEATED, "take one away");
	refuse_several(r, root, "medium", DIAG_NOT_BUILT, "several media are not built yet");
	read_device(r, find_section(root, "device"));
	for (const struct node *n = root; n; n = n->next) {
		if (strcmp(n->name, "keystore") == 0)
			read_keystore(r, n);
	}
	if (find_section(root, "medium"))
		read_medium(r, find_section(root, "medium"));
	else if (!layout_add_medium(r->layout, r->kinds->media[0], "disk", nowhere))
		keep(r, -ENOMEM);
	if (r->layout->n_media == 0)
		return;
	read_vault(r, find_section(root, "vault"));
	for (const struct node *n = root; n; n = n->next) {
		if (strcmp(n->name, "volume") == 0)
			read_volume(r, n);
	}
}

int layout_read_text(const char *name, const char *text, size_t len, const char *dir,
		     const struct setting *settings, size_t n_settings, const struct kinds *kinds,
		     struct layout **ret)
{
	_cleanup_layout_ struct layout *layout = layout_new();
	struct reader r = {.layout = layout, .kinds = kinds, .dir = dir};
	const struct grammar *grammar;
	struct node *root = NULL;
	int error;

	if (!layout)
		return -ENOMEM;
	layout->file = arena_strdup(&layout->arena, name);
	grammar = layout_grammar(kinds, &layout->arena);
	if (!grammar || !layout->file)
		return diag_no_memory();
	error = document_parse(layout->file, text, len, settings, n_settings, grammar,
			       &layout->arena, &root);
	if (error < 0)
		return error;
	read_tree(&r, root);
	if (r.error == 0)
		keep(&r, layout_check(layout));
	if (r.error < 0)
		return r.error;
	*ret = TAKE(layout);
	return 0;
}

static int read_whole(const char *path, char **ret, size_t *ret_len)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	struct stat st;
	ssize_t n;
	size_t len = 0;

	if (fd < 0 || fstat(fd, &st) < 0)
		return diag_fail(DIAG_USAGE, errno, "cannot read the layout %s: %s", path,
				 strerror(errno));
	if (S_ISDIR(st.st_mode))
		return diag_fail(DIAG_USAGE, EISDIR, "the layout %s is a directory", path);
	text = malloc(LAYOUT_MAX_BYTES + 1);
	if (!text)
		return diag_no_memory();
	while (len <= LAYOUT_MAX_BYTES &&
	       (n = read(fd, text + len, LAYOUT_MAX_BYTES + 1 - len)) != 0) {
		if (n < 0 && errno != EINTR)
			return diag_file(errno, path);
		len += n > 0 ? (size_t)n : 0;
	}
	if (len > LAYOUT_MAX_BYTES)
		return diag_fail(DIAG_LAYOUT_SYNTAX, EFBIG, "%s: larger than %d bytes", path,
				 LAYOUT_MAX_BYTES);
	*ret = TAKE(text);
	*ret_len = len;
	return 0;
}

int layout_read_file(const char *path, const struct setting *settings, size_t n_settings,
		     const struct kinds *kinds, struct layout **ret)
{
	_cleanup_free_ char *text = NULL, *dir = strdup(path);
	char *slash = dir ? strrchr(dir, '/') : NULL;
	size_t len = 0;
	int r = read_whole(path, &text, &len);

	if (r < 0)
		return r;
	if (!dir)
		return diag_no_memory();
	if (slash)
		slash[slash == dir ? 1 : 0] = 0;
	return layout_read_text(path, text, len, slash ? dir : NULL, settings, n_settings, kinds,
				ret);
}
