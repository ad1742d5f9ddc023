/* SPDX-License-Identifier: Apache-2.0 */
/* Passphrases: read with read(2) into locked memory, once. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cmd/cli/passphrase.h"
#include "model/key.h"

#define PASSPHRASE_MAX 1024

struct words_source {
	const char *file; /* NULL: none */
	int fd;           /* -1: none */
	struct secret *words;
};

enum { NOW, FRESH, TIMES }; /* fresh: what replaces it */

/* How each thing is asked for, on the command line and on a terminal. */
static const struct {
	const char *what, *prompt, *fresh_prompt;
	const char *file[TIMES], *fd[TIMES]; /* NULL: there is no such option */
} asked[] = {
    [ASK_PASSPHRASE] = {"a passphrase",
			"Passphrase of keystore ",
			"New passphrase of keystore ",
			{"passphrase-file", "new-passphrase-file"},
			{"passphrase-fd", "new-passphrase-fd"}},
    [ASK_PIN] = {"a PIN",
		 "PIN of keystore ",
		 "New PIN of keystore ",
		 {"pin-file", "new-pin-file"},
		 {"pin-fd", "new-pin-fd"}},
    [ASK_OWNER] = {"the TPM's owner authorisation",
		   "Owner authorisation for keystore ",
		   "",
		   {"owner-file"},
		   {"owner-fd"}},
};
#define N_ASKED (sizeof(asked) / sizeof(asked[0]))

static struct {
	struct words_source of[N_ASKED][TIMES];
} passphrases;

static bool given(const struct words_source *s)
{
	return s->file || s->fd >= 0;
}

/* The first line; what follows belongs to somebody else. */
static int read_line(int fd, const char *what, struct secret **ret)
{
	_cleanup_secret_ struct secret *all = NULL, *line = NULL;
	const uint8_t *end;
	size_t len = 0;
	int r = secret_new(PASSPHRASE_MAX + 1, &all);

	while (r >= 0 && len <= PASSPHRASE_MAX && !memchr(secret_bytes(all), '\n', len)) {
		ssize_t n = read(fd, secret_bytes(all) + len, PASSPHRASE_MAX + 1 - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return diag_file(errno, what);
		if (n == 0)
			break;
		len += (size_t)n;
	}
	if (r < 0)
		return r;
	end = memchr(secret_bytes(all), '\n', len);
	len = end ? (size_t)(end - secret_bytes(all)) : len;
	if (end && len && secret_bytes(all)[len - 1] == '\r') /* a file from Windows */
		len--;
	if (len == 0 || len > PASSPHRASE_MAX)
		return diag_fail(DIAG_KEY_INPUT, EINVAL, "%s: a passphrase has 1 to %d bytes", what,
				 PASSPHRASE_MAX);
	r = secret_new(len, &line);
	if (r < 0)
		return r;
	memcpy(secret_bytes(line), secret_bytes(all), len);
	*ret = TAKE(line);
	return 0;
}

static int ask(int tty, const char *prompt, const char *name, struct secret **ret)
{
	struct termios before, silent;
	int r;

	if (tcgetattr(tty, &before) < 0)
		return diag_file(errno, "/dev/tty");
	silent = before;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	dprintf(tty, "%s%s: ", prompt, name);
	tcsetattr(tty, TCSAFLUSH, &silent);
	r = read_line(tty, "/dev/tty", ret);
	tcsetattr(tty, TCSAFLUSH, &before);
	dprintf(tty, "\n");
	return r;
}

static int ask_terminal(enum key_asked what, const char *name, bool fresh, struct secret **ret)
{
	_cleanup_close_ int tty =
	    isatty(STDIN_FILENO) ? open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY) : -1;
	_cleanup_secret_ struct secret *first = NULL, *again = NULL;
	int r;

	if (tty < 0) {
		r = diag_fail(DIAG_KEY_INPUT, ENOKEY, "keystore %s needs %s", name,
			      asked[what].what);
		diag_next("give it with --%s FILE or --%s N", asked[what].file[NOW],
			  asked[what].fd[NOW]);
		return r;
	}
	r = ask(tty, fresh ? asked[what].fresh_prompt : asked[what].prompt, name, &first);
	if (r >= 0 && fresh)
		r = ask(tty, "The same again, of keystore ", name, &again);
	if (r < 0)
		return r;
	if (fresh && !secret_equal(first, again))
		return diag_fail(DIAG_KEY_INPUT, EINVAL, "what was typed the second time differs");
	*ret = TAKE(first);
	return 0;
}

