/* SPDX-License-Identifier: Apache-2.0 */
/* Making nouns and checking that a stack is well-typed: for the layout file, vault records, probes.
 */
#ifndef HOLDFAST_MODEL_BUILD_H
#define HOLDFAST_MODEL_BUILD_H

#include "model/layer.h"
#include "model/medium.h"

/* All are made in layout->arena; NULL: out of memory or too many, having spoken. Values start as
 * the tables' fallbacks. */
struct medium *layout_add_medium(struct layout *layout, const struct medium_ops *ops,
				 const char *name, struct where where);
struct keystore *layout_add_keystore(struct layout *layout, const struct keystore_ops *ops,
				     const char *name, struct where where);
struct volume *layout_add_volume(struct layout *layout, const char *name, const char *slot,
				 struct medium *medium, struct where where);
struct layer *volume_add_layer(struct volume *volume, const struct layer_ops *ops,
			       struct where where);

/* May it name a volume, slot, medium, keystore or device? 1 to NAME_MAX_BYTES of a-z A-Z 0-9 - _ */
bool name_is_valid(const char *name);

/* Takes back the topmost layer. */
void volume_drop_layer(struct volume *volume);

/* Sets option @name from text(s); 0 or -EINVAL having spoken (file, line, what to write). */
int layer_set(struct layer *l, const char *name, const char *const *texts, size_t n,
	      struct where where);
int medium_set(struct layout *layout, struct medium *m, const char *name, const char *const *texts,
	       size_t n, struct where where);
int keystore_set(struct layout *layout, struct keystore *k, const char *name,
		 const char *const *texts, size_t n, struct where where);
/* The same for any table (device, vault, medium); @owner is for messages: "layer verity". */
int values_set(const struct option_spec *specs, struct option_value *values, const char *owner,
	       const char *name, const char *const *texts, size_t n, struct where where,
	       const char *path_base, struct arena *arena);

/* Each layer consumes what the one below provides, bottom stands on the medium; then every layer's
 * own check(). Reports all mistakes. */
int volume_check(const struct volume *volume);
/* volume_check of all, names unique, media used, at least one volume. */
int layout_check(const struct layout *layout);

#endif
