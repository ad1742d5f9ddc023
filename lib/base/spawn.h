/* SPDX-License-Identifier: Apache-2.0 */
/* Starts helper programs with an argument vector, never through a shell. */
#ifndef HOLDFAST_BASE_SPAWN_H
#define HOLDFAST_BASE_SPAWN_H

#include <stdbool.h>
#include <stddef.h>

struct env;

struct spawn {
	const char *const *argv; /* argv[0] is looked up in PATH, then /usr/sbin and /sbin */
	const char *const
	    *set_env;        /* "NAME=VALUE", added to (a cleaned copy of) ours; may be NULL */
	const int *keep_fds; /* the child keeps these (> 2), reachable as /proc/self/fd/N */
	size_t n_keep_fds;
	char *output; /* first @output_size-1 bytes of stdout, NUL-terminated; may be NULL */
	size_t output_size;
	bool output_errors; /* @output gets stderr, too (programs that tell their version there) */
};

/*
 * Runs it to its end; stdin is /dev/null, stderr is collected. On cancellation the child's process
 * group gets SIGTERM, SIGKILL a second later at most, and -ECANCELED is returned. A program that is
 * missing or exits with another status than 0 is told through diag with the last lines of its
 * stderr. The environment keeps PATH, HOME, TMPDIR and fakeroot's variables, and sets LC_ALL=C.
 */
int spawn_run(struct env *env, const struct spawn *s);

/* The same, silent on failure: the exit status, or -errno when it could not be started. */
int spawn_status(struct env *env, const struct spawn *s);

#endif
