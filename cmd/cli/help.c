/* SPDX-License-Identifier: Apache-2.0 */
/* --help, from the command tables. */
#include <string.h>

#include "cmd/cli/help.h"
#include "cmd/cli/commands.h"

#define OPTION_COLUMN 28

const struct exit_status exit_statuses[] = {
    {0, "Done, or nothing was left to do."},
    {1, "Failed for a reason that fits none of the others."},
    {2, "Wrong usage, a mistake in the layout, or another digest than expected."},
    {3, "Does not verify: tampered with or damaged, whether or not it can be mended."},
    {4, "Stopped before the end; the same command goes on."},
    {5, "Refused: a foreign target, the device's state, or permissions."},
    {6, "The target's hardware failed."},
    {7, "Somebody else holds the target; try again."},
    {0},
};

/* Words of @s, up to @len bytes, in lines that begin at column @indent; the first one continues at
 * column @at. */
static void wrap(const char *s, size_t len, unsigned indent, unsigned at, struct text *to)
{
	const char *end = s + len;
	bool first = true;

	while (s < end) {
		size_t word = strcspn(s, " ");

		if (word > (size_t)(end - s))
			word = (size_t)(end - s);
		if (!first && at + 1 + word >= HELP_COLUMNS) {
			text_add(to, "\n%*s", (int)indent, "");
			at = indent;
		} else if (!first) {
			text_add(to, " ");
			at++;
		}
		text_add_bytes(to, s, word);
		at += (unsigned)word;
		s += word + (s + word < end);
		first = false;
	}
	text_add(to, "\n");
}

static void paragraphs(const char *s, struct text *to)
{
	while (*s) {
		size_t len = strcspn(s, "\n");

		if (*s == ' ')
			text_add(to, "%.*s\n", (int)len, s);
		else
			wrap(s, len, 0, 0, to);
		s += len + (s[len] == '\n');
	}
}

static void option(const struct flag *f, struct text *to)
{
	char letter[] = {'-', f->letter, ',', ' ', 0};
	size_t before = to->len;
	unsigned used;

	text_add(to, "  %s--%s%s%s", f->letter ? letter : "    ", f->name, f->value ? " " : "",
		 f->value ? f->value : "");
	used = (unsigned)(to->len - before);
	if (used + 2 > OPTION_COLUMN)
		text_add(to, "\n%*s", OPTION_COLUMN, "");
	else
		text_add(to, "%*s", (int)(OPTION_COLUMN - used), "");
	wrap(f->help, strlen(f->help), OPTION_COLUMN, OPTION_COLUMN, to);
}

static void options(const char *title, const struct flag *flags, struct text *to)
{
	if (!flags)
		return;
	text_add(to, "\n%s:\n", title);
	for (; flags->name; flags++)
		option(flags, to);
}

static void actions(const struct command *const *list, const struct command *group, struct text *to)
{
	size_t skip = group ? strlen(group->name) + 1 : 0;

	for (const struct command *const *c = list; *c; c++) {
		if ((*c)->hidden || !command_is_in(*c, group))
			continue;
		text_add(to, "  %-10s ", (*c)->name + skip);
		wrap((*c)->summary, strlen((*c)->summary), 13, 13, to);
	}
}

static void program(const struct command *const *list, struct text *to)
{
	text_add(to,
		 "holdfast %s: lays out, opens, checks and repairs authenticated storage\n\n"
		 "usage: holdfast COMMAND …\n\n",
		 HOLDFAST_VERSION);
	actions(list, NULL, to);
	text_add(to, "\n`holdfast COMMAND --help` tells more, with examples.\n\nExit status:\n");
	for (const struct exit_status *e = exit_statuses; e->help; e++)
		text_add(to, "  %d  %s\n", e->status, e->help);
}

static void examples(const struct command *c, struct text *to)
{
	text_add(to, "\nExamples:\n");
	for (const char *s = c->example; *s;) {
		size_t len = strcspn(s, "\n");

		text_add(to, "  %.*s\n", (int)len, s);
		s += len + (s[len] == '\n');
	}
}

void help_text(const struct command *const *list, const struct command *c, struct text *to)
{
	if (!c) {
		program(list, to);
		return;
	}
	text_add(to, "usage: holdfast %s ", c->name);
	wrap(c->synopsis, strlen(c->synopsis), 16, 16 + (unsigned)strlen(c->name), to);
	text_add(to, "\n");
	paragraphs(c->summary, to);
	text_add(to, "\n");
	paragraphs(c->text, to);
	if (!c->run) {
		text_add(to, "\nActions:\n");
		actions(list, c, to);
	}
	options("Options", c->flags, to);
	if (c->run)
		options("Options of every command", common_flags(), to);
	if (c->status) {
		text_add(to, "\nExit status:\n");
		paragraphs(c->status, to);
	}
	examples(c, to);
}
