/* SPDX-License-Identifier: Apache-2.0 */
/* Devices: files, windows, memory; failures recorded; workers; programs; secrets. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/env.h"
#include "base/file.h"
#include "base/io.h"
#include "base/pool.h"
#include "base/secret.h"
#include "base/spawn.h"
#include "base/text.h"
#include "lib/check.h"

static atomic_bool cancelled;
static struct progress progress;
static struct env env = {.cancel = &cancelled, .progress = &progress, .work_dir = "/tmp"};

static void a_device_refuses_ranges_beyond_its_end(void **state)
{
	struct io *io;
	uint8_t buf[16];

	assert_ok(io_open_memory("m", 100, &io));
	assert_int_equal(io_read(io, buf, 16, 84), 0);
	assert_int_equal(io_read(io, buf, 16, 85), -EIO);
	assert_int_equal(io_write(io, buf, 1, UINT64_MAX), -EIO);
	assert_int_equal(io_zero(io, 50, 51), -EIO);
	io->read_only = true;
	assert_int_equal(io_write(io, buf, 1, 0), -EROFS);
	io_close(io);
}

static void a_window_is_a_device_of_its_own(void **state)
{
	struct io *io, *window, *beyond = NULL;
	uint8_t *bytes, buf[4];

	assert_ok(io_open_memory("m", 100, &io));
	bytes = io_memory_bytes(io);
	assert_ok(io_open_window(io, "w", 10, 20, &window));
	assert_ok(io_write(window, "abcd", 4, 16));
	assert_memory_equal(bytes + 26, "abcd", 4);
	assert_int_equal(io_write(window, "abcd", 4, 17), -EIO);
	memset(bytes, 0xee, 100);
	assert_int_equal(io_zero(window, 2, 3), 0);
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(bytes[i], i >= 12 && i < 15 ? 0 : 0xee);
	assert_int_equal(io_write(window, "abcd", 4, 16), 0);
	assert_ok(io_read(window, buf, 4, 16));
	assert_int_equal(io_open_window(io, "w", 90, 20, &beyond), -ERANGE);
	assert_int_equal(diag_get(diag_count() - 1)->code, DIAG_TARGET_SIZE);
	diag_forget(0);
	io_close(window);
	io_close(io);
}

static void a_work_file_is_sparse_and_has_no_name(void **state)
{
	struct io *io, *copy;
	uint64_t len;
	bool data;
	char buf[5];

	assert_ok(env_work_file(&env, "work", 10 << 20, &io));
	assert_ok(io_write(io, "hello", 5, 5 << 20));
	assert_ok(io_extent(io, 0, &data, &len));
	assert_false(data);
	assert_int_equal(len, 5 << 20);
	assert_ok(io_open_memory("copy", 10 << 20, &copy));
	memset(io_memory_bytes(copy), 0xff, 10 << 20);
	assert_ok(io_copy(io, 0, copy, 0, 10 << 20, false, &env));
	assert_ok(io_read(copy, buf, 5, 5 << 20));
	assert_memory_equal(buf, "hello", 5);
	assert_ok(io_read(copy, buf, 5, 0));
	assert_memory_equal(buf, "\0\0\0\0\0", 5);
	io_close(copy);
	io_close(io);
}

static void a_lock_is_held_once(void **state)
{
	char path[] = "/tmp/holdfast-lock-XXXXXX";
	int fd = mkstemp(path);
	struct io *first, *second;

	assert_ok(io_open_file(path, IO_WRITE | IO_LOCK, &first));
	assert_int_equal(io_open_file(path, IO_LOCK, &second), -EWOULDBLOCK);
	assert_int_equal(diag_get(0)->code, DIAG_BUSY);
	diag_forget(0);
	io_close(first);
	assert_ok(io_open_file(path, IO_LOCK, &first));
	assert_ok(io_open_file(path, IO_LOCK, &second));
	io_close(first);
	io_close(second);
	close(fd);
	unlink(path);
}

static void what_is_no_target_is_told(void **state)
{
	struct io *io;

	assert_int_equal(io_open_file("/tmp", 0, &io), -ENOTBLK);
	assert_int_equal(io_open_file("/dev/null", 0, &io), -ENOTBLK);
	assert_int_equal(io_open_file("/nonexistent/x", 0, &io), -ENOENT);
	assert_int_equal(diag_count(), 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(diag_get(i)->code, DIAG_NO_TARGET);
	diag_forget(0);
}

static void scopes_are_said_with_failures(void **state)
{
	DIAG_SCOPE("volume %s", "root");
	{
		DIAG_SCOPE("layer %s", "verity");
		assert_int_equal(diag_fail(DIAG_TAMPERED, EUCLEAN, "block %d", 7), -EUCLEAN);
		diag_state("so");
		diag_next("that");
	}
	diag_fail(DIAG_IO, 0, "x");
	assert_string_equal(diag_get(0)->scope, "volume root: layer verity");
	assert_string_equal(diag_get(0)->text, "block 7");
	assert_string_equal(diag_get(0)->next, "that");
	assert_string_equal(diag_get(1)->scope, "volume root");
	assert_int_equal(diag_code_outcome(DIAG_TAMPERED), OUTCOME_UNVERIFIED);
	diag_forget(1);
	assert_int_equal(diag_count(), 1);
	diag_forget(0);
}

struct sum {
	_Atomic uint64_t pieces, total;
	uint64_t fail_at;
};

static int add_piece(void *ctx, uint64_t piece, unsigned worker)
{
	struct sum *s = ctx;

	atomic_fetch_add(&s->pieces, 1);
	atomic_fetch_add(&s->total, piece);
	return s->fail_at && piece == s->fail_at ? -EIO : 0;
}

static void a_pool_does_every_piece_once(void **state)
{
	for (unsigned workers = 1; workers < 5; workers++) {
		struct sum s = {0};
		struct pool *pool;

		assert_ok(pool_new(workers, &pool));
		assert_int_equal(pool_workers(pool), workers);
		assert_ok(pool_run(pool, 10, 1010, add_piece, &s, &cancelled));
		assert_int_equal(s.pieces, 1000);
		assert_int_equal(s.total, 1000 * (10 + 1009) / 2);
		s = (struct sum){.fail_at = 50};
		assert_int_equal(pool_run(pool, 0, 1000000, add_piece, &s, &cancelled), -EIO);
		assert_true(s.pieces < 1000000);
		atomic_store(&cancelled, true);
		assert_int_equal(pool_run(pool, 0, 10, add_piece, &s, &cancelled), -ECANCELED);
		atomic_store(&cancelled, false);
		assert_ok(pool_run(pool, 5, 5, add_piece, &s, &cancelled));
		pool_free(pool);
	}
}

static void a_program_is_run(void **state)
{
	char output[64];
	const char *argv[] = {"sh", "-c", "echo out; echo \"$X\"; echo err >&2; exit $S", NULL};
	const char *good[] = {"X=value", "S=0", NULL}, *bad[] = {"S=3", NULL};
	struct spawn s = {
	    .argv = argv, .set_env = good, .output = output, .output_size = sizeof(output)};
	const char *nothing[] = {"no-such-program-anywhere", NULL};

	assert_ok(spawn_run(&env, &s));
	assert_string_equal(output, "out\nvalue\n");
	s.set_env = bad;
	assert_int_equal(spawn_status(&env, &s), 3);
	assert_int_equal(spawn_run(&env, &s), -EIO);
	assert_non_null(strstr(diag_get(0)->text, "status 3: err"));
	s.argv = nothing;
	assert_int_equal(spawn_run(&env, &s), -ENOENT);
	assert_int_equal(diag_get(1)->code, DIAG_PROGRAM);
	diag_forget(0);
}

static void a_program_is_stopped(void **state)
{
	const char *argv[] = {"sleep", "60", NULL};
	const struct spawn s = {.argv = argv};

	atomic_store(&cancelled, true);
	assert_int_equal(spawn_run(&env, &s), -ECANCELED);
	atomic_store(&cancelled, false);
	diag_forget(0);
}

static void a_file_is_replaced_at_once(void **state)
{
	char path[] = "/tmp/holdfast-file-XXXXXX", buf[8] = "";
	int fd = mkstemp(path);

	assert_ok(file_write(path, 0644, "new", 3));
	close(fd);
	fd = open(path, O_RDONLY);
	assert_int_equal(read(fd, buf, sizeof(buf)), 3);
	assert_string_equal(buf, "new");
	close(fd);
	unlink(path);
	assert_int_equal(file_write("/nonexistent/file", 0644, "x", 1), -ENOENT);
	diag_forget(0);
}

/* Whoever may write into the directory cannot have prepared what a run makes there. */
static void a_file_that_is_made_is_nobody_elses(void **state)
{
	char dir[] = "/tmp/holdfast-made-XXXXXX", path[64], other[64];
	struct io *io;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/image.part", dir);
	snprintf(other, sizeof(other), "%s/other", dir);
	assert_ok(io_open_file(path, IO_WRITE | IO_CREATE, &io));
	io_close(io);
	assert_ok(io_open_file(path, IO_WRITE | IO_CREATE, &io)); /* of a run that was cut */
	io_close(io);
	assert_int_equal(chmod(path, 0622), 0);
	assert_int_equal(io_open_file(path, IO_WRITE | IO_CREATE, &io), -EEXIST);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(link(path, other), 0);
	assert_int_equal(io_open_file(path, IO_WRITE | IO_CREATE, &io), -EEXIST);
	unlink(path);
	assert_int_equal(symlink(other, path), 0);
	assert_int_equal(io_open_file(path, IO_WRITE | IO_CREATE, &io), -ELOOP);
	assert_int_equal(diag_get(0)->code, DIAG_NO_TARGET);
	unlink(path);
	unlink(other);
	rmdir(dir);
	diag_forget(0);
}

