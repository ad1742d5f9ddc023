/* SPDX-License-Identifier: Apache-2.0 */
/* Manual pages (mdoc), from the command tables. */
#include <string.h>

#include "cmd/cli/help.h"
#include "cmd/cli/commands.h"

#define MANUAL_DATE "November 28, 2026"

static const char about[] =
    "Makes the storage of an embedded Linux device from a layout, a text file that "
    "holdfast-layout(5) describes. A volume is a stack of layers. Everything that goes onto the "
    "medium is made in user space, on an image file or a block device; the kernel is used to open "
    "what was laid out.";
static const char about_targets[] =
    "Targets are locked with flock(2): exclusively for writing, shared for reading. A block device "
    "that is written is taken exclusively: nothing of it may be mounted, mapped or swapped on "
    "(exit status 7, with who it is). Only a device that completes a shared image may be in use "
    "meanwhile, as long as nothing uses the ranges that are written.\n\n"
    "Temporary files lie unlinked in the directory that TMPDIR names, by default /var/tmp.\n\n"
    "Long work tells systemd's watchdog (WatchdogSec=) of its progress, and only of that.";

/* --- text --- */

/* `word` becomes bold; what troff would take for its own is escaped. */
static void escaped(const char *s, size_t len, struct text *to)
{
	bool bold = false;

	if (len && (*s == '.' || *s == '\''))
		text_add(to, "\\&");
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '`')
			text_add(to, (bold = !bold) ? "\\fB" : "\\fP");
		else if (s[i] == '\\')
			text_add(to, "\\e");
		else
			text_add(to, s[i] == '-' ? "\\-" : "%c", s[i]);
	}
}

static void word(const char *s, struct text *to)
{
	escaped(s, strlen(s), to);
}

/* Where the sentence ends that @s begins with; every one gets a line. */
static size_t sentence(const char *s, size_t len)
{
	for (size_t i = 0; i + 2 < len; i++) {
		char next = s[i + 2]; /* a capital letter, or the number of an exit status */

		if (s[i] == '.' && s[i + 1] == ' ' && next >= '0' && next <= 'Z')
			return i + 1;
	}
	return len;
}

static void paragraph(const char *s, size_t len, struct text *to)
{
	for (size_t at = 0; at < len;) {
		size_t n = sentence(s + at, len - at);

		escaped(s + at, n, to);
		text_add(to, "\n");
		at += n + 1;
	}
}

static void paragraphs(const char *s, struct text *to)
{
	bool gap = false, literal = false;

	for (size_t len; *s; s += len + (s[len] == '\n')) {
		len = strcspn(s, "\n");
		if (!len) {
			gap = true;
			continue;
		}
		literal = *s == ' ';
		if (gap && !literal)
			text_add(to, ".Pp\n");
		gap = false;
		if (literal) {
			size_t blanks = strspn(s, " ");

			text_add(to, ".Dl ");
			escaped(s + blanks, len - blanks, to);
			text_add(to, "\n");
		} else {
			paragraph(s, len, to);
		}
	}
}

/* --- sections --- */

