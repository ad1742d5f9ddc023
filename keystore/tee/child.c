/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child process that makes the calls, and a watchdog. Without tee-supplicant a call can hang in
 * the kernel for ever, and only SIGKILL is sure to end it; so our own process must not make it.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "keystore/tee/child.h"
#include "keystore/tee/kernel.h"
#include "keystore/tee/say.h"

#define POLL_MS  100
#define STOP_MS  1000 /* for the child to end by itself, and again after SIGKILL */
#define TRIES    6    /* while another program is using the TEE */
#define RETRY_MS 50

const struct tee_transport *tee_transport = &tee_kernel;

static void nap(unsigned ms)
{
	const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	nanosleep(&t, NULL);
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Memory that parent and child share: locked, not dumped. A struct secret would not do: its pages
 * are zero in a child. */
static struct tee_call *share(void)
{
	struct tee_call *c =
	    mmap(NULL, sizeof(*c), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (c == MAP_FAILED) {
		diag_no_memory();
		return NULL;
	}
	if (mlock(c, sizeof(*c)) < 0 || madvise(c, sizeof(*c), MADV_DONTDUMP) < 0)
		diag_warn("the TEE's answers cannot be kept out of swap or core files (%s)",
			  strerror(errno));
	return c;
}

/* --- the child: after a fork, so it calls only what is safe there --- */

static bool step(struct tee_call *c, int fd)
{
	char token;
	ssize_t n;

	do
		n = recv(fd, &token, 1, 0);
	while (n < 0 && errno == EINTR);
	if (n != 1)
		return false; /* the parent has no more calls, or is gone */
	tee_transport->invoke(c);
	return send(fd, &token, 1, MSG_NOSIGNAL) == 1;
}

/* Closes all descriptors of the parent: a child that hangs would keep the target locked. */
static _Noreturn void child(struct tee_call *c, int fd, pid_t parent)
{
	static const char token;

	prctl(PR_SET_PDEATHSIG, SIGKILL); /* ends with the thread that began the session */
	prctl(PR_SET_DUMPABLE, 0);
	setpgid(0, 0); /* signals of the terminal are for the parent */
	if (getppid() != parent)
		_exit(1);
	if (fd > 3)
		close_range(3, (unsigned)fd - 1, 0);
	close_range((unsigned)fd + 1, ~0U, 0);
	if (tee_transport->open(c) && send(fd, &token, 1, MSG_NOSIGNAL) == 1) {
		while (step(c, fd))
			;
	} else {
		send(fd, &token, 1, MSG_NOSIGNAL);
	}
	_exit(0);
}

/* --- the parent --- */

/* Ends the child. One that hangs in the kernel may die late: that is not waited for. */
static void reap(struct keystore_session *s)
{
	close(s->fd);
	for (int kills = 0; kills < 2; kills++) {
		for (unsigned ms = 0; ms < STOP_MS; ms += 5) {
			pid_t r = waitpid(s->pid, NULL, WNOHANG);

			if (r == s->pid || (r < 0 && errno != EINTR)) {
				s->pid = 0;
				return;
			}
			nap(5);
		}
		kill(s->pid, SIGKILL);
	}
	s->pid = 0;
}

static void kill_child(struct keystore_session *s)
{
	kill(s->pid, SIGKILL);
	reap(s);
}

static int say_hung(void)
{
	const char *why = tee_transport->hung();
	int r =
	    diag_fail(DIAG_KEYSTORE_MISSING, ETIMEDOUT, "the TEE does not answer within %u s: %s",
		      (tee_transport->limit_ms + 999) / 1000,
		      why ? why : "the secure world, or its storage, hangs");

	diag_state("the call was given up; it may still be carried out, completely or not at all");
	diag_next(why ? "start tee-supplicant (`systemctl start tee-supplicant`) and try again"
		      : "read the logs of the TEE and of tee-supplicant; reboot");
	return r;
}

/* Waits until the child has answered; ends it if it does not. */
static int await(struct keystore_session *s, struct env *env)
{
	uint64_t end = now_ms() + tee_transport->limit_ms;
	struct pollfd p = {.fd = s->fd, .events = POLLIN};
	char token;

	for (;;) {
		if (env_cancelled(env)) {
			kill_child(s);
			return diag_fail(DIAG_SIGNAL, ECANCELED, "stopped while the TEE worked");
		}
		env_tick(env);
		if (poll(&p, 1, POLL_MS) > 0)
			break;
		if (now_ms() >= end) {
			kill_child(s);
			return say_hung();
		}
	}
	if (recv(s->fd, &token, 1, 0) == 1)
		return 0;
	kill_child(s);
	return diag_fail(DIAG_KEYSTORE_FAILED, EIO,
			 "the process that calls the TEE ended without an answer");
}

int tee_child_start(struct keystore_session *s, struct env *env)
{
	pid_t self = getpid();
	int pair[2], r;

	s->call = share();
	if (!s->call)
		return -ENOMEM;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return diag_fail(DIAG_INTERNAL, errno, "no socket: %s", strerror(errno));
	s->pid = fork();
	if (s->pid == 0)
		child(s->call, pair[1], self);
	close(pair[1]);
	s->fd = pair[0];
	if (s->pid < 0) {
		s->pid = 0;
		close(s->fd);
		return diag_fail(DIAG_INTERNAL, EAGAIN, "no process: %s", strerror(errno));
	}
	madvise(s->call, sizeof(*s->call), MADV_DONTFORK); /* other children do not get it */
	r = await(s, env);
	if (r < 0)
		return r;
	return s->call->error || s->call->result ? tee_say_failure(s->call) : 0;
}

int tee_child_call(struct keystore_session *s, struct env *env)
{
	struct tee_call *c = s->call;
	int r = 0;

	for (int i = 0; i < TRIES && r == 0; i++) {
		if (!s->pid || send(s->fd, "", 1, MSG_NOSIGNAL) != 1)
			return diag_fail(DIAG_KEYSTORE_FAILED, EPIPE,
					 "the connection to the TEE was lost");
		r = await(s, env);
		if (r < 0 || !tee_is_busy(c))
			break;
		nap(RETRY_MS);
	}
	if (r < 0)
		return r;
	return c->stage == TEE_ANSWERED ? 0 : tee_say_failure(c);
}

void tee_child_stop(struct keystore_session *s)
{
	if (s->pid)
		reap(s);
	if (s->call) {
		explicit_bzero(s->call, sizeof(*s->call));
		munmap(s->call, sizeof(*s->call));
	}
	s->call = NULL;
}
