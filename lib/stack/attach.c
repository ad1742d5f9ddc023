/* SPDX-License-Identifier: Apache-2.0 */
/* Stacking the devices of layers. */
#include "stack/attach.h"

void attached_close(struct attached *a)
{
	while (a->n > 0)
		io_close(a->io[--a->n]);
}

int layer_attach(const struct layer *l, struct job *job, enum attach_mode mode, struct attached *a,
		 struct io **ret)
{
	struct io *below, *io = NULL;
	int r = layer_attach_below(l, job, mode, a, &below);

	if (r < 0)
		return r;
	if (!l->ops->attach) { /* gives what is below as it is */
		*ret = below;
		return 0;
	}
	r = l->ops->attach(l, job, mode, below, &io);
	if (r < 0)
		return r;
	a->io[a->n++] = io;
	*ret = io;
	return 0;
}

int layer_attach_below(const struct layer *l, struct job *job, enum attach_mode mode,
		       struct attached *a, struct io **ret_below)
{
	if (l->below)
		return layer_attach(l->below, job, mode, a, ret_below);
	*ret_below = job->target;
	return 0;
}
