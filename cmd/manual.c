/* SPDX-License-Identifier: Apache-2.0 */
/* holdfast manual: the manual pages, for docs/man/update. */
#include "cmd/cli/help.h"
#include "cmd/cli/commands.h"
#include "cmd/cli/session.h"

static const struct flag flags[] = {
    {"list", 0, NULL, "The commands that have a page, one a line."},
    {0},
};

static void list_pages(const struct command *const *list, struct text *to)
{
	for (const struct command *const *c = list; *c; c++) {
		if (!(*c)->hidden)
			text_add(to, "%s\n", (*c)->name);
	}
}

static int run(struct session *s, const struct call *c)
{
	_cleanup_text_ struct text text = {0};
	const struct command *of = NULL;
	int words = 0;

	if (c->n_args)
		of = command_find(s->commands, (int)c->n_args, c->args, &words);
	if (words < (int)c->n_args)
		return command_unknown(s->commands, c->args[words]);
	if (call_has(c, "list"))
		list_pages(s->commands, &text);
	else
		help_manual(s->commands, of, &text);
	if (text.len)
		text.s[--text.len] = 0; /* a sentence ends its line itself */
	if (text.failed)
		return diag_no_memory();
	result_text(s->result, "text", text.s);
	result_say(s->result, "{text}");
	return 0;
}

const struct command command_manual = {
    .name = "manual",
    .synopsis = "[COMMAND [ACTION]] | --list",
    .summary = "Print the manual page of a command, as mdoc.",
    .text = "Without COMMAND that of the program. docs/man/update writes them to files.",
    .example = "holdfast manual key rotate\n",
    .flags = flags,
    .max_args = 2,
    .hidden = true,
    .run = run,
};
