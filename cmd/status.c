/* SPDX-License-Identifier: Apache-2.0 */
/* holdfast status: what a target is, told from evidence. */
#include "base/text.h"
#include "cmd/cli/keystores.h"
#include "cmd/cli/open-arguments.h"
#include "cmd/cli/passphrase.h"
#include "report/describe.h"

static const struct flag flags[] = {
    OPEN_FLAGS,
    TCTI_FLAG,
    {0},
};

static int tell_open(struct target *t, const struct volume *v, const struct open_how *how,
		     struct result *list)
{
	volume_each_layer (l, v) {
		_cleanup_text_ struct text words = {0};
		struct result *o;
		bool open = false;
		const struct layer_kernel_ops *k = l->ops->kernel;
		int r = k && k->status ? k->status(l, &t->job, how, &open, &words) : 0;

		if (r < 0)
			return r;
		if (!open)
			continue;
		o = result_object(list, NULL);
		result_text(o, "volume", v->full_name);
		result_text(o, "layer", l->ops->name);
		result_text(o, "state", words.s);
		result_say(o, "open: {volume}: {state}");
	}
	return 0;
}

static int tell_all_open(struct session *s, struct target *t, const struct open_how *how)
{
	struct result *list = result_list(s->result, "open");

	if (!io_is_block_device(t->io))
		return 0;
	layout_each_volume (v, t->layout) {
		int r = tell_open(t, v, how, list);

		if (r < 0)
			return r;
	}
	return 0;
}

static int run(struct session *s, const struct call *c)
{
	_cleanup_target_ struct target t = {0};
	struct open_how how;
	int r = open_arguments(c, &how);

	if (r >= 0)
		r = passphrase_arguments(s, c);
	s->target = c->args[0];
	if (r >= 0)
		r = target_open(&t, c->args[0], 0, &s->env);
	if (r >= 0)
		r = target_identify(&t, s->kinds);
	if (r < 0)
		return r;
	result_text(s->result, "lifecycle", lifecycle_name(t.state));
	result_flag(s->result, "vault", t.vault != NULL);
	result_say(s->result, t.vault || !t.layout ? "{target}: {lifecycle}"
						   : "{target}: {lifecycle}, without a vault");
	if (!t.layout)
		return target_refuse_newer(&t);
	describe_layout(s->result, t.layout, true);
	r = tell_keystores(s, &t);
	return r < 0 ? r : tell_all_open(s, &t, &how);
}

const struct command command_status = {
    .name = "status",
    .synopsis = "TARGET [--mount DIR] [--prefix NAME]",
    .summary = "Show what a target is, what is on it and what is open.",
    .text =
	"The state (blank, foreign, shared, provisioning, provisioned, damaged) is told from what "
	"is on the medium, never from a flag. Of each keystore: what guards it, what its hardware "
	"says (counters, and whether this vault is the one that it has recorded), and how far "
	"erasing goes. Says nothing about contents: see `holdfast verify`.",
    .status = "0 whatever state the target is in, as long as it can be read.",
    .example = "holdfast status /dev/mmcblk0\n"
	       "holdfast status gateway.img --json\n",
    .flags = flags,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
