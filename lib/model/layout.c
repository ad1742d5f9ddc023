/* SPDX-License-Identifier: Apache-2.0 */
/* Creating and freeing layouts, finding volumes, and the canonical text. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/hex.h"
#include "model/key.h"
#include "model/layer.h"
#include "model/medium.h"

struct layout *layout_new(void)
{
	struct layout *l = calloc(1, sizeof(*l));

	if (!l)
		diag_no_memory();
	return l;
}

struct layout *layout_free(struct layout *layout)
{
	if (!layout)
		return NULL;
	layout_each_volume (v, layout) {
		volume_each_layer (l, v)
			array_free(&l->learned);
	}
	arena_free(&layout->arena);
	free(layout);
	return NULL;
}

void layout_freep(struct layout **layout)
{
	layout_free(*layout);
}

struct volume *layout_volume(const struct layout *layout, const char *name)
{
	layout_each_volume (v, layout) {
		if (strcmp(v->full_name, name) == 0)
			return v;
	}
	layout_each_volume (v, layout) { /* "root": its first slot */
		if (strcmp(v->name, name) == 0)
			return v;
	}
	return NULL;
}

/* Paths may differ between hosts, sources must not: a source is replaced by its digest. */
static void canonical_values(const struct option_spec *specs, const struct option_value *values,
			     const struct source *source, struct text *to)
{
	char hex[2 * SHA256_BYTES + 1];

	for (size_t i = 0; specs && specs[i].name; i++) {
		if (!values[i].present)
			continue;
		if (specs[i].type == OPTION_PATH && source && source->surveyed) {
			hex_encode(source->digest, SHA256_BYTES, hex);
			text_add(to, "  %s = sha256:%s\n", specs[i].name, hex);
		} else {
			text_add(to, "  %s = %zu:%s\n", specs[i].name, strlen(values[i].text),
				 values[i].text);
		}
	}
}

void layout_canonical(const struct layout *layout, struct text *to)
{
	char hex[2 * SHA256_BYTES + 1] = "-";

	if (layout->device.has_seed)
		hex_encode(layout->device.seed, sizeof(layout->device.seed), hex);
	text_add(to, "holdfast layout 1\ndevice %s %s version %" PRIu64 " seed %s\n",
		 layout->device.name ? layout->device.name : "-",
		 layout->device.architecture ? layout->device.architecture : "-",
		 layout->device.version, hex);
	for (size_t i = 0; i < layout->n_media; i++) {
		text_add(to, "medium %s %s\n", layout->media[i]->name, layout->media[i]->ops->name);
		canonical_values(layout->media[i]->ops->options, layout->media[i]->values, NULL,
				 to);
	}
	for (size_t i = 0; i < layout->n_keystores; i++) {
		const struct keystore *k = layout->keystores[i];

		text_add(to, "keystore %s %s\n", k->name, k->ops->name);
		canonical_values(k->ops->options, k->values, NULL, to);
	}
	text_add(to, "vault %s %" PRIu64 " %" PRIu64 "\n", layout->vault.medium->name,
		 layout->vault.extent.offset_bytes, layout->vault.extent.size_bytes);
	layout_each_volume (v, layout) {
		text_add(to, "volume %s on %s%s\n", v->full_name, v->medium->name,
			 v->reserved ? " reserved" : "");
		volume_each_layer (l, v) {
			text_add(to, " layer %s%s%s\n", l->ops->name,
				 l->source.tool ? " made by " : "",
				 l->source.tool ? l->source.tool : "");
			canonical_values(l->ops->options, l->values, &l->source, to);
		}
	}
}