static int copy_of(const struct secret *from, struct secret **ret)
{
	struct secret *s;
	int r = secret_new(secret_len(from), &s);

	if (r < 0)
		return r;
	memcpy(secret_bytes(s), secret_bytes(from), secret_len(from));
	*ret = s;
	return 0;
}

int passphrase_read_file(const char *path, struct secret **ret)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? diag_file(errno, path) : read_line(fd, path, ret);
}

/* Reads it once: a descriptor has it only once, and nobody should type it twice. */
static int load(struct words_source *s, enum key_asked what, const char *name, bool fresh)
{
	if (s->words)
		return 0;
	if (s->fd >= 0)
		return read_line(s->fd, asked[what].fd[NOW], &s->words);
	if (!s->file)
		return ask_terminal(what, name, fresh, &s->words);
	return passphrase_read_file(s->file, &s->words);
}

static int ask_for(void *ctx, enum key_asked what, const char *name, bool fresh,
		   struct secret **ret)
{
	struct words_source *of = passphrases.of[what];
	struct words_source *s = fresh && given(&of[FRESH]) ? &of[FRESH] : &of[NOW];
	int r;

	/* Most TPMs have no owner authorisation: nobody is asked for it. */
	if (what == ASK_OWNER && !given(s))
		return -ENOKEY;
	r = load(s, what, name, fresh);
	return r < 0 ? r : copy_of(s->words, ret);
}

/* What is set anew is asked for at the end only. */
static const char *unused(void *ctx)
{
	static const enum key_asked whats[] = {ASK_PASSPHRASE, ASK_PIN};

	for (size_t i = 0; i < sizeof(whats) / sizeof(whats[0]); i++) {
		const struct words_source *s = &passphrases.of[whats[i]][NOW];

		if (given(s) && !s->words)
			return s->file ? asked[whats[i]].file[NOW] : asked[whats[i]].fd[NOW];
	}
	return NULL;
}

static int source_of(const struct call *c, const char *file, const char *fd,
		     struct words_source *ret)
{
	const char *number = fd ? call_value(c, fd) : NULL;
	char *end = NULL;
	long n = number ? strtol(number, &end, 10) : -1;

	*ret = (struct words_source){.file = file ? call_value(c, file) : NULL, .fd = (int)n};
	if (number && (!*number || *end || n < 0 || n > 1 << 20))
		return diag_fail(DIAG_USAGE, EINVAL, "--%s %s: give the number of a descriptor", fd,
				 number);
	return 0;
}

int passphrase_arguments(struct session *s, const struct call *c)
{
	int r = 0;

	for (size_t i = 0; i < N_ASKED * TIMES && r >= 0; i++)
		r = source_of(c, asked[i / TIMES].file[i % TIMES], asked[i / TIMES].fd[i % TIMES],
			      &passphrases.of[i / TIMES][i % TIMES]);
	s->input = (struct key_input){.ask = ask_for,
				      .unused = unused,
				      .tcti = call_value(c, "tcti"),
				      .tpm_identity = call_value(c, "for-tpm"),
				      .tpm2_signature = call_value(c, "tpm2-signature")};
	s->env.input = &s->input;
	return r;
}

void passphrase_forget(void)
{
	for (size_t i = 0; i < N_ASKED * TIMES; i++) {
		struct words_source *s = &passphrases.of[i / TIMES][i % TIMES];

		s->words = secret_free(s->words);
	}
}
