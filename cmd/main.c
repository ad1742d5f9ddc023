/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cmd/passphrase.h"
#include "cmd/session.h"
#include "cmd/volume-key.h"

static const struct command *const commands[] = {
    &command_plan,   &command_provision, &command_open,   &command_close,
    &command_verify, &command_read,      &command_status, &command_cmdline,
    &command_layers, &command_recovery,  &command_key,    NULL,
};

static void help(void)
{
	printf("holdfast %s: lays out, opens, checks and repairs authenticated storage\n\n"
	       "usage: holdfast COMMAND …\n\n",
	       HOLDFAST_VERSION);
	for (const struct command *const *c = commands; *c; c++)
		printf("  %-10s %s\n", (*c)->name, (*c)->summary);
	printf(
	    "\n`holdfast COMMAND --help` tells more, with examples. Exit status: 0 done, 1 "
	    "failed,\n"
	    "2 usage or layout, 3 does not verify, 4 stopped (resumable), 5 refused, 6 hardware,\n"
	    "7 busy.\n");
}

static const struct command *find(const char *name)
{
	for (const struct command *const *c = commands; *c; c++) {
		if (strcmp((*c)->name, name) == 0)
			return *c;
	}
	return NULL;
}

static int unknown(const char *name)
{
	const char *names[sizeof(commands) / sizeof(commands[0])] = {0}, *near;
	int r;

	for (size_t i = 0; commands[i]; i++)
		names[i] = commands[i]->name;
	near = text_nearest(name, names);
	r = diag_fail(DIAG_USAGE, EINVAL, "no command \"%s\"%s%s%s", name,
		      near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	diag_next("holdfast --help");
	return r;
}

/* A wrong command line ends with a result object, too, where JSON was asked for. */
static bool wants_json(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			return true;
	}
	return false;
}

/* Started with a closed stdin, stdout or stderr, the target itself would get its number, and what
 * we or a helper program print would go into it. Using such a stand-in fails as a closed one does.
 */
static bool fill_standard_descriptors(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct session s = {.json = wants_json(argc, argv)};
	const struct command *command;
	struct call call;
	int r;

	if (!fill_standard_descriptors())
		return OUTCOME_FAILED;
	if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0 ||
	    strcmp(argv[1], "-h") == 0) {
		help();
		return argc < 2 ? OUTCOME_USAGE : OUTCOME_DONE;
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("holdfast %s\n", HOLDFAST_VERSION);
		return OUTCOME_DONE;
	}
	command = find(argv[1]);
	if (!command)
		return session_end(&s, unknown(argv[1]));
	s.name = command->name;
	r = call_parse(command, argc - 2, argv + 2, &call);
	if (r == 1) {
		call_help(command);
		return OUTCOME_DONE;
	}
	if (r >= 0)
		r = session_begin(&s, &call);
	if (r >= 0)
		r = command->run(&s, &call);
	passphrase_forget();
	volume_key_forget();
	return session_end(&s, r);
}
