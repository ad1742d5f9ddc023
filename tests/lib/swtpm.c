/* SPDX-License-Identifier: Apache-2.0 */
/* Starts and stops swtpm. */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/check.h"
#include "lib/swtpm.h"

static void run(const struct swtpm *t)
{
	char state[160], server[192], ctrl[192];

	snprintf(state, sizeof(state), "dir=%s", t->dir);
	snprintf(server, sizeof(server), "type=unixio,path=%s/sock", t->dir);
	snprintf(ctrl, sizeof(ctrl), "type=unixio,path=%s/sock.ctrl", t->dir);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!freopen("/dev/null", "w", stderr))
		_exit(126);
	execlp("swtpm", "swtpm", "socket", "--tpm2", "--tpmstate", state, "--server", server,
	       "--ctrl", ctrl, "--flags", "not-need-init,startup-clear", NULL);
	_exit(127);
}

/* The socket is there before anybody listens. */
static bool answers(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok;

	snprintf(a.sun_path, sizeof(a.sun_path), "%.107s", path);
	ok = connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0;
	close(fd);
	return ok;
}

static void boot(struct swtpm *t)
{
	char sock[192], ctrl[192];
	bool up = false;

	snprintf(sock, sizeof(sock), "%s/sock", t->dir);
	snprintf(ctrl, sizeof(ctrl), "%s/sock.ctrl", t->dir);
	unlink(sock);
	unlink(ctrl);
	t->pid = fork();
	assert_true(t->pid >= 0);
	if (t->pid == 0)
		run(t);
	for (int i = 0; i < 1500 && !up; i++) {
		up = answers(ctrl) && answers(sock);
		if (!up)
			usleep(10000);
	}
	assert_true(up);
}

void swtpm_start(struct swtpm *t, const char *dir)
{
	snprintf(t->dir, sizeof(t->dir), "%s", dir);
	snprintf(t->tcti, sizeof(t->tcti), "swtpm:path=%s/sock", dir);
	mkdir(dir, 0700);
	boot(t);
}

void swtpm_stop(struct swtpm *t)
{
	kill(t->pid, SIGKILL);
	waitpid(t->pid, NULL, 0);
}

void swtpm_power_cycle(struct swtpm *t)
{
	swtpm_stop(t);
	boot(t);
}

void swtpm_forgive(const struct swtpm *t)
{
	char command[256];

	snprintf(command, sizeof(command), "tpm2_dictionarylockout -T '%s' -c", t->tcti);
	assert_int_equal(system(command), 0);
}
