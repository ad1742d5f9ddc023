/* SPDX-License-Identifier: Apache-2.0 */
/* Finds commands by name. */
#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "base/text.h"
#include "cmd/cli/commands.h"

#define COMMANDS_MAX 64

bool command_is_in(const struct command *c, const struct command *group)
{
	size_t len = group ? strlen(group->name) : 0;

	if (!group)
		return !strchr(c->name, ' ');
	return strncmp(c->name, group->name, len) == 0 && c->name[len] == ' ';
}

/* The words of @c's name that @words begin with, all of them; else 0. */
static int matches(const struct command *c, int n, const char *const *words)
{
	const char *name = c->name;

	for (int i = 0; i < n; i++) {
		size_t len = strlen(words[i]);

		if (strncmp(name, words[i], len) != 0 || (name[len] && name[len] != ' '))
			return 0;
		if (!name[len])
			return i + 1;
		name += len + 1;
	}
	return 0;
}

const struct command *command_find(const struct command *const *list, int n,
				   const char *const *words, int *ret_words)
{
	const struct command *found = NULL;
	int most = 0;

	for (const struct command *const *c = list; *c; c++) {
		int count = matches(*c, n, words);

		if (count > most) {
			found = *c;
			most = count;
		}
	}
	*ret_words = most;
	return found;
}

/* Names of one word, or of the actions of @group without its own; their number. */
static size_t names(const struct command *const *list, const struct command *group,
		    const char *ret[static COMMANDS_MAX])
{
	size_t n = 0;

	for (const struct command *const *c = list; *c; c++) {
		if (!(*c)->hidden && command_is_in(*c, group) && n + 1 < COMMANDS_MAX)
			ret[n++] = (*c)->name + (group ? strlen(group->name) + 1 : 0);
	}
	ret[n] = NULL;
	return n;
}

int command_unknown(const struct command *const *list, const char *word)
{
	const char *all[COMMANDS_MAX], *near;
	int r;

	names(list, NULL, all);
	near = text_nearest(word, all);
	r = diag_fail(DIAG_USAGE, EINVAL, "no command \"%s\"%s%s%s", word,
		      near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	diag_next("holdfast --help");
	return r;
}

int command_incomplete(const struct command *const *list, const struct command *group,
		       const char *word)
{
	const char *all[COMMANDS_MAX];
	_cleanup_text_ struct text text = {0};
	size_t n = names(list, group, all);
	int r;

	for (size_t i = 0; i < n; i++)
		text_add(&text, "%s%s", i == 0 ? "" : i + 1 < n ? ", " : " or ", all[i]);
	if (word)
		r = diag_fail(DIAG_USAGE, EINVAL, "%s has no action \"%s\": %s", group->name, word,
			      text.s);
	else
		r = diag_fail(DIAG_USAGE, EINVAL, "%s needs an action: %s", group->name, text.s);
	diag_next("holdfast %s --help", group->name);
	return r;
}
