/* SPDX-License-Identifier: Apache-2.0 */
/* A stack, or the part of it that is below a layer, as a device. */
#ifndef HOLDFAST_STACK_ATTACH_H
#define HOLDFAST_STACK_ATTACH_H

#include "base/io.h"
#include "model/layer.h"

/* The devices of a stack, bottom first. */
struct attached {
	struct io *io[LAYERS_MAX + 1];
	size_t n;
};
void attached_close(struct attached *a);
#define _cleanup_attached_ __attribute__((cleanup(attached_close)))

/* Attaches @l and everything below it. *@ret is the topmost device, owned by @a. */
int layer_attach(const struct layer *l, struct job *job, enum attach_mode mode, struct attached *a,
		 struct io **ret);
/* Attaches everything below @l; for a bottom layer *@ret_below is the target. */
int layer_attach_below(const struct layer *l, struct job *job, enum attach_mode mode,
		       struct attached *a, struct io **ret_below);

#endif
