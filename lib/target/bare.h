/* SPDX-License-Identifier: Apache-2.0 */
/* Targets without a table that holdfast did not lay out: recognised by their superblocks. */
#ifndef HOLDFAST_TARGET_BARE_H
#define HOLDFAST_TARGET_BARE_H

#include "target/target.h"

/* 1: t->layout has one volume, called "volume"; 0: nothing known; -errno with a message.
 * Keys come from t->job.keys. */
int bare_recognise(struct target *t, const struct kinds *kinds);

#endif
