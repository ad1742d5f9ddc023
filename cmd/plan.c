/* SPDX-License-Identifier: Apache-2.0 */
/* holdfast plan: what provision would do; writes nothing. */
#include "base/file.h"
#include "base/text.h"
#include "cmd/cli/layout-arguments.h"
#include "cmd/cli/session.h"
#include "report/describe.h"
#include "report/svg.h"

static const struct flag flags[] = {
    LAYOUT_FLAG,
    {"shared", 0, NULL, "The plan of a shared image."},
    {"svg", 0, "FILE", "Draws the plan to scale."},
    JOBS_FLAG,
    {0},
};

static int draw(const struct plan *plan, const char *path)
{
	_cleanup_text_ struct text svg = {0};

	svg_plan(plan, &svg);
	return svg.failed ? diag_no_memory() : file_write(path, 0644, svg.s, svg.len);
}

static int run(struct session *s, const struct call *c)
{
	struct provision_request request = {
	    .kinds = s->kinds,
	    .dry_run = true,
	    .target_path = c->args[1],
	    .shared = call_has(c, "shared"),
	};
	struct setting settings[VALUES_MAX];
	struct provisioning p = {0};
	int r = layout_arguments(c, settings, &request);

	s->target = c->args[1];
	if (r >= 0)
		r = provision_prepare(&p, &request, &s->env);
	if (r >= 0) {
		if (p.done)
			result_say(s->result, "complete already: provision would change nothing");
		describe_plan(s->result, p.plan);
	}
	if (r >= 0 && call_has(c, "svg"))
		r = draw(p.plan, call_value(c, "svg"));
	provision_free(&p);
	return r;
}

const struct command command_plan = {
    .name = "plan",
    .synopsis = "LAYOUT [TARGET] [--svg FILE] [--set NAME=VALUE]",
    .summary = "Show what provision would do; writes nothing.",
    .text = "Prints every partition with its byte range, every step, the digests of layout and "
	    "plan, and what TARGET holds and would lose. Without TARGET the plan is for an image "
	    "file of the layout's own size.",
    .status = "A wrong layout, a source that is missing, or a layout that does not fit gives 2.",
    .example = "holdfast plan gateway.layout\n"
	       "holdfast plan gateway.layout /dev/mmcblk0 --svg gateway.svg\n",
    .flags = flags,
    .min_args = 1,
    .max_args = 2,
    .run = run,
};
