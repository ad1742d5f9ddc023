/* SPDX-License-Identifier: Apache-2.0 */
/* The step that commits the device part. */
#ifndef HOLDFAST_TARGET_COMMIT_H
#define HOLDFAST_TARGET_COMMIT_H

#include "model/plan.h"

/* Appends the step that commits the device part of the plan's layout with the keys of job->ring:
 * `open` and `verify` go by it. The medium's table comes after it. */
int target_plan_commit(struct plan *plan);

#endif
