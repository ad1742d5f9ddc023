/* SPDX-License-Identifier: Apache-2.0 */
/* The watchdog's messages, against a socket that stands for the service manager's. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/watchdog.h"
#include "lib/check.h"

static int manager = -1;
static char path[64];

/* @name: "/path" or "@abstract". */
static void listen_at(const char *name)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));

	memcpy(at.sun_path, name, strlen(name));
	if (*name == '@')
		at.sun_path[0] = 0;
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_true(manager >= 0);
	assert_int_equal(bind(manager, (struct sockaddr *)&at, len), 0);
	setenv("NOTIFY_SOCKET", name, 1);
}

static int set_up(void **state)
{
	snprintf(path, sizeof(path), "/tmp/holdfast-watchdog-%d", (int)getpid());
	listen_at(path);
	setenv("WATCHDOG_USEC", "400000", 1); /* told every 100 ms */
	unsetenv("WATCHDOG_PID");
	return 0;
}

static int tear_down(void **state)
{
	close(manager);
	unlink(path);
	return 0;
}

static void assert_heard(const char *message)
{
	char got[64];
	ssize_t n = recv(manager, got, sizeof(got), 0);

	if (!message) {
		assert_int_equal(n, -1);
		assert_int_equal(errno, EAGAIN);
		return;
	}
	assert_int_equal(n, strlen(message));
	assert_memory_equal(got, message, strlen(message));
}

static void assert_nobody_watches(void)
{
	struct watchdog w;

	watchdog_open(&w);
	assert_int_equal(w.fd, -1);
	watchdog_tick(&w);
	watchdog_close(&w);
	assert_heard(NULL);
}

static void work_that_gets_on_is_told(void **state)
{
	struct watchdog w;

	watchdog_open(&w);
	assert_heard(NULL); /* opening alone is no progress */
	watchdog_tick(&w);
	assert_heard("WATCHDOG=1");
	watchdog_close(&w);
}

static void it_is_told_every_quarter_of_the_time(void **state)
{
	struct watchdog w;

	watchdog_open(&w);
	assert_int_equal(w.every_ms, 100);
	for (int i = 0; i < 1000; i++)
		watchdog_tick(&w);
	assert_heard("WATCHDOG=1");
	assert_heard(NULL);
	usleep(110 * 1000);
	watchdog_tick(&w);
	assert_heard("WATCHDOG=1");
	watchdog_close(&w);
}

static void an_abstract_socket_is_found(void **state)
{
	char name[64];
	struct watchdog w;

	close(manager);
	snprintf(name, sizeof(name), "@holdfast-watchdog-%d", (int)getpid());
	listen_at(name);
	watchdog_open(&w);
	watchdog_tick(&w);
	assert_heard("WATCHDOG=1");
	watchdog_close(&w);
}

static void a_watchdog_of_another_process_is_not_ours(void **state)
{
	struct watchdog w;
	char pid[16];

	setenv("WATCHDOG_PID", "1", 1);
	assert_nobody_watches();
	setenv("WATCHDOG_PID", "", 1);
	assert_nobody_watches();
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("WATCHDOG_PID", pid, 1);
	watchdog_open(&w);
	watchdog_tick(&w);
	assert_heard("WATCHDOG=1");
	watchdog_close(&w);
}

static void without_a_time_or_a_socket_nobody_watches(void **state)
{
	static const char *const times[] = {"",   "0",       "soon",
					    "-1", "400000x", "99999999999999999999999"};
	static const char *const sockets[] = {"", "/", "relative", "vsock:2:1234",
					      "/nonexistent/notify"};

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		setenv("WATCHDOG_USEC", times[i], 1);
		assert_nobody_watches();
	}
	unsetenv("WATCHDOG_USEC");
	assert_nobody_watches();
	setenv("WATCHDOG_USEC", "400000", 1);
	for (size_t i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++) {
		setenv("NOTIFY_SOCKET", sockets[i], 1);
		assert_nobody_watches();
	}
	unsetenv("NOTIFY_SOCKET");
	assert_nobody_watches();
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(work_that_gets_on_is_told),
	    TEST(it_is_told_every_quarter_of_the_time),
	    TEST(an_abstract_socket_is_found),
	    TEST(a_watchdog_of_another_process_is_not_ours),
	    TEST(without_a_time_or_a_socket_nobody_watches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
