/* SPDX-License-Identifier: Apache-2.0 */
/* Checking a vault, and repairing a damaged copy from the good one. */
#ifndef HOLDFAST_VAULT_CHECK_H
#define HOLDFAST_VAULT_CHECK_H

#include "model/plan.h"
#include "model/report.h"

struct vault;

/* Findings about both copies and the log. */
int vault_verify(struct vault *v, struct report *report);
/* Appends a step that repairs the damaged copy from the good one, if that can be done. */
int vault_plan_repair(struct vault *v, struct plan *plan);

#endif
