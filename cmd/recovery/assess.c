/* SPDX-License-Identifier: Apache-2.0 */
/* holdfast recovery assess: what is damaged, and what repair would do. */
#include "cmd/cli/session.h"
#include "recovery/repair.h"
#include "report/describe.h"

static const struct flag flags[] = {
    RECORD_FLAG,
    {0},
};

static int assess(struct session *s, struct assessment *a)
{
	struct result *findings, *steps;

	result_text(s->result, "lifecycle", lifecycle_name(a->target.state));
	result_number(s->result, "repairs", a->plan->steps.n);
	result_say(s->result, "{target}: {lifecycle}");
	findings = result_list(s->result, "findings");
	array_each (f, &a->report.findings)
		describe_finding(result_object(findings, NULL), f);
	steps = result_list(s->result, "steps");
	array_each (step, &a->plan->steps) {
		struct result *o = result_object(steps, NULL);

		result_text(o, "name", step->ops->name);
		result_text(o, "detail", step->detail);
		result_say(o, "repair would: {name}: {detail}");
	}
	if (!a->report.findings.n)
		result_say(s->result, "vault and partition table are good; `holdfast verify` "
				      "checks the volumes");
	s->code = !a->report.findings.n         ? DIAG_OK
		  : report_mendable(&a->report) ? DIAG_DAMAGED
						: DIAG_TAMPERED;
	return 0;
}

static int run(struct session *s, const struct call *c)
{
	struct assessment a = {0};
	int r;

	s->target = c->args[0];
	r = recovery_assess(&a, c->args[0], false, &s->env, s->kinds);
	if (r >= 0)
		r = assess(s, &a);
	assessment_free(&a);
	return r;
}

const struct command command_recovery_assess = {
    .name = "recovery assess",
    .synopsis = "TARGET",
    .summary = "Tell what state a target is in, and what repair would do.",
    .text = "Only reads. Looks at the vault and the partition table; `holdfast verify` checks the "
	    "volumes.",
    .status = "3 when something is damaged, whether or not it can be mended.",
    .example = "holdfast recovery assess /dev/mmcblk0\n",
    .flags = flags,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
