/* SPDX-License-Identifier: Apache-2.0 */
/* Volumes of a shared image: copied, verified, grown. lib/stack only. */
#ifndef HOLDFAST_STACK_COMPLETE_H
#define HOLDFAST_STACK_COMPLETE_H

#include "model/plan.h"

/* Appends the steps for @v instead of those that make it. */
int complete_volume(const struct volume *v, struct plan *p);

#endif
