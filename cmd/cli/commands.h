/* SPDX-License-Identifier: Apache-2.0 */
/* Finds commands by name in a list of them, which ends with NULL. */
#ifndef HOLDFAST_CLI_COMMANDS_H
#define HOLDFAST_CLI_COMMANDS_H

#include "cmd/cli/command.h"

/* The command that @words begin with, a group's or a full name; *@ret_words: how many belong to its
 * name. NULL: none. */
const struct command *command_find(const struct command *const *list, int n,
				   const char *const *words, int *ret_words);
/* Whether @c is an action of the group @group; with NULL, whether it is a name of one word. */
bool command_is_in(const struct command *c, const struct command *group);

/* Say through diag why @words name nothing that can be run. -EINVAL. */
int command_unknown(const struct command *const *list, const char *word);
int command_incomplete(const struct command *const *list, const struct command *group,
		       const char *word);

#endif
