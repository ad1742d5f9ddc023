/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the command and runs it. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cli/help.h"
#include "cmd/cli/passphrase.h"
#include "cmd/cli/commands.h"
#include "cmd/cli/session.h"
#include "cmd/cli/volume-key.h"
#include "cmd/registry.h"

/* If stdin, stdout or stderr is closed, the target would get its number, and what we or a helper
 * program print would be written into it. /dev/null takes the place of each; reading or writing it
 * the wrong way fails as with a closed descriptor. */
static bool fill_standard_descriptors(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			return false;
	}
	return true;
}

static int show_help(struct session *s, const struct command *command)
{
	_cleanup_text_ struct text text = {0};

	s->result = result_free(s->result);
	help_text(command_registry, command, &text);
	if (text.failed)
		return OUTCOME_FAILED;
	fputs(text.s, stdout);
	return fflush(stdout) == 0 ? OUTCOME_DONE : OUTCOME_FAILED;
}

static int show_version(struct session *s)
{
	s->result = result_free(s->result);
	return printf("holdfast %s\n", HOLDFAST_VERSION) > 0 ? OUTCOME_DONE : OUTCOME_FAILED;
}

static bool is_one_of(const char *word, const char *letter, const char *name)
{
	return word && (strcmp(word, letter) == 0 || strcmp(word, name) == 0);
}

static int run_command(struct session *s, const struct command *command, int argc, char **argv)
{
	struct call call;
	int r = call_parse(command, argc, argv, &call);

	if (r == 1)
		return show_help(s, command);
	if (r >= 0)
		r = session_begin(s, &call);
	if (r >= 0)
		r = command->run(s, &call);
	passphrase_forget();
	volume_key_forget();
	return session_end(s, r);
}

int main(int argc, char **argv)
{
	struct session s;
	const struct command *command;
	int words = 0;

	if (!fill_standard_descriptors())
		return OUTCOME_FAILED;
	session_init(&s, command_registry, argc, argv);
	if (argc < 2) {
		show_help(&s, NULL);
		return OUTCOME_USAGE;
	}
	if (is_one_of(argv[1], "-h", "--help"))
		return show_help(&s, NULL);
	if (is_one_of(argv[1], "-V", "--version"))
		return show_version(&s);
	command = command_find(command_registry, argc - 1, (const char *const *)argv + 1, &words);
	if (!command)
		return session_end(&s, command_unknown(command_registry, argv[1]));
	s.name = command->name;
	argv += 1 + words; /* ends with NULL */
	if (!command->run && is_one_of(*argv, "-h", "--help"))
		return show_help(&s, command);
	if (!command->run)
		return session_end(&s, command_incomplete(command_registry, command, *argv));
	return run_command(&s, command, argc - 1 - words, argv);
}
