/* SPDX-License-Identifier: Apache-2.0 */
/* Targets that holdfast did not lay out, without a table: what stands there, by its superblocks. */
#ifndef HOLDFAST_TARGET_BARE_H
#define HOLDFAST_TARGET_BARE_H

#include "target/target.h"

/* 1: t->layout has one volume, called "volume"; 0: nothing that is known; -errno having spoken.
 * Keys come from t->job.keys. */
int bare_recognise(struct target *t, const struct kinds *kinds);

#endif
