/* SPDX-License-Identifier: Apache-2.0 */
/* From a layout to the steps that lay it out. */
#ifndef HOLDFAST_STACK_PLAN_H
#define HOLDFAST_STACK_PLAN_H

#include "model/plan.h"

/*
 * Sizes, allocation, steps, digest. The caller has set why, layout_digest, seed, instance,
 * sector_bytes, and capacity_bytes (0: an image that is to be made, of the medium's size or the
 * least). @commit appends the vault's step (NULL: none). Pure but for extents and partitions'
 * identities, which it writes into the volumes.
 */
int stack_plan(struct plan *p, int (*commit)(struct plan *));

#endif
