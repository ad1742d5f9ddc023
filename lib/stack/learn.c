/* SPDX-License-Identifier: Apache-2.0 */
/* Results that only the target knows. */
#include "base/diag.h"
#include "stack/learn.h"

int stack_learn(struct layout *layout, struct job *job)
{
	layout_each_volume (v, layout) {
		if (v->reserved || v->absent)
			continue;
		volume_each_layer (l, v) {
			LAYER_SCOPE(l);
			int r = l->ops->learn ? l->ops->learn(l, job) : 0;

			if (r < 0)
				return r;
		}
	}
	return 0;
}
