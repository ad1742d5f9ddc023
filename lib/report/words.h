/* SPDX-License-Identifier: Apache-2.0 */
/* Plans, reports and layouts in words. */
#ifndef HOLDFAST_REPORT_WORDS_H
#define HOLDFAST_REPORT_WORDS_H

#include "base/text.h"
#include "model/plan.h"
#include "model/report.h"

void words_plan(const struct plan *plan, struct text *to);
/* Every finding on a line of its own, then notes. */
void words_report(const struct report *report, struct text *to);
/* "4096 + 8192 (2 blocks)" */
void words_finding(const struct finding *f, struct text *to);
void words_volumes(const struct layout *layout, struct text *to);

#endif
