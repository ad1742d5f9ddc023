/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and closing stacks. */
#include <errno.h>

#include "base/diag.h"
#include "stack/open.h"

/* From @top down, up to the first that cannot be closed. */
static int close_from(const struct layer *top, struct job *job, const struct open_how *how)
{
	for (const struct layer *l = top; l; l = l->below) {
		LAYER_SCOPE(l);
		const struct layer_kernel_ops *k = l->ops->kernel;
		int r = k && k->close ? k->close(l, job, how) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

int stack_open(struct volume *volume, struct job *job, const struct open_how *how,
	       struct place *ret)
{
	struct place below = {0};

	if (volume->reserved)
		return diag_fail(DIAG_NO_VOLUME, ENOENT,
				 "volume %s is reserved for an update and holds nothing yet",
				 volume->full_name);
	volume_each_layer (l, volume) {
		const struct layer_kernel_ops *k = l->ops->kernel;
		struct place above = below;
		int r;

		if (l->ops->provides == PLACE_DIRECTORY && !how->mount_below)
			break;
		LAYER_SCOPE(l);
		r = k && k->open ? k->open(l, job, how, &below, &above) : 0;
		if (r < 0) {
			close_from(l->below, job, how);
			return r;
		}
		below = above;
	}
	*ret = below;
	return 0;
}

int stack_close(struct volume *volume, struct job *job, const struct open_how *how)
{
	return close_from(volume_top(volume), job, how);
}
