/* SPDX-License-Identifier: Apache-2.0 */
/* Keystore tee when the TEE, its storage or the way there does not work: told apart, and bounded.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "keystore/tee/kernel.h"
#include "keystore/tee/say.h"
#include "lib/check.h"
#include "lib/refused.h"
#include "lib/tee-bench.h"

static struct tee_bench b;

static int set_up(void **state)
{
	tee_bench_new(&b, "");
	return 0;
}

static int tear_down(void **state)
{
	tee_bench_free(&b);
	return 0;
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void no_device_and_no_application_are_told_apart(void **state)
{
	char text[1024];

	gp_power_off();
	assert_null(tee_bench_session(&b));
	assert_int_equal(tee_bench_said(text), DIAG_KEYSTORE_MISSING);
	assert_non_null(strstr(text, "there is no TEE"));
	b.board->absent = true;
	gp_boot(b.board);
	assert_null(tee_bench_session(&b));
	assert_int_equal(tee_bench_said(text), DIAG_KEYSTORE_MISSING);
	assert_non_null(strstr(text, "does not find the trusted"));
}

/* Hangs for ever, as in the kernel; the watchdog ends it, and nothing is left of the child. */
static void a_missing_supplicant_is_found_out(void **state)
{
	char text[1024];
	double begun;

	tee_bench_options(&b, "storage = \"ree\"");
	assert_non_null(tee_bench_session(&b));
	b.board->no_supplicant = true;
	gp_transport.limit_ms = 300;
	begun = seconds();
	assert_int_equal(tee_bench_prepare(&b), -ETIMEDOUT);
	assert_true(seconds() - begun < 2);
	assert_int_equal(tee_bench_said(text), DIAG_KEYSTORE_MISSING);
	assert_non_null(strstr(text, "tee-supplicant is not running"));
	assert_int_equal(waitpid(-1, NULL, WNOHANG), 0); /* only the board is left */
	/* The session is gone, and says so; a new one works when the supplicant does. */
	assert_refused(tee_bench_prepare(&b), DIAG_KEYSTORE_FAILED);
	b.board->no_supplicant = false;
	tee_bench_reboot(&b);
	assert_ok(tee_bench_prepare(&b));
}

static void cancelling_ends_a_call(void **state)
{
	atomic_bool cancelled = false;

	tee_bench_options(&b, "storage = \"ree\"");
	assert_non_null(tee_bench_session(&b));
	b.board->no_supplicant = true;
	cancelled = true;
	b.env.cancel = &cancelled;
	assert_int_equal(tee_bench_prepare(&b), -ECANCELED);
	assert_int_equal(tee_bench_code(), DIAG_SIGNAL);
}

/* A crash must not unlock: the instance stays dead until the next boot. */
static void a_crash_of_the_application_is_told_and_unlocks_nothing(void **state)
{
	struct tee_sealed c;
	char text[1024];

	assert_ok(tee_bench_prepare(&b));
	assert_ok(tee_bench_seal(&b, false, &c));
	b.board->storage_panics = true;
	assert_int_equal(tee_bench_count(&b), -EIO);
	assert_non_null(strstr(diag_get(0)->state, "NOT ERASED"));
	assert_int_equal(tee_bench_said(text), DIAG_KEYSTORE_FAILED);
	assert_non_null(strstr(text, "stopped the trusted application"));
	b.board->storage_panics = false;
	assert_refused(tee_bench_open(&b, &c), DIAG_KEYSTORE_FAILED);
	tee_bench_end(&b);
	assert_null(tee_bench_session(&b));
	assert_int_equal(tee_bench_code(), DIAG_KEYSTORE_FAILED);
	tee_bench_reboot(&b);
	assert_ok(tee_bench_open(&b, &c));
}

static void storage_that_is_not_there_or_full_is_told(void **state)
{
	struct tee_sealed c;

	b.board->rpmb_dead = true;
	assert_int_equal(tee_bench_prepare(&b), -ENODEV);
	assert_non_null(strstr(diag_get(0)->next, "storage = \"ree\""));
	assert_int_equal(tee_bench_code(), DIAG_KEYSTORE_MISSING);
	b.board->rpmb_dead = false;
	b.board->no_rpmb = true;
	assert_int_equal(tee_bench_prepare(&b), -ENODEV);
	assert_non_null(strstr(diag_get(0)->next, "storage = \"ree\""));
	assert_int_equal(tee_bench_code(), DIAG_KEYSTORE_MISSING);
	b.board->no_rpmb = false;
	b.board->storage_fails = 0xffff3041;
	assert_int_equal(tee_bench_prepare(&b), -ENOSPC);
	assert_int_equal(tee_bench_code(), DIAG_KEYSTORE_FAILED);
	b.board->storage_fails = 0;
	assert_ok(tee_bench_prepare(&b));
	assert_ok(tee_bench_seal(&b, false, &c));
	b.board->storage_fails = 0xffff0003; /* tried several times */
	assert_int_equal(tee_bench_count(&b), -EBUSY);
	assert_int_equal(tee_bench_code(), DIAG_KEYSTORE_BUSY);
	b.board->storage_fails = 0xf0100003;
	assert_refused(tee_bench_count(&b), DIAG_KEYSTORE_MISSING);
	b.board->storage_fails = 0;
	assert_ok(tee_bench_open(&b, &c));
}

