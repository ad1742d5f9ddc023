/* SPDX-License-Identifier: Apache-2.0 */
/* holdfast help: what a command does, as with --help. */
#include "cmd/cli/help.h"
#include "cmd/cli/commands.h"
#include "cmd/cli/session.h"

static int run(struct session *s, const struct call *c)
{
	_cleanup_text_ struct text text = {0};
	const struct command *of = NULL;
	int words = 0;

	if (c->n_args) {
		of = command_find(s->commands, (int)c->n_args, c->args, &words);
		if (of && !of->run && words < (int)c->n_args)
			return command_incomplete(s->commands, of, c->args[words]);
		if (words < (int)c->n_args)
			return command_unknown(s->commands, c->args[words]);
	}
	help_text(s->commands, of, &text);
	if (text.len)
		text.s[--text.len] = 0; /* a sentence ends its line itself */
	if (text.failed)
		return diag_no_memory();
	result_text(s->result, "text", text.s);
	result_say(s->result, "{text}");
	return 0;
}

const struct command command_help = {
    .name = "help",
    .synopsis = "[COMMAND [ACTION]]",
    .summary = "Show what a command does, with its options and examples.",
    .text = "The same as --help of that command; without COMMAND the list of all.",
    .example = "holdfast help provision\n"
	       "holdfast help key rotate\n",
    .max_args = 2,
    .run = run,
};