/* @name with its blanks as dashes: "key rotate" is documented in holdfast-key-rotate. */
static void page_name(const char *name, bool upper, struct text *to)
{
	text_add(to, upper ? "HOLDFAST" : "holdfast");
	if (name)
		text_add(to, upper ? "-" : "\\-");
	for (const char *s = name ? name : ""; *s; s++) {
		char c = *s == ' ' ? '-' : *s;

		if (upper)
			text_add(to, "%c", c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
		else
			text_add(to, c == '-' ? "\\-" : "%c", c);
	}
}

static void heading(const char *name, const char *summary, size_t len, struct text *to)
{
	text_add(to,
		 ".\\\" SPDX-License-Identifier: Apache-2.0\n"
		 ".\\\" From the command tables, by docs/man/update. Do not edit.\n.Dd %s\n.Dt ",
		 MANUAL_DATE);
	page_name(name, true, to);
	text_add(to, " 1\n.Os\n.Sh NAME\n.Nm ");
	page_name(name, false, to);
	text_add(to, "\n.Nd ");
	text_add(to, "%c", *summary >= 'A' && *summary <= 'Z' ? *summary - 'A' + 'a' : *summary);
	escaped(summary + 1, len - 1, to);
	text_add(to, "\n.Sh SYNOPSIS\n");
}

static void option(const struct flag *f, struct text *to)
{
	text_add(to, ".It Fl ");
	if (f->letter)
		text_add(to, "%c , Fl ", f->letter);
	text_add(to, "\\-");
	word(f->name, to);
	if (f->value)
		text_add(to, " Ar %s", f->value);
	text_add(to, "\n");
	paragraphs(f->help, to);
}

static void options(const struct flag *flags, struct text *to)
{
	text_add(to, ".Bl -tag -width Ds\n");
	for (; flags->name; flags++)
		option(flags, to);
	text_add(to, ".El\n");
}

static void actions(const struct command *const *list, const struct command *group, struct text *to)
{
	text_add(to, ".Bl -tag -width Ds\n");
	for (const struct command *const *c = list; *c; c++) {
		if ((*c)->hidden || !command_is_in(*c, group))
			continue;
		text_add(to, ".It Xr ");
		page_name((*c)->name, false, to);
		text_add(to, " 1\n");
		paragraphs((*c)->summary, to);
	}
	text_add(to, ".El\n");
}

static void statuses(struct text *to)
{
	text_add(to, ".Sh EXIT STATUS\n.Bl -tag -width Ds -compact\n");
	for (const struct exit_status *e = exit_statuses; e->help; e++) {
		text_add(to, ".It %d\n", e->status);
		paragraphs(e->help, to);
	}
	text_add(to, ".El\n");
}

static void examples(const char *s, struct text *to)
{
	text_add(to, ".Sh EXAMPLES\n.Bd -literal -offset indent\n");
	for (size_t len; *s; s += len + (s[len] == '\n')) {
		len = strcspn(s, "\n");
		escaped(s, len, to);
		text_add(to, "\n");
	}
	text_add(to, ".Ed\n");
}

static void program(const struct command *const *list, struct text *to)
{
	static const char summary[] = "lay out, open, check and repair authenticated storage";

	heading(NULL, summary, strlen(summary), to);
	text_add(to,
		 ".Nm\n.Ar command\n.Op Ar argument ...\n.Nm\n.Fl \\-help\n.Nm\n.Fl \\-version\n"
		 ".Sh DESCRIPTION\n");
	paragraphs(about, to);
	text_add(to, ".Pp\nThe commands are:\n");
	actions(list, NULL, to);
	text_add(to, ".Pp\nOptions of every command:\n");
	options(common_flags(), to);
	text_add(to, ".Pp\n");
	paragraphs(about_targets, to);
	statuses(to);
	text_add(to, ".Sh SEE ALSO\n.Xr holdfast\\-layout 5 ,\n.Xr systemd\\-repart 8 ,\n"
		     ".Xr veritysetup 8\n");
}

void help_manual(const struct command *const *list, const struct command *c, struct text *to)
{
	size_t summary;

	if (!c) {
		program(list, to);
		return;
	}
	summary = strlen(c->summary);
	heading(c->name, c->summary, summary - (c->summary[summary - 1] == '.'), to);
	text_add(to, ".Nm holdfast %s\n", c->name);
	word(c->synopsis, to);
	text_add(to, "\n.Sh DESCRIPTION\n");
	paragraphs(c->text, to);
	if (!c->run) {
		text_add(to, ".Pp\nThe actions are:\n");
		actions(list, c, to);
	}
	if (c->flags) {
		text_add(to, ".Pp\nOptions, besides those of every command in\n.Xr holdfast 1 :\n");
		options(c->flags, to);
	}
	text_add(to, ".Sh EXIT STATUS\n");
	if (c->status)
		paragraphs(c->status, to);
	text_add(to, "The full list is in\n.Xr holdfast 1 .\n");
	examples(c->example, to);
	text_add(to, ".Sh SEE ALSO\n.Xr holdfast 1 ,\n.Xr holdfast\\-layout 5\n");
}
