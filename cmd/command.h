/* SPDX-License-Identifier: Apache-2.0 */
/* What a subcommand is, and what its command line became. One file each, ending in its struct. */
#ifndef HOLDFAST_CMD_COMMAND_H
#define HOLDFAST_CMD_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#define ARGS_MAX   64
#define FLAGS_MAX  24
#define VALUES_MAX 64

/* An option of a command line. Tables end with an entry without name. */
struct flag {
	const char *name;  /* without "--" */
	char letter;       /* 0: none */
	const char *value; /* what its value is called in --help; NULL: takes none */
	const char *help;
	bool optional_value; /* "--replace=LABEL" */
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

struct command {
	const char *name;
	const char *synopsis; /* arguments, without program and command */
	const char *summary;  /* one line of `holdfast --help` */
	const char *text;     /* paragraphs of its own --help */
	const char *example;  /* lines, each a command that works */
	const struct flag *flags;
	size_t min_args, max_args;
	int (*run)(struct session *s, const struct call *c);
};

extern const struct command command_plan, command_provision, command_open, command_close,
    command_verify, command_read, command_status, command_layers, command_cmdline, command_recovery,
    command_key;

extern const struct flag common_flags[];

/* Reads @argv behind the command's name. 0, 1: --help was asked for, -EINVAL having spoken. */
int call_parse(const struct command *command, int argc, char **argv, struct call *ret);
bool call_has(const struct call *c, const char *name);
const char *call_value(const struct call *c, const char *name); /* the last one given, or NULL */
/* All values of @name, at most @max; their number. */
size_t call_values(const struct call *c, const char *name, const char **ret, size_t max);
void call_help(const struct command *command);

#endif
