/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines: long and short options from tables, and the help that the tables give. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/text.h"
#include "cmd/command.h"

const struct flag common_flags[] = {
    {"json", 0, NULL, "JSON Lines on standard output; the last one is the result", false},
    {"quiet", 'q', NULL, "no progress, no notes", false},
    {"jobs", 'j', "N", "worker threads; default: one for each processor", false},
    {"log", 0, "FILE", "append every message to FILE, with the time", false},
    {"record", 0, "FILE", "write what was done to FILE, as JSON", false},
    {"help", 'h', NULL, "this text", false},
    {0},
};

static const struct flag *find(const struct flag *flags, const char *name, size_t len, char letter)
{
	for (; flags && flags->name; flags++) {
		if (letter ? flags->letter == letter
			   : strlen(flags->name) == len && memcmp(flags->name, name, len) == 0)
			return flags;
	}
	return NULL;
}

static int unknown(const struct command *command, const char *word)
{
	const char *names[2 * FLAGS_MAX], *near;
	size_t n = 0;
	int r;

	for (const struct flag *f = command->flags; f && f->name && n < FLAGS_MAX; f++)
		names[n++] = f->name;
	for (const struct flag *f = common_flags; f->name && n < 2 * FLAGS_MAX - 1; f++)
		names[n++] = f->name;
	names[n] = NULL;
	near = strncmp(word, "--", 2) == 0 ? text_nearest(word + 2, names) : NULL;
	r = diag_fail(DIAG_USAGE, EINVAL, "%s: no option %s%s%s%s", command->name, word,
		      near ? "; did you mean --" : "", near ? near : "", near ? "?" : "");
	diag_next("holdfast %s --help", command->name);
	return r;
}

static int add_flag(struct call *c, const struct flag *f, const char *value)
{
	if (c->n_flags == VALUES_MAX)
		return diag_fail(DIAG_USAGE, E2BIG, "too many options");
	c->flags[c->n_flags].flag = f;
	c->flags[c->n_flags++].value = value ? value : "";
	return 0;
}

/* One word that begins with '-'; may take the next one as its value. */
static int parse_flag(struct call *c, const char *word, char **argv, int argc, int *at)
{
	bool is_long = word[1] == '-';
	const char *name = word + (is_long ? 2 : 1), *equals = is_long ? strchr(name, '=') : NULL;
	size_t len = equals ? (size_t)(equals - name) : strlen(name);
	const struct flag *f = find(c->command->flags, name, len, is_long ? 0 : *name);
	const char *value = equals ? equals + 1 : NULL;

	if (!f)
		f = find(common_flags, name, len, is_long ? 0 : *name);
	if (!f)
		return unknown(c->command, word);
	if (!is_long && name[1])
		value = name + 1;
	if (f->value && !value && *at + 1 < argc)
		value = argv[++*at];
	if (f->value && !value)
		return diag_fail(DIAG_USAGE, EINVAL, "--%s needs %s", f->name, f->value);
	if (!f->value && value)
		return diag_fail(DIAG_USAGE, EINVAL, "--%s takes no value", f->name);
	return add_flag(c, f, value);
}

static int check_count(const struct call *c)
{
	int r;

	if (c->n_args >= c->command->min_args && c->n_args <= c->command->max_args)
		return 0;
	r = diag_fail(DIAG_USAGE, EINVAL, "usage: holdfast %s %s", c->command->name,
		      c->command->synopsis);
	diag_next("holdfast %s --help", c->command->name);
	return r;
}

int call_parse(const struct command *command, int argc, char **argv, struct call *ret)
{
	bool only_args = false;
	int r = 0;

	*ret = (struct call){.command = command};
	for (int i = 0; i < argc && r >= 0; i++) {
		if (!only_args && strcmp(argv[i], "--") == 0)
			only_args = true;
		else if (!only_args && argv[i][0] == '-' && argv[i][1])
			r = parse_flag(ret, argv[i], argv, argc, &i);
		else if (ret->n_args == ARGS_MAX)
			r = diag_fail(DIAG_USAGE, E2BIG, "too many arguments");
		else
			ret->args[ret->n_args++] = argv[i];
	}
	if (r >= 0 && call_has(ret, "help"))
		return 1;
	return r < 0 ? r : check_count(ret);
}

const char *call_value(const struct call *c, const char *name)
{
	const char *value = NULL;

	for (size_t i = 0; i < c->n_flags; i++) {
		if (strcmp(c->flags[i].flag->name, name) == 0)
			value = c->flags[i].value;
	}
	return value;
}

bool call_has(const struct call *c, const char *name)
{
	return call_value(c, name) != NULL;
}

size_t call_values(const struct call *c, const char *name, const char **ret, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_flags && n < max; i++) {
		if (strcmp(c->flags[i].flag->name, name) == 0)
			ret[n++] = c->flags[i].value;
	}
	return n;
}

static void help_flags(const struct flag *flags)
{
	for (; flags && flags->name; flags++) {
		char left[64];

		snprintf(left, sizeof(left), "%s%c%s--%s%s%s", flags->letter ? "-" : "",
			 flags->letter ? flags->letter : ' ', flags->letter ? ", " : "   ",
			 flags->name, flags->value ? " " : "", flags->value ? flags->value : "");
		printf("  %-28s %s\n", left, flags->help);
	}
}

void call_help(const struct command *command)
{
	printf("usage: holdfast %s %s\n\n%s\n\n%s\n", command->name, command->synopsis,
	       command->summary, command->text);
	if (command->flags)
		printf("\nOptions:\n");
	help_flags(command->flags);
	printf("\nOptions of every command:\n");
	help_flags(common_flags);
	printf("\nExamples:\n%s", command->example);
}
