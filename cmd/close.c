/* SPDX-License-Identifier: Apache-2.0 */
/* holdfast close: takes down what open made. */
#include "cmd/cli/open-arguments.h"
#include "stack/open.h"

static const struct flag flags[] = {OPEN_FLAGS, {0}};

static int run(struct session *s, const struct call *c)
{
	_cleanup_target_ struct target t = {0};
	struct volume *volumes[VOLUMES_MAX];
	struct open_how how;
	int n, first = 0, r = open_arguments(c, &how);

	s->target = c->args[0];
	if (r >= 0)
		r = target_load(&t, c->args[0], 0, &s->env, s->kinds);
	if (r < 0)
		return r;
	n = open_volumes(c, &t, volumes);
	for (int i = 0; i < n; i++) {
		r = stack_close(volumes[i], &t.job, &how);
		first = first ? first : r;
	}
	return n < 0 ? n : first;
}

const struct command command_close = {
    .name = "close",
    .synopsis = "TARGET [VOLUME…] [--mount DIR] [--prefix NAME]",
    .summary = "Close what open opened; give the same --mount and --prefix.",
    .text = "Goes on after a volume that is busy. What is not open counts as closed.",
    .status = "7 when a volume is busy; the others are closed.",
    .example = "holdfast close /dev/mmcblk0 --mount /mnt\n",
    .flags = flags,
    .min_args = 1,
    .max_args = ARGS_MAX - 1,
    .run = run,
};
