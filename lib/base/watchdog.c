/* SPDX-License-Identifier: Apache-2.0 */
/* Tells systemd's watchdog that work makes progress. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/watchdog.h"

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* 0: not there, or not a number. */
static uint64_t number_from(const char *name)
{
	const char *text = getenv(name);
	char *end;
	uint64_t n;

	if (!text || *text < '0' || *text > '9')
		return 0;
	errno = 0;
	n = strtoull(text, &end, 10);
	return errno || *end ? 0 : n;
}

/* "/path" or "@name", which is in the abstract namespace. */
static int connect_to(const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	size_t len = path ? strlen(path) : 0;
	int fd;

	if (len < 2 || len >= sizeof(to.sun_path) || (*path != '/' && *path != '@'))
		return -1;
	memcpy(to.sun_path, path, len);
	if (*path == '@')
		to.sun_path[0] = 0;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&to,
			       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

void watchdog_open(struct watchdog *w)
{
	uint64_t usec = number_from("WATCHDOG_USEC"), pid = number_from("WATCHDOG_PID");

	w->every_ms = usec / 4000;
	atomic_init(&w->last_ms, 0);
	w->fd = usec && (!getenv("WATCHDOG_PID") || pid == (uint64_t)getpid())
		    ? connect_to(getenv("NOTIFY_SOCKET"))
		    : -1;
}

void watchdog_tick(struct watchdog *w)
{
	static const char message[] = "WATCHDOG=1";
	uint64_t now, last;

	if (w->fd < 0)
		return;
	now = now_ms();
	last = atomic_load(&w->last_ms);
	if (last && now - last < w->every_ms)
		return;
	if (!atomic_compare_exchange_strong(&w->last_ms, &last, now ? now : 1))
		return; /* another thread has just told it */
	(void)!send(w->fd, message, sizeof(message) - 1, MSG_NOSIGNAL);
}

void watchdog_close(struct watchdog *w)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
}
