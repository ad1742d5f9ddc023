/* SPDX-License-Identifier: Apache-2.0 */
/* A plan drawn to scale. */
#ifndef HOLDFAST_REPORT_SVG_H
#define HOLDFAST_REPORT_SVG_H

#include "base/text.h"
#include "model/plan.h"

/* A complete SVG 1.1 document: one bar for the target, one row a partition, sizes beside it. */
void svg_plan(const struct plan *plan, struct text *to);

#endif
