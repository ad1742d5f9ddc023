/* SPDX-License-Identifier: Apache-2.0 */
/* holdfast recovery repair: mends a damaged copy from its good twin. */
#include "cmd/cli/session.h"
#include "recovery/repair.h"

static const struct flag flags[] = {
    RECORD_FLAG,
    {0},
};

static int repair(struct session *s, struct assessment *a)
{
	struct execute_events events = session_events(s);
	int r = recovery_repair(a, &events);

	result_number(s->result, "repairs", a->plan->steps.n);
	if (r < 0)
		return r;
	if (a->plan->steps.n == 0)
		s->code = a->report.findings.n ? DIAG_DAMAGED : DIAG_NOTHING_TO_DO;
	result_say(s->result, a->plan->steps.n ? "{target}: mended"
					       : "{target}: nothing that a good copy could mend");
	return 0;
}

static int run(struct session *s, const struct call *c)
{
	struct assessment a = {0};
	int r;

	s->target = c->args[0];
	r = recovery_assess(&a, c->args[0], true, &s->env, s->kinds);
	if (r >= 0)
		r = repair(s, &a);
	assessment_free(&a);
	return r;
}

const struct command command_recovery_repair = {
    .name = "recovery repair",
    .synopsis = "TARGET",
    .summary = "Mend a copy of vault or partition table from its twin.",
    .text = "Writes the damaged copy again from the good one, and never touches contents.",
    .status = "0 when all that could be mended is. 5 when the target cannot be written.",
    .example = "holdfast recovery repair /dev/mmcblk0\n",
    .flags = flags,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
