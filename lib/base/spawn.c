/* SPDX-License-Identifier: Apache-2.0 */
/* Starts helper programs with an argument vector, in a process group of their own. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/env.h"
#include "base/spawn.h"
#include "base/text.h"

#define ERROR_BYTES 800  /* of its stderr are kept: the last ones; must fit in diag_record.text */
#define STOP_MS     1000 /* from SIGTERM to SIGKILL */

/* What a child may know of our environment: where programs are, and that it runs under fakeroot. */
static const char *const kept_env[] = {
    "PATH",
    "TMPDIR",
    "HOME",
    "LD_PRELOAD",
    "LD_LIBRARY_PATH",
    "FAKEROOTKEY",
    "FAKED_MODE",
    "FAKEROOTDONTTRYCHOWN",
    "FAKEROOT_FD_BASE",
};

struct child {
	pid_t pid;
	struct timespec used; /* of the processor, when it was last looked at */
	int out, err;         /* read ends */
	char errors[ERROR_BYTES];
	size_t n_errors;
	size_t n_output;
	bool dropped; /* errors[] does not begin where its stderr began */
};

typedef ARRAY(char *) strings;

/* Takes over @line, which may be NULL: out of memory. */
static int add_line(strings *ret, char *line)
{
	if (line && array_add(ret, line) == 0)
		return 0;
	free(line);
	return -ENOMEM;
}

static int make_env(const struct spawn *s, strings *ret)
{
	for (size_t i = 0; i < sizeof(kept_env) / sizeof(kept_env[0]); i++) {
		const char *value = getenv(kept_env[i]);

		if (value && add_line(ret, text_make("%s=%s", kept_env[i], value)) < 0)
			return -ENOMEM;
	}
	for (size_t i = 0; s->set_env && s->set_env[i]; i++) {
		if (add_line(ret, strdup(s->set_env[i])) < 0)
			return -ENOMEM;
	}
	if (add_line(ret, strdup("LC_ALL=C")) < 0)
		return -ENOMEM;
	return array_add(ret, (char *)NULL);
}

static void free_strings(strings *s)
{
	array_each (it, s)
		free(*it);
	array_free(s);
}

/* Where it is: PATH, then the directories that an ordinary user's PATH lacks. */
static char *find_program(const char *name)
{
	const char *path = getenv("PATH");
	_cleanup_free_ char *dirs = text_make("%s:/usr/sbin:/sbin:/usr/bin:/bin", path ? path : "");
	char *save = NULL;

	if (!dirs)
		return NULL;
	if (strchr(name, '/'))
		return strdup(name);
	for (char *dir = strtok_r(dirs, ":", &save); dir; dir = strtok_r(NULL, ":", &save)) {
		char *full = text_make("%s/%s", dir, name);

		if (full && access(full, X_OK) == 0)
			return full;
		free(full);
	}
	return NULL;
}

/* In the child, after fork: only what is safe there. */
static void become(const struct spawn *s, const char *program, char **env, int out, int err)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
	setpgid(0, 0);
	/* Out of the way of 0 to 2, where they are when we were started without these. */
	out = fcntl(out, F_DUPFD_CLOEXEC, 3);
	err = fcntl(err, F_DUPFD_CLOEXEC, 3);
	if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0 ||
	    fcntl(0, F_SETFD, 0) < 0)
		_exit(126);
	for (size_t i = 0; i < s->n_keep_fds; i++) {
		if (fcntl(s->keep_fds[i], F_SETFD, 0) < 0)
			_exit(126);
	}
	execve(program, (char *const *)(uintptr_t)s->argv, env);
	_exit(errno == ENOENT ? 127 : 126);
}

/* SIGKILL goes to the whole group even when the child itself has ended by then. */
static void stop_child(const struct child *c)
{
	const struct timespec nap = {.tv_nsec = 20 * 1000 * 1000};

	kill(-c->pid, SIGTERM);
	for (int ms = 0; ms < STOP_MS; ms += 20) {
		siginfo_t ended = {0};

		if (waitid(P_PID, (id_t)c->pid, &ended, WEXITED | WNOHANG | WNOWAIT) < 0 ||
		    ended.si_pid == c->pid)
			break;
		nanosleep(&nap, NULL);
	}
	kill(-c->pid, SIGKILL);
}

static void keep_errors(struct child *c, const char *bytes, size_t n)
{
	size_t room = sizeof(c->errors) - 1;

	c->dropped |= n > room - c->n_errors;
	if (n > room) {
		bytes += n - room;
		n = room;
	}
	if (c->n_errors + n > room) {
		size_t drop = c->n_errors + n - room;

		memmove(c->errors, c->errors + drop, c->n_errors - drop);
		c->n_errors -= drop;
	}
	memcpy(c->errors + c->n_errors, bytes, n);
	c->n_errors += n;
	c->errors[c->n_errors] = 0;
}

/* The last lines of its stderr: whole ones, without the final newlines. */
static const char *last_words(struct child *c)
{
	const char *line = c->dropped ? strchr(c->errors, '\n') : NULL;

	while (c->n_errors > 0 && c->errors[c->n_errors - 1] == '\n')
		c->errors[--c->n_errors] = 0;
	if (c->n_errors == 0)
		return "it said nothing";
	return line && line[0] && line[1] ? line + 1 : c->errors;
}