/* An overrun by one byte must fault, and a child must see zeroes. */
static void a_secret_is_guarded(void **state)
{
	struct secret *s;
	int status;
	pid_t pid;

	assert_ok(secret_new(33, &s));
	assert_int_equal(secret_len(s), 33);
	memset(secret_bytes(s), 0x5a, 33);
	pid = fork();
	if (pid == 0)
		_exit(secret_bytes(s)[0] == 0 && secret_bytes(s)[32] == 0 ? 0 : 1);
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	pid = fork();
	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL);
		*(volatile uint8_t *)(secret_bytes(s) + 33) = 1;
		_exit(0);
	}
	waitpid(pid, &status, 0);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	assert_null(secret_free(s));
	assert_null(secret_free(NULL));
}

static void secrets_are_compared_in_every_byte(void **state)
{
	struct secret *a, *b, *shorter;

	assert_int_equal(secret_new(33, &a), 0);
	assert_int_equal(secret_new(33, &b), 0);
	assert_int_equal(secret_new(32, &shorter), 0);
	memset(secret_bytes(a), 0x5a, 33);
	memset(secret_bytes(b), 0x5a, 33);
	memset(secret_bytes(shorter), 0x5a, 32);
	assert_true(secret_equal(a, b));
	assert_false(secret_equal(a, shorter));
	for (size_t i = 0; i < 33; i++) {
		secret_bytes(b)[i] ^= 1;
		assert_false(secret_equal(a, b));
		secret_bytes(b)[i] ^= 1;
	}
	secret_free(a);
	secret_free(b);
	secret_free(shorter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_device_refuses_ranges_beyond_its_end),
	    cmocka_unit_test(a_window_is_a_device_of_its_own),
	    cmocka_unit_test(a_work_file_is_sparse_and_has_no_name),
	    cmocka_unit_test(a_lock_is_held_once),
	    cmocka_unit_test(what_is_no_target_is_told),
	    cmocka_unit_test(scopes_are_said_with_failures),
	    cmocka_unit_test(a_pool_does_every_piece_once),
	    cmocka_unit_test(a_program_is_run),
	    cmocka_unit_test(a_program_is_stopped),
	    cmocka_unit_test(a_file_is_replaced_at_once),
	    cmocka_unit_test(a_file_that_is_made_is_nobody_elses),
	    cmocka_unit_test(a_secret_is_guarded),
	    cmocka_unit_test(secrets_are_compared_in_every_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
