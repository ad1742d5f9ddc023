/* SPDX-License-Identifier: Apache-2.0 */
/* holdfast recovery: from a damaged or unknown state back to a good one. */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "cmd/session.h"
#include "recovery/repair.h"
#include "report/words.h"

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

static int repair(struct session *s, struct assessment *a)
{
	struct execute_events events = session_events(s);
	int r = recovery_repair(a, &events);

	s->result = json_new("result");
	json_number(s->result, "repairs", a->plan->steps.n);
	if (r < 0)
		return r;
	if (a->plan->steps.n == 0)
		s->code = a->report.findings.n ? DIAG_DAMAGED : DIAG_NOTHING_TO_DO;
	session_say(
	    s, a->plan->steps.n == 0 ? "%s: nothing that a good copy could mend\n" : "%s: mended\n",
	    s->target);
	return 0;
}

static int run(struct session *s, const struct call *c)
{
	bool mend = strcmp(c->args[0], "repair") == 0;
	struct assessment a = {0};
	int r;

	if (!mend && strcmp(c->args[0], "assess") != 0)
		return diag_fail(DIAG_USAGE, EINVAL, "recovery %s: assess or repair", c->args[0]);
	s->target = c->args[1];
	r = recovery_assess(&a, c->args[1], mend, &s->env, s->kinds);
	if (r >= 0)
		r = mend ? repair(s, &a) : assess(s, &a);
	assessment_free(&a);
	return r;
}

const struct command command_recovery = {
    .name = "recovery",
    .synopsis = "assess|repair TARGET",
    .summary = "Find out what is damaged; mend a copy from its twin.",
    .text =
	"assess reads only: what state the target is in, what is wrong with vault and partition\n"
	"table, and what repair would do. repair writes the damaged copy of vault or table anew\n"
	"from the good one, and never touches contents.",
    .example = "  holdfast recovery assess /dev/mmcblk0\n  holdfast recovery repair /dev/mmcblk0\n",
    .min_args = 2,
    .max_args = 2,
    .run = run,
};
