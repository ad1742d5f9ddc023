/* SPDX-License-Identifier: Apache-2.0 */
/* From a layout to the steps that lay it out. */
#ifndef HOLDFAST_STACK_PLAN_H
#define HOLDFAST_STACK_PLAN_H

#include "model/plan.h"

/*
 * Asks every layer for its size and the medium for places: the answers are in @p's requests. Where
 * @p->capacity_bytes is 0 (an image that is to be made) it becomes the medium's size, or the least
 * that holds it all. The caller has set why, facts, seed, instance and sector_bytes. Pure: the
 * layout gets the answers from plan_install().
 */
int stack_place(struct plan *p);

/* Steps and digest, once the places are installed. The caller has set layout_digest, shared, from,
 * trust_copy and retire; @commit appends the vault's step. Pure. */
int stack_plan(struct plan *p, int (*commit)(struct plan *));

#endif
