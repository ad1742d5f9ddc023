/* SPDX-License-Identifier: Apache-2.0 */
/* Targets that holdfast did not lay out: layers are tried one on the other, from the bottom. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "target/bare.h"
#include "model/build.h"

/* 1: another layer was found and added. */
static int add_layer(struct volume *v, const struct kinds *kinds, struct job *job)
{
	const struct where nowhere = {0};
	size_t mark = diag_count();
	int r = 0;

	for (const struct layer_ops *const *ops = kinds->layers; *ops && r == 0; ops++) {
		struct layer *l;

		if (!(*ops)->recognise)
			continue;
		l = volume_add_layer(v, *ops, nowhere);
		if (!l)
			return -ENOMEM;
		r = (*ops)->recognise(l, job);
		if (r != 1)
			volume_drop_layer(v);
		if (r == -ENOKEY) { /* encrypted: only the key would show what is above */
			diag_forget(mark);
			return 0;
		}
	}
	return r;
}

static const struct medium_ops *untabled(const struct kinds *kinds)
{
	for (const struct medium_ops *const *m = kinds->media; *m; m++) {
		if ((*m)->provides == PLACE_RAW)
			return *m;
	}
	return NULL;
}

int bare_recognise(struct target *t, const struct kinds *kinds)
{
	_cleanup_layout_ struct layout *layout = layout_new();
	const struct medium_ops *raw = untabled(kinds);
	const struct layer_ops *range = layer_kind_between(kinds->layers, PLACE_RAW, PLACE_BYTES);
	const struct where nowhere = {0};
	struct medium *m;
	struct volume *v;
	int r;

	if (!layout)
		return -ENOMEM;
	if (!raw || !range)
		return 0;
	m = layout_add_medium(layout, raw, "target", nowhere);
	v = m ? layout_add_volume(layout, "volume", NULL, m, nowhere) : NULL;
	if (!v || !volume_add_layer(v, range, nowhere))
		return -ENOMEM;
	v->pieces[ROLE_DATA].extent.size_bytes = t->io->size_bytes;
	do
		r = v->n_layers < LAYERS_MAX ? add_layer(v, kinds, &t->job) : 0;
	while (r == 1);
	if (r < 0 || v->n_layers < 2)
		return r;
	t->layout = TAKE(layout);
	return 1;
}
