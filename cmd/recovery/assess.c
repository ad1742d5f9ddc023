/* SPDX-License-Identifier: Apache-2.0 */
/* holdfast recovery assess: what is damaged, and what repair would do. */
#include "base/text.h"
#include "cmd/cli/session.h"
#include "recovery/repair.h"
#include "report/words.h"

static const struct flag flags[] = {
    RECORD_FLAG,
    {0},
};

static void add_findings(struct session *s, const struct assessment *a)
{
	struct json *list = json_list(s->result, "findings");
	_cleanup_text_ struct text words = {0};

	array_each (f, &a->report.findings)
		json_finding(json_child(list, NULL), f);
	array_each (f, &a->report.findings)
		words_finding(f, &words);
	session_say(s, "%s", words.s ? words.s : "");
	for (size_t i = 0; i < a->plan->steps.n; i++) {
		const struct step *step = &a->plan->steps.v[i];

		session_say(s, "repair would: %s: %s\n", step->ops->name, step->detail);
	}
}

static int assess(struct session *s, struct assessment *a)
{
	s->result = json_new("result");
	json_text(s->result, "lifecycle", lifecycle_name(a->target.state));
	json_number(s->result, "repairs", a->plan->steps.n);
	session_say(s, "%s: %s\n", s->target, lifecycle_name(a->target.state));
	add_findings(s, a);
	if (!a->report.findings.n)
		session_say(
		    s,
		    "vault and partition table are good; `holdfast verify` checks the volumes\n");
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