/* Stage, result, origin → code, and a word of the text. */
static void every_result_has_its_code(void **state)
{
	static const struct {
		uint32_t stage, result, origin;
		int error, expected;
		enum diag_code code;
		const char *word;
	} cases[] = {
	    {TEE_AT_DEVICE, 0, 0, ENOENT, ENODEV, DIAG_KEYSTORE_MISSING, "no TEE"},
	    {TEE_AT_DEVICE, 0, 0, EACCES, EACCES, DIAG_PERMISSION, "Permission denied"},
	    {TEE_AT_DEVICE, 0, 0, EBUSY, EBUSY, DIAG_KEYSTORE_BUSY, "busy"},
	    {TEE_AT_DEVICE, 0, 0, EOPNOTSUPP, ENODEV, DIAG_KEYSTORE_MISSING, "GlobalPlatform"},
	    {TEE_AT_SESSION, 0, 0, EINVAL, EINVAL, DIAG_KEYSTORE_FAILED, "kernel's TEE driver"},
	    {TEE_AT_SESSION, 0xffff0008, 3, 0, ENOENT, DIAG_KEYSTORE_MISSING, "does not find"},
	    {TEE_AT_SESSION, 0xffff000f, 3, 0, EPERM, DIAG_KEYSTORE_MISSING, "not signed"},
	    {TEE_AT_SESSION, 0xf0100001, 3, 0, EIO, DIAG_KEYSTORE_FAILED, "storage is damaged"},
	    {TEE_AT_COMMAND, 0xffff3024, 3, 0, EIO, DIAG_KEYSTORE_FAILED, "stopped"},
	    {TEE_AT_COMMAND, 0xffff000c, 2, 0, ENOMEM, DIAG_KEYSTORE_BUSY, "out of memory"},
	    {TEE_AT_COMMAND, 0xffff000d, 3, 0, EBUSY, DIAG_KEYSTORE_BUSY, "busy"},
	    {TEE_AT_COMMAND, 0xffff000e, 2, 0, ENOTCONN, DIAG_KEYSTORE_MISSING, "normal world"},
	    {TEE_AT_COMMAND, 0xffff0006, 4, 0, EPROTO, DIAG_KEYSTORE_FAILED, "another version"},
	    {TEE_AT_COMMAND, 0xffff0000, 3, 0, EIO, DIAG_KEYSTORE_FAILED, "generic error"},
	    {TEE_AT_COMMAND, 0x12345678, 9, 0, EIO, DIAG_KEYSTORE_FAILED, "unknown place"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tee_call c = {.stage = cases[i].stage,
				     .result = cases[i].result,
				     .origin = cases[i].origin,
				     .error = cases[i].error,
				     .device = "/dev/tee0"};
		char text[1024];

		assert_int_equal(tee_say_failure(&c), -cases[i].expected);
		assert_int_equal(tee_bench_said(text), cases[i].code);
		assert_non_null(strstr(text, cases[i].word));
	}
}

static void every_verdict_has_its_code(void **state)
{
	static const enum diag_code codes[] = {
	    [TA_LOCKED] = DIAG_KEYSTORE_BUSY,
	    [TA_NOT_PREPARED] = DIAG_KEYSTORE_ERASED,
	    [TA_STORAGE] = DIAG_KEYSTORE_FAILED,
	    [TA_TROUBLE] = DIAG_KEYSTORE_FAILED,
	    [TA_FOREIGN] = DIAG_KEYSTORE_FOREIGN,
	    [TA_FORGED] = DIAG_TAMPERED,
	    [TA_RENEWED] = DIAG_KEYSTORE_ERASED,
	    [TA_ERASED] = DIAG_KEYSTORE_ERASED,
	    [TA_ROTATED] = DIAG_KEYSTORE_ERASED,
	    [TA_WAITING] = DIAG_VAULT_OLD,
	    [TA_AHEAD] = DIAG_KEYSTORE_UNTRUSTED,
	    [TA_VERDICTS] = DIAG_KEYSTORE_UNTRUSTED,
	    [TA_VERDICTS + 1] = DIAG_KEYSTORE_UNTRUSTED,
	};

	for (uint32_t verdict = TA_DONE + 1; verdict < TA_VERDICTS + 2; verdict++) {
		struct tee_call c = {.stage = TEE_ANSWERED, .verdict = verdict, .why = 0xffff0000};

		assert_refused(tee_say_verdict(&c), codes[verdict]);
	}
}

/* --- a secure world, or a kernel, that lies --- */

static uint8_t junk, locked_says, state_says;

static bool lie_open(struct tee_call *c)
{
	c->result = 0;
	return true;
}

static void lie(struct tee_call *c)
{
	c->stage = TEE_ANSWERED;
	c->verdict = TA_DONE;
	memset(c->out, junk, sizeof(c->out));
	if (c->command == TA_INFO) {
		memset(c->out, 0, sizeof(c->out));
		c->out[0] = TA_PROTOCOL;
		c->out[4] = locked_says;
		memset(c->out + 40, 0xff, 96); /* unended, unprintable names */
	}
	if (c->command == TA_STATE && state_says) {
		memset(c->out, 0, sizeof(c->out));
		c->out[state_says] = 2; /* neither anchored nor not; or what has to be zero */
	}
}

static void lies_are_not_believed(void **state)
{
	static const struct tee_transport liar = {lie_open, lie, NULL, 1000, false};
	struct tee_sealed c;

	tee_transport = &liar;
	assert_non_null(tee_bench_session(&b));
	assert_int_equal(strlen(b.s->hardware), sizeof(b.s->hardware) - 31);
	for (int i = 0; i < 256; i += 51) {
		junk = (uint8_t)i;
		tee_bench_end(&b);
		assert_refused(tee_bench_count(&b), DIAG_KEYSTORE_UNTRUSTED);
		assert_refused(tee_bench_seal(&b, false, &c), DIAG_TAMPERED);
	}
	for (int i = 16; i < 24; i++) {
		struct keystore_state now;

		state_says = (uint8_t)i; /* the child is forked with it */
		tee_bench_end(&b);
		assert_refused(tee_bench_state(&b, &now), DIAG_KEYSTORE_UNTRUSTED);
	}
	state_says = 0;
	tee_bench_end(&b);
	locked_says = 2;
	assert_null(tee_bench_session(&b));
	assert_int_equal(tee_bench_code(), DIAG_KEYSTORE_UNTRUSTED);
	locked_says = 0;
	tee_transport = &gp_transport;
}

/* --- devices --- */

static void devices_are_told_apart(void **state)
{
	char pattern[80], path[96], device[32];
	pid_t child;
	int fd, status;

	snprintf(pattern, sizeof(pattern), "/tmp/hf%d", (int)getpid());
	assert_int_equal(tee_kernel_device(pattern, device), -ENOENT);
	snprintf(path, sizeof(path), "%s3", pattern);
	fd = open(path, O_CREAT | O_RDWR, 0600);
	close(fd);
	assert_int_equal(tee_kernel_device(pattern, device), -EOPNOTSUPP); /* answers no ioctl */
	assert_string_equal(device, path);
	child = fork();
	if (child == 0)
		_exit(setuid(65534) < 0 && getuid() == 0
			  ? 1
			  : tee_kernel_device(pattern, device) != (getuid() ? -EACCES : 0));
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
	unlink(path);
}

/* --- what is left behind --- */

static unsigned open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void nothing_is_left_over_a_hundred_sessions(void **state)
{
	unsigned before = open_descriptors();
	struct tee_sealed c;

	assert_ok(tee_bench_prepare(&b));
	for (int i = 0; i < 100; i++) {
		assert_ok(tee_bench_seal(&b, false, &c));
		assert_ok(tee_bench_open(&b, &c));
		tee_bench_end(&b);
	}
	assert_int_equal(open_descriptors(), before);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), 0); /* no zombie; the board runs */
}

