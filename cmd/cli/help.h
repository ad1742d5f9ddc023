/* SPDX-License-Identifier: Apache-2.0 */
/* What the command tables say, for a terminal and as manual pages. */
#ifndef HOLDFAST_CLI_HELP_H
#define HOLDFAST_CLI_HELP_H

#include "base/text.h"
#include "cmd/cli/command.h"

#define HELP_COLUMNS 80

/* The exit statuses, lowest first; the list ends with an entry without help. */
struct exit_status {
	int status;
	const char *help;
};
extern const struct exit_status exit_statuses[];

/* What @command, of @list, has to say with --help; NULL: the program as a whole. */
void help_text(const struct command *const *list, const struct command *command, struct text *to);
/* The same as a manual page (mdoc). */
void help_manual(const struct command *const *list, const struct command *command, struct text *to);

#endif
