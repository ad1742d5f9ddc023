/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated board: a process that is the secure world, and the way from the client there. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keystore/tee/call.h"
#include "lib/gp-private.h"

#define CONNECTIONS  8
#define OPEN_SESSION UINT32_MAX /* as a command */

static pid_t world;
static struct sockaddr_un address;
static socklen_t address_len;

struct gp_board *gp_board_new(const char *dir)
{
	struct gp_board *b =
	    mmap(NULL, sizeof(*b), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char path[512];

	if (b == MAP_FAILED)
		abort();
	*b = (struct gp_board){.dir = dir, .huk = 1};
	snprintf(path, sizeof(path), "%s/rpmb", dir);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/ree", dir);
	mkdir(path, 0700);
	return b;
}

/* --- the secure world --- */

/* As OP-TEE passes them: buffers of exactly that size, with nothing after them. */
static TEE_Result enter(struct tee_call *c)
{
	const uint32_t types =
	    TEE_PARAM_TYPES(TEE_PARAM_TYPE_MEMREF_INPUT, TEE_PARAM_TYPE_MEMREF_OUTPUT,
			    TEE_PARAM_TYPE_VALUE_INPUT, TEE_PARAM_TYPE_VALUE_OUTPUT);
	uint8_t *in = malloc(c->in_len ? c->in_len : 1), *out = malloc(c->out_len ? c->out_len : 1);
	TEE_Param p[TEE_NUM_PARAMS] = {
	    {.memref = {in, c->in_len}},
	    {.memref = {out, c->out_len}},
	    {.value = {c->storage, c->flags}},
	};
	TEE_Result r;

	if (!in || !out)
		abort();
	memcpy(in, c->in, c->in_len);
	memset(out, 0xee, c->out_len);
	r = TA_InvokeCommandEntryPoint(NULL, c->command, types, p);
	gp_check_handles();
	memcpy(c->out, out, c->out_len);
	c->verdict = p[3].value.a;
	c->why = p[3].value.b;
	free(in);
	free(out);
	return r;
}

static void serve(struct tee_call *c)
{
	static bool dead;
	TEE_Param p[TEE_NUM_PARAMS] = {0};
	void *session;

	c->origin = 3;
	if (c->command == OPEN_SESSION) {
		c->stage = TEE_AT_SESSION;
		c->result = gp_board->absent ? TEE_ERROR_ITEM_NOT_FOUND
			    : dead           ? TEE_ERROR_TARGET_DEAD
					     : TA_OpenSessionEntryPoint(0, p, &session);
		return;
	}
	c->stage = TEE_AT_COMMAND;
	if (!dead && setjmp(gp_panic) == 0) {
		c->result = enter(c);
		c->origin = 4;
	} else {
		dead = true; /* TA_FLAG_INSTANCE_KEEP_CRASHED */
		c->result = TEE_ERROR_TARGET_DEAD;
	}
	if (c->result == TEE_SUCCESS)
		c->stage = TEE_ANSWERED;
}

static void answer(struct pollfd *from)
{
	struct tee_call c;

	if (recv(from->fd, &c, sizeof(c), MSG_WAITALL) == (ssize_t)sizeof(c)) {
		serve(&c);
		send(from->fd, &c, sizeof(c), MSG_NOSIGNAL);
		return;
	}
	close(from->fd);
	from->fd = -1;
}

static _Noreturn void run_world(int listening)
{
	struct pollfd fds[CONNECTIONS];

	for (int i = 0; i < CONNECTIONS; i++)
		fds[i] = (struct pollfd){.fd = -1, .events = POLLIN};
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that failed leaves no board running */
	fds[0].fd = listening;
	if (TA_CreateEntryPoint() != TEE_SUCCESS)
		_exit(1);
	for (;;) {
		if (poll(fds, CONNECTIONS, -1) < 0)
			continue;
		for (int i = 1; i < CONNECTIONS; i++) {
			if (fds[i].fd >= 0 && fds[i].revents)
				answer(&fds[i]);
		}
		for (int i = 1; i < CONNECTIONS && fds[0].revents; i++) {
			if (fds[i].fd >= 0)
				continue;
			fds[i].fd = accept(listening, NULL, NULL);
			fds[i].revents = 0;
			break;
		}
	}
}

void gp_boot(struct gp_board *b)
{
	static unsigned boots;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	gp_power_off();
	gp_board = b;
	b->operations = 0;
	b->lost_power = false;
	address = (struct sockaddr_un){.sun_family = AF_UNIX};
	address_len =
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
			(size_t)snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1,
					 "holdfast-gp-%d-%u", (int)getpid(), boots++));
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, address_len) < 0 ||
	    listen(fd, CONNECTIONS) < 0)
		abort();
	world = fork();
	if (world == 0)
		run_world(fd);
	close(fd);
	if (world < 0)
		abort();
}

void gp_power_off(void)
{
	if (!world)
		return;
	kill(world, SIGKILL);
	waitpid(world, NULL, 0);
	world = 0;
}

void gp_board_here(struct gp_board *b)
{
	gp_board = b;
}

/* --- the way there: in the client's child --- */

static int connection = -1;

static void call(struct tee_call *c)
{
	ssize_t n = send(connection, c, sizeof(*c), MSG_NOSIGNAL);

	if (n == (ssize_t)sizeof(*c))
		n = recv(connection, c, sizeof(*c), MSG_WAITALL);
	if (n != (ssize_t)sizeof(*c))
		_exit(2); /* the power is gone: for us, too */
}

static bool connect_to_world(struct tee_call *c)
{
	uint32_t command = c->command;

	strcpy(c->device, "/dev/tee0");
	connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(connection, (struct sockaddr *)&address, address_len) < 0) {
		c->stage = TEE_AT_DEVICE;
		c->error = ENOENT;
		return false;
	}
	c->command = OPEN_SESSION;
	call(c);
	c->command = command;
	return c->result == TEE_SUCCESS;
}

static const char *hung(void)
{
	return gp_board->no_supplicant ? "tee-supplicant is not running" : NULL;
}

struct tee_transport gp_transport = {
    .open = connect_to_world,
    .invoke = call,
    .hung = hung,
    .limit_ms = 10000,
};
