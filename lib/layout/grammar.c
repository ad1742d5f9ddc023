/* SPDX-License-Identifier: Apache-2.0 */
/* The grammar of layout files, made from the option tables. */
#include <string.h>

#include "layout/grammar.h"
#include "model/key.h"
#include "model/layer.h"
#include "model/medium.h"

const struct option_spec device_options[] = {
    [DEVICE_ARCHITECTURE] = {"architecture", OPTION_TEXT, .max = 31,
			     .help = "What DPS types such as \"root\" mean; default: this host's"},
    [DEVICE_SEED] = {"seed", OPTION_UUID,
		     .help = "Fixes public values (UUIDs, public salts), never keys or nonces"},
    [DEVICE_TRUST] = {"trust", OPTION_PATH, .help = "Certificate that signatures must chain to",
		      .not_built = "signatures come with a later version"},
    [DEVICE_RMA_TRUST] = {"rma-trust", OPTION_PATH,
			  .help = "Certificate that RMA tokens must chain to",
			  .not_built = "RMA comes with a later version"},
    [DEVICE_VERSION] = {"version", OPTION_NUMBER, "0", .help = "Rises with every release"},
    {0},
};

const struct option_spec vault_options[] = {
    [VAULT_MEDIUM] = {"medium", OPTION_TEXT, .help = "The medium that holds it, where several are"},
    [VAULT_OFFSET] = {"offset", OPTION_SIZE, "1M", .min = 4096,
		      .help =
			  "Where it begins; boot loaders at fixed places may want it elsewhere"},
    [VAULT_SIZE] = {"size", OPTION_SIZE, "8M", .min = 1024 * 1024, .max = 1ULL << 30,
		    .help = "How large it is"},
    {0},
};

const struct option_spec volume_options[] = {
    [VOLUME_SLOTS] = {"slots", OPTION_LIST, .min = 1, .max = 8,
		      .help = "Copies for an updater; the first gets the contents"},
    [VOLUME_MEDIUM] = {"medium", OPTION_TEXT, .help = "Where it lies, where there are several"},
    {0},
};

enum { NAMES_MAX = 63, LAYER_KINDS_MAX = 31 };

static const char **names_of(const struct option_spec *specs, struct arena *arena)
{
	size_t n = option_count(specs), i;
	const char **names = arena_alloc(arena, (n + 1) * sizeof(*names));

	for (i = 0; names && i < n; i++)
		names[i] = specs[i].name;
	return names;
}

/* Adds the names of @specs that are not among the @n names yet, and returns how many there are
 * then. */
static size_t add_names(const char **names, size_t n, const struct option_spec *specs)
{
	for (; specs && specs->name; specs++) {
		bool there = false;

		for (size_t i = 0; i < n; i++)
			there |= strcmp(names[i], specs->name) == 0;
		if (!there && n < NAMES_MAX)
			names[n++] = specs->name;
	}
	return n;
}

/* The options of every kind of medium: the section itself says of which kind it is. */
static const char **medium_names(const struct kinds *kinds, struct arena *arena)
{
	const char **names = arena_alloc(arena, (NAMES_MAX + 1) * sizeof(*names));
	size_t n = 0;

	if (!names)
		return NULL;
	names[n++] = "type";
	for (const struct medium_ops *const *m = kinds->media; *m; m++)
		n = add_names(names, n, (*m)->options);
	return names;
}

/* The options of every kind of keystore. */
static const char **keystore_names(const struct kinds *kinds, struct arena *arena)
{
	const char **names = arena_alloc(arena, (NAMES_MAX + 1) * sizeof(*names));
	size_t n = 0;

	if (!names)
		return NULL;
	names[n++] = "backend";
	for (const struct keystore_ops *const *k = kinds->keystores; k && *k; k++)
		n = add_names(names, n, (*k)->options);
	return names;
}

static const struct grammar *volume_grammar(const struct kinds *kinds, struct arena *arena)
{
	static const char *const anything[] = {NULL};
	struct grammar *g = arena_alloc(arena, (LAYER_KINDS_MAX + 1) * sizeof(*g));
	size_t n = 0;

	for (const struct layer_ops *const *l = kinds->layers; g && *l && n < LAYER_KINDS_MAX;
	     l++) {
		g[n].name = (*l)->name;
		g[n++].options = names_of((*l)->options, arena);
	}
	for (const char *const *p = kinds->planned_layers; g && p && *p && n < LAYER_KINDS_MAX;
	     p++) {
		g[n].name = *p;
		g[n++].options = anything;
	}
	return g;
}

const struct grammar *layout_grammar(const struct kinds *kinds, struct arena *arena)
{
	struct grammar *root = arena_new(arena, struct grammar);
	struct grammar *g = arena_alloc(arena, 6 * sizeof(*g));

	if (!root || !g)
		return NULL;
	*root = (struct grammar){.name = "root", .sections = g};
	g[0] = (struct grammar){"device", true, names_of(device_options, arena), NULL};
	g[1] = (struct grammar){"medium", true, medium_names(kinds, arena), NULL};
	g[2] = (struct grammar){"keystore", true, keystore_names(kinds, arena), NULL};
	g[3] = (struct grammar){"vault", false, names_of(vault_options, arena), NULL};
	g[4] = (struct grammar){"volume", true, names_of(volume_options, arena),
				volume_grammar(kinds, arena)};
	for (int i = 0; i < 5; i++) {
		if (!g[i].options)
			return NULL;
	}
	return g[4].sections ? root : NULL;
}
