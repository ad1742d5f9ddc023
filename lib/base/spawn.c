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

#define ERROR_BYTES 2048 /* of its stderr are kept: the last ones */

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
	int out, err; /* read ends */
	char errors[ERROR_BYTES];
	size_t n_errors;
	size_t n_output;
};

typedef ARRAY(char *) strings;

static int make_env(const struct spawn *s, strings *ret)
{
	for (size_t i = 0; i < sizeof(kept_env) / sizeof(kept_env[0]); i++) {
		const char *value = getenv(kept_env[i]);
		char *line = value ? text_make("%s=%s", kept_env[i], value) : NULL;

		if (value && (!line || array_add(ret, line) < 0))
			return diag_no_memory();
	}
	for (size_t i = 0; s->set_env && s->set_env[i]; i++) {
		if (array_add(ret, strdup(s->set_env[i])) < 0)
			return diag_no_memory();
	}
	if (array_add(ret, strdup("LC_ALL=C")) < 0 || array_add(ret, (char *)NULL) < 0)
		return diag_no_memory();
	return 0;
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
	int null = open("/dev/null", O_RDONLY);
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setpgid(0, 0);
	if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
		_exit(126);
	for (size_t i = 0; i < s->n_keep_fds; i++) {
		if (fcntl(s->keep_fds[i], F_SETFD, 0) < 0)
			_exit(126);
	}
	execve(program, (char *const *)(uintptr_t)s->argv, env);
	_exit(errno == ENOENT ? 127 : 126);
}

static void stop_child(const struct child *c)
{
	const struct timespec second = {.tv_sec = 1};

	kill(-c->pid, SIGTERM);
	nanosleep(&second, NULL);
	kill(-c->pid, SIGKILL);
}

static void keep_errors(struct child *c, const char *bytes, size_t n)
{
	size_t room = sizeof(c->errors) - 1;

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

/* One read of what is there; false at its end. */
static bool drain(struct child *c, const struct spawn *s, int fd, bool is_error)
{
	char buf[4096];
	ssize_t n = read(fd, buf, sizeof(buf));

	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	if (is_error)
		keep_errors(c, buf, (size_t)n);
	if ((!is_error || s->output_errors) && s->output && n > 0) {
		size_t room = s->output_size - 1 - c->n_output;
		size_t take = (size_t)n < room ? (size_t)n : room;

		memcpy(s->output + c->n_output, buf, take);
		c->n_output += take;
		s->output[c->n_output] = 0;
	}
	return n > 0;
}

/* Until both pipes have ended; looks for cancellation several times a second. */
static int listen_to(struct child *c, const struct spawn *s, struct env *env)
{
	struct pollfd fds[2] = {{.fd = c->out, .events = POLLIN}, {.fd = c->err, .events = POLLIN}};
	int r = 0;

	while (fds[0].fd >= 0 || fds[1].fd >= 0) {
		if (r == 0 && env_cancelled(env)) {
			stop_child(c);
			r = -ECANCELED;
		}
		if (env->tick)
			env->tick(env);
		if (poll(fds, 2, 100) <= 0)
			continue;
		for (int i = 0; i < 2; i++) {
			if (fds[i].fd >= 0 && fds[i].revents && !drain(c, s, fds[i].fd, i == 1))
				fds[i].fd = -1;
		}
	}
	return r;
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
	}
	free_strings(&envs);
	return r;
}

/* The exit status, 128+N for a signal, -errno; @c keeps what it said. */
static int run(struct env *env, const struct spawn *s, const char *program, struct child *c)
{
	int status, r;

	if (s->output && s->output_size)
		s->output[0] = 0;
	c->out = c->err = -1;
	r = start(s, program, c);
	if (r >= 0) {
		r = listen_to(c, s, env);
		while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
			;
		if (r >= 0)
			r = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
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
	if (r < 0)
		return diag_fail(DIAG_PROGRAM, -r, "cannot start %s: %s", program, strerror(-r));
	if (r == 0)
		return 0;
	while (c.n_errors > 0 && c.errors[c.n_errors - 1] == '\n')
		c.errors[--c.n_errors] = 0;
	return diag_fail(strstr(c.errors, "No space left") ? DIAG_NO_SPACE : DIAG_PROGRAM, EIO,
			 "%s failed with status %d: %s", s->argv[0], r,
			 c.n_errors ? c.errors : "it said nothing");
}
