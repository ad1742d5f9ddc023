/* SPDX-License-Identifier: Apache-2.0 */
/* swtpm, started and stopped. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/swtpm.h"

static int try_bind(int port)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_port = htons((uint16_t)port),
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
		close(fd);
		return -1;
	}
	close(fd);
	return 0;
}

static bool answers(int port)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_port = htons((uint16_t)port),
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok = connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0;

	close(fd);
	return ok;
}

static void run(struct swtpm *t)
{
	const struct timespec pause = {.tv_nsec = 5000000};
	char state[80], server[96], ctrl[96];

	snprintf(state, sizeof(state), "dir=%s", t->dir);
	snprintf(server, sizeof(server), "type=tcp,port=%d,bindaddr=127.0.0.1,disconnect", t->port);
	snprintf(ctrl, sizeof(ctrl), "type=tcp,port=%d,bindaddr=127.0.0.1", t->port + 1);
	t->pid = fork();
	if (t->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execlp("swtpm", "swtpm", "socket", "--tpm2", "--tpmstate", state, "--server",
		       server, "--ctrl", ctrl, "--flags", "not-need-init,startup-clear",
		       "--seccomp", "action=none", NULL);
		_exit(127);
	}
	for (int i = 0; i < 2000; i++) {
		if (answers(t->port + 1))
			return;
		if (waitpid(t->pid, NULL, WNOHANG) == t->pid)
			break;
		nanosleep(&pause, NULL);
	}
	fprintf(stderr, "swtpm does not start; install it (tools/packages test)\n");
	abort();
}

void swtpm_start(struct swtpm *t)
{
	snprintf(t->dir, sizeof(t->dir), "/tmp/holdfast-tpm.XXXXXX");
	if (!mkdtemp(t->dir))
		abort();
	t->port = 20000 + (int)(getpid() % 15000) * 2;
	while (try_bind(t->port) < 0 || try_bind(t->port + 1) < 0)
		t->port = t->port > 60000 ? 20000 : t->port + 2;
	snprintf(t->tcti, sizeof(t->tcti), "swtpm:host=127.0.0.1,port=%d", t->port);
	run(t);
}

static void halt(struct swtpm *t)
{
	kill(t->pid, SIGTERM);
	waitpid(t->pid, NULL, 0);
}

void swtpm_reset(struct swtpm *t)
{
	halt(t);
	run(t);
}

void swtpm_stop(struct swtpm *t)
{
	char path[96];

	halt(t);
	snprintf(path, sizeof(path), "%s/tpm2-00.permall", t->dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/.lock", t->dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/tpm2-00.volatilestate", t->dir);
	unlink(path);
	rmdir(t->dir);
}