/* The flags of the mapping that @address is in, as /proc/self/smaps has them. */
static void flags_of(const void *address, char ret[static 256])
{
	FILE *f = fopen("/proc/self/smaps", "r");
	unsigned long from, to;
	char line[512];
	bool in = false;

	ret[0] = 0;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			in = (uintptr_t)address >= from && (uintptr_t)address < to;
		if (in && strncmp(line, "VmFlags:", 8) == 0)
			snprintf(ret, 256, "%.200s", line);
	}
	fclose(f);
}

static void the_shared_page_is_locked_kept_from_dumps_and_wiped(void **state)
{
	static const uint8_t zero[sizeof(struct tee_call)];
	struct tee_sealed c;
	char flags[256];

	assert_ok(tee_bench_prepare(&b));
	assert_ok(tee_bench_seal(&b, false, &c));
	assert_memory_equal(b.s->call->out, zero, sizeof(b.s->call->out));
	assert_ok(tee_bench_open(&b, &c));
	assert_memory_equal(b.s->call->out, zero, sizeof(b.s->call->out));
	assert_memory_equal(b.s->call->in, zero, sizeof(b.s->call->in));
	flags_of(b.s->call, flags);
	assert_non_null(strstr(flags, " dd")); /* MADV_DONTDUMP */
	assert_non_null(strstr(flags, " dc")); /* MADV_DONTFORK */
#ifndef __SANITIZE_ADDRESS__                   /* makes mlock() do nothing */
	assert_non_null(strstr(flags, " lo"));
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	    T(no_device_and_no_application_are_told_apart),
	    T(a_missing_supplicant_is_found_out),
	    T(cancelling_ends_a_call),
	    T(a_crash_of_the_application_is_told_and_unlocks_nothing),
	    T(storage_that_is_not_there_or_full_is_told),
	    T(every_result_has_its_code),
	    T(every_verdict_has_its_code),
	    T(lies_are_not_believed),
	    T(devices_are_told_apart),
	    T(nothing_is_left_over_a_hundred_sessions),
	    T(the_shared_page_is_locked_kept_from_dumps_and_wiped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
