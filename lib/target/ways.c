/* SPDX-License-Identifier: Apache-2.0 */
/* Ways to the contents of volumes: those in the vault, and what the medium has beside it. */
#include "base/diag.h"
#include "target/ways.h"

static void add_foreign(const struct layer *l, struct job *job, struct ways_in *to)
{
	size_t mark = diag_count();
	enum way_kind kind = WAY_FOREIGN;
	unsigned number = 0;

	if (!l->ops->keys || !l->ops->keys->foreign_ways || to->n == WAYS_MAX)
		return;
	if (l->ops->keys->foreign_ways(l, job, &number) < 0) {
		diag_forget(mark);
		kind = WAY_UNKNOWN;
	}
	if (number || kind == WAY_UNKNOWN)
		to->v[to->n++] = (struct way_in){
		    .kind = kind, .volume = l->volume->full_name, .keystore = "", .number = number};
}

void target_ways_in(struct target *t, struct ways_in *ret)
{
	ret->n = keyring_ways_in(t->ring, NULL, ret->v, WAYS_MAX);
	layout_each_volume (v, t->layout) {
		if (v->forgotten)
			continue;
		volume_each_layer (l, v)
			add_foreign(l, &t->job, ret);
	}
}
