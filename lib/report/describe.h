/* SPDX-License-Identifier: Apache-2.0 */
/* The nouns of the model as results. */
#ifndef HOLDFAST_REPORT_DESCRIBE_H
#define HOLDFAST_REPORT_DESCRIBE_H

#include "model/layout.h"
#include "model/plan.h"
#include "model/report.h"
#include "report/result.h"

void describe_plan(struct result *to, const struct plan *plan);
/* @say: also a sentence for each volume. */
void describe_layout(struct result *to, const struct layout *layout, bool say);
void describe_finding(struct result *to, const struct finding *f);
/* What was checked; the findings themselves are reported one by one. */
void describe_report(struct result *to, const struct report *report);
/* Every failure that diag has recorded, as a list "failures". "by": the command, for people, where
 * the text does not begin with its name. */
void describe_failures(struct result *to, const char *command);

#endif
