/* SPDX-License-Identifier: Apache-2.0 */
/* What a command is, and what its command line became. One file each, ending in its struct. */
#ifndef HOLDFAST_CLI_COMMAND_H
#define HOLDFAST_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#define ARGS_MAX   64
#define FLAGS_MAX  32
#define VALUES_MAX 64

/* An option of a command line. Tables end with an entry without name. */
struct flag {
	const char *name;  /* without "--" */
	char letter;       /* 0: none */
	const char *value; /* what its value is called; NULL: takes none */
	const char *help;  /* sentences, for --help and the manual */
	bool required;
	const char *needs;    /* the option without which this one means nothing */
	const char *excludes; /* options that do not go together with it: "one two" */
	const char *why;      /* says so when these are refused */
	const char *next;     /* and what to type instead */
};

struct call {
	const struct command *command;
	const char *args[ARGS_MAX];
	size_t n_args;
	struct {
		const struct flag *flag;
		const char *value; /* "" where it takes none */
	} flags[VALUES_MAX];
	size_t n_flags;
};

struct session;

/* Texts are paragraphs without line breaks, an empty line between; a line that begins with a space
 * is literal. Help and manual wrap them. */
struct command {
	const char *name;     /* "verify", "key rotate" */
	const char *synopsis; /* arguments, without program and command */
	const char *summary;  /* one line */
	const char *text;
	const char *status;  /* what its exit statuses mean beyond the common list; may be NULL */
	const char *example; /* lines, each a command that works */
	const struct flag *flags;
	const char *one_of; /* "one two": at least one of these options is needed */
	size_t min_args, max_args;
	bool hidden;                                         /* not in the lists of commands */
	int (*run)(struct session *s, const struct call *c); /* NULL: a group of commands */
};

/* The options of every command: one for each format of results, and a few more. */
const struct flag *common_flags(void);

/* Reads @argv, what follows the command's name, and checks it against the option table. 0, 1:
 * --help was asked for, -EINVAL having spoken. */
int call_parse(const struct command *command, int argc, char **argv, struct call *ret);
bool call_has(const struct call *c, const char *name);
const char *call_value(const struct call *c, const char *name); /* the last one given, or NULL */
/* All values of @name, at most @max; their number. */
size_t call_values(const struct call *c, const char *name, const char **ret, size_t max);

#endif
