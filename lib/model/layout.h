/* SPDX-License-Identifier: Apache-2.0 */
/* The nouns of a layout: device, medium, vault, volume, layer. Pure data. */
#ifndef HOLDFAST_MODEL_LAYOUT_H
#define HOLDFAST_MODEL_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/array.h"
#include "base/uuid.h"
#include "model/option.h"

#define SHA256_BYTES   32
#define NAME_MAX_BYTES 31 /* volume, slot, medium, keystore names: a-z A-Z 0-9 - _ */
#define LAYERS_MAX     8  /* in one stack */
#define VOLUMES_MAX    64 /* after slots are expanded */
#define KEYSTORES_MAX  4
#define REQUESTS_MAX   (VOLUMES_MAX * 3 + 1)

struct layer_ops;
struct medium_ops;
struct keystore_ops;
struct io;

/* Who uses a piece of the medium, and how it is labelled. */
enum role {
	ROLE_DATA,
	ROLE_HASH, /* dm-verity's tree (and FEC) */
	ROLE_SIGNATURE,
	ROLE_COUNT,
};

/* A range of the target, in bytes from its start; size 0: there is none. */
struct extent {
	uint64_t offset_bytes;
	uint64_t size_bytes;
};

/* What a volume has on the medium in one role, and the table's entry for it. */
struct piece {
	struct extent extent;
	struct uuid uuid; /* nil: learnt from the root hash */
	struct uuid type;
	char label[37];
	unsigned number; /* of the entry, from 1; 0: not in a table */
};

/* What a layer found out: something that is known only once contents are written ("root-hash"), or
 * read back from the medium or the vault. Stored in the vault; texts live in the layout's arena. */
struct learned {
	const char *name;
	const char *value;
};

/* What survey() found outside the target. */
struct source {
	bool surveyed;
	uint8_t digest[SHA256_BYTES]; /* of the source tree or file */
	uint64_t content_bytes;       /* size that the contents take, 0: fits itself to any size */
	uint64_t minimum_bytes;       /* smallest place that can hold them */
	const char *tool;             /* "mke2fs 1.47.0", NULL when no program is involved */
	const void *details;          /* the layer's own, in the layout's arena */
	struct io *prepared; /* contents ready to be copied, kept by the layout's arena, or NULL */
};

struct volume;

struct layer {
	const struct layer_ops *ops;
	struct volume *volume;
	struct layer *below, *above;
	struct option_value *values; /* one per entry of ops->options */
	struct where where;
	struct source source;
	ARRAY(struct learned) learned;
};

struct medium {
	const char *name;
	const struct medium_ops *ops;
	struct option_value *values;
	struct where where;
};

/* What guards the device secret that the keys of some layers hang from. */
struct keystore {
	const char *name;
	const struct keystore_ops *ops;
	struct option_value *values;
	struct where where;
};

/* One stack. A volume with slots {"a", "b"} is two of these with the same name. */
struct volume {
	const char *name;
	const char *slot;      /* NULL: the volume has no slots */
	const char *full_name; /* "root:a", or "data" */
	bool reserved;         /* a slot that provisioning leaves empty, for the updater */
	struct layout *layout;
	struct medium *medium;
	struct layer *layers[LAYERS_MAX]; /* bottom first */
	size_t n_layers;
	struct where where;
	/* Answered by the medium at planning, or read from the vault or the table. */
	struct piece pieces[ROLE_COUNT];
	bool absent;    /* this plan does not make it: a shared image has no keys */
	bool forgotten; /* its keys were given up: contents are lost */
	bool in_shared; /* written by `provision --shared`, the same on every device */
};

struct layout {
	struct arena arena;
	const char *file; /* NULL: read from a vault or a table */
	struct {
		const char *name;
		const char *architecture; /* DPS name: "x86-64", "arm64" … */
		bool has_seed;
		uint8_t seed[32]; /* public values only: UUIDs, salts */
		uint64_t version;
		struct option_value *values;
		struct where where;
	} device;
	struct medium *media[8];
	size_t n_media;
	struct keystore *keystores[KEYSTORES_MAX];
	size_t n_keystores;
	struct {
		struct medium *medium;
		struct extent extent;
		struct uuid partition_uuid;
		struct where where;
	} vault;
	struct volume *volumes[VOLUMES_MAX]; /* in the order of the file, slots side by side */
	size_t n_volumes;
};

struct layout *layout_new(void); /* NULL: out of memory */
struct layout *layout_free(struct layout *layout);
void layout_freep(struct layout **layout);
#define _cleanup_layout_ __attribute__((cleanup(layout_freep)))

/* By "root:a", or "root" where that is unambiguous or means the first slot. NULL: not there. */
struct volume *layout_volume(const struct layout *layout, const char *name);

/* The rule by which layout and plan digest are made; counts up whenever the same layout and sources
 * would give another digest, for example with a new option that has a default. */
#define LAYOUT_DIGEST_RULE 1

/* The layout with every default written out, in one spelling, sources as digests (all layers must
 * be surveyed): what the layout digest is taken over. */
void layout_canonical(const struct layout *layout, struct text *to);

/* The walks of a layout: loops whose body may break, continue and return. */
#define layout_each_volume(v, layout)                                                              \
	for (struct volume *const *v##_at = (layout)->volumes, *v;                                 \
	     v##_at < (layout)->volumes + (layout)->n_volumes && (v = *v##_at); v##_at++)
#define volume_each_layer(l, volume) /* bottom first */                                            \
	for (struct layer *l = volume_bottom(volume); l; l = l->above)
#define volume_each_layer_down(l, volume) /* top first */                                          \
	for (struct layer *l = volume_top(volume); l; l = l->below)
#define volume_each_piece(p, volume)                                                               \
	for (const struct piece *p = (volume)->pieces; p < (volume)->pieces + ROLE_COUNT; p++)

/* Who names no volumes means all of them. */
static inline void layout_all_where_none(const struct layout *layout,
					 struct volume *const **volumes, size_t *n)
{
	if (*n)
		return;
	*volumes = layout->volumes;
	*n = layout->n_volumes;
}

static inline struct layer *volume_bottom(const struct volume *v)
{
	return v->n_layers ? v->layers[0] : NULL;
}

static inline struct layer *volume_top(const struct volume *v)
{
	return v->n_layers ? v->layers[v->n_layers - 1] : NULL;
}

#endif