/* One read of what is there; false at its end. */
static bool drain(struct child *c, const struct spawn *s, int fd, bool is_error)
{
	char buf[4096];
	ssize_t n = read(fd, buf, sizeof(buf));

	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	if (is_error)
		keep_errors(c, buf, (size_t)n);
	if ((!is_error || s->output_errors) && s->output && s->output_size && n > 0) {
		size_t room = s->output_size - 1 - c->n_output;
		size_t take = (size_t)n < room ? (size_t)n : room;

		memcpy(s->output + c->n_output, buf, take);
		c->n_output += take;
		s->output[c->n_output] = 0;
	}
	return n > 0;
}

/* Has the child used the processor since it was last asked? */
static bool gets_on(struct child *c)
{
	struct timespec used = {0};
	clockid_t clock;
	bool more;

	if (clock_getcpuclockid(c->pid, &clock) != 0 || clock_gettime(clock, &used) < 0)
		return false;
	more = used.tv_sec != c->used.tv_sec || used.tv_nsec != c->used.tv_nsec;
	c->used = used;
	return more;
}

/* Until both pipes have ended or it was cancelled, for which is looked several times a second. */
static int listen_to(struct child *c, const struct spawn *s, struct env *env)
{
	struct pollfd fds[2] = {{.fd = c->out, .events = POLLIN}, {.fd = c->err, .events = POLLIN}};

	while (fds[0].fd >= 0 || fds[1].fd >= 0) {
		if (env_cancelled(env)) {
			stop_child(c);
			return -ECANCELED;
		}
		if (gets_on(c))
			env_tick(env);
		if (poll(fds, 2, 100) <= 0)
			continue;
		for (int i = 0; i < 2; i++) {
			if (fds[i].fd >= 0 && fds[i].revents && !drain(c, s, fds[i].fd, i == 1))
				fds[i].fd = -1;
		}
	}
	return 0;
}

static int start(const struct spawn *s, const char *program, struct child *c)
{
	_cleanup_close_ int out = -1, err = -1;
	strings envs = {0};
	int out_pipe[2], err_pipe[2], r = make_env(s, &envs);

	if (r < 0 || pipe2(out_pipe, O_CLOEXEC) < 0) {
		free_strings(&envs);
		return r < 0 ? r : -errno;
	}
	c->out = out_pipe[0];
	out = out_pipe[1];
	if (pipe2(err_pipe, O_CLOEXEC) < 0) {
		r = -errno;
	} else {
		c->err = err_pipe[0];
		err = err_pipe[1];
		c->pid = fork();
		if (c->pid == 0)
			become(s, program, envs.v, out, err);
		r = c->pid < 0 ? -errno : 0;
		if (r == 0)
			setpgid(c->pid, c->pid); /* here too: it may be stopped before it runs */
	}
	free_strings(&envs);
	return r;
}

/* @r where that is a failure, else how it ended. -ECHILD: nobody tells, SIGCHLD is ignored. */
static int wait_for(const struct child *c, int r)
{
	int status;

	while (waitpid(c->pid, &status, 0) < 0) {
		if (errno != EINTR)
			return r < 0 ? r : -errno;
	}
	if (r < 0)
		return r;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* The exit status, 128+N for a signal, -errno; @c keeps what it said. */
static int run(struct env *env, const struct spawn *s, const char *program, struct child *c)
{
	int r;

	if (s->output && s->output_size)
		s->output[0] = 0;
	c->out = c->err = -1;
	for (size_t i = 0; i < s->n_keep_fds; i++) {
		if (s->keep_fds[i] <= STDERR_FILENO)
			return -EBADF; /* its own stdin, stdout or stderr would take its place */
	}
	r = start(s, program, c);
	if (r >= 0) {
		r = listen_to(c, s, env);
		r = wait_for(c, r);
	}
	if (c->out >= 0)
		close(c->out);
	if (c->err >= 0)
		close(c->err);
	return r;
}

int spawn_status(struct env *env, const struct spawn *s)
{
	_cleanup_free_ char *program = find_program(s->argv[0]);
	struct child c = {0};

	return program ? run(env, s, program, &c) : -ENOENT;
}

int spawn_run(struct env *env, const struct spawn *s)
{
	_cleanup_free_ char *program = find_program(s->argv[0]);
	struct child c = {0};
	int r;

	if (!program) {
		r = diag_fail(DIAG_PROGRAM, ENOENT, "the program %s is not installed", s->argv[0]);
		diag_next("install the package that has %s", s->argv[0]);
		return r;
	}
	r = run(env, s, program, &c);
	if (r == -ECANCELED)
		return diag_fail(DIAG_SIGNAL, ECANCELED, "stopped while %s ran", s->argv[0]);
	if (r == -ENOMEM)
		return diag_no_memory();
	if (r < 0)
		return diag_fail(DIAG_PROGRAM, -r, "cannot run %s: %s", program, strerror(-r));
	if (r == 0)
		return 0;
	return diag_fail(strstr(c.errors, "No space left") ? DIAG_NO_SPACE : DIAG_PROGRAM, EIO,
			 "%s failed with status %d: %s", s->argv[0], r, last_words(&c));
}
