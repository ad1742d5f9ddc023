/* SPDX-License-Identifier: Apache-2.0 */
/* Provisioning and completion, cut at every write and flush, resumed, compared with the uncut run.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/pool.h"
#include "base/text.h"
#include "target/provision.h"
#include "format/vault.h"
#include "layer/registry.h"
#include "lib/check.h"
#include "lib/fault-io.h"
#include "medium/registry.h"

#define SEEDS 3 /* power losses a cut point */

static const struct kinds kinds = {
    .layers = layer_registry, .media = medium_registry, .host_architecture = "x86-64"};
static struct fault_plan faults;
static uint64_t seed;
static char dir[64];

static struct io *wrap(struct io *io)
{
	struct io *f = fault_wrap(io, &faults);

	fault_set_seed(f, seed);
	return f;
}

static int no_random(void *buf, size_t len)
{
	memset(buf, 7, len);
	return 0;
}

static void write_file(const char *name, const void *bytes, size_t len)
{
	FILE *f = fopen(name, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	fclose(f);
}

static const char layout_text[] =
    "device \"crash\" { seed = \"5c0d3f3e-1111-4222-8333-444455556666\" }\n"
    "medium \"m\" { align = 64K }\n"
    "vault { size = 1M }\n"
    "volume \"boot\" { partition { in-table = false offset = 32K size = 64K }\n"
    "                image { source = \"boot.bin\" } }\n"
    "volume \"root\" { slots = {\"a\", \"b\"}  partition { type = \"root\" size = 1M }\n"
    "                verity { }  image { source = \"root.bin\" } }\n"
    "volume \"plain\" { partition { size = 256K }  image { source = \"boot.bin\" } }\n"
    "volume \"rest\" { partition { size = \"fill\" } }\n";

static const char grow_text[] =
    "device \"crash\" { seed = \"5c0d3f3e-1111-4222-8333-444455556666\" }\n"
    "vault { size = 1M }\n"
    "volume \"data\" { partition { size = \"fill\" }\n"
    "                filesystem { source = \"tree\" owner = \"root\" } }\n";

static int set_up(void **state)
{
	static uint8_t bytes[300000];

	strcpy(dir, "/tmp/holdfast-crash-XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 2654435761u >> 13);
	write_file("boot.bin", bytes, 50000);
	write_file("root.bin", bytes, sizeof(bytes));
	write_file("crash.layout", layout_text, sizeof(layout_text) - 1);
	write_file("grow.layout", grow_text, sizeof(grow_text) - 1);
	assert_int_equal(mkdir("tree", 0755), 0);
	write_file("tree/file", bytes, sizeof(bytes));
	return 0;
}

static int tear_down(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

/* One run on @path; 0 or -errno. */
static int provision(struct provision_request *request)
{
	static const atomic_bool never;
	struct progress progress = {0};
	struct env env = {
	    .progress = &progress,
	    .cancel = &never,
	    .random = no_random,
	    .work_dir = dir,
	    .wrap_target = wrap,
	};
	struct provisioning p = {0};
	int r = pool_new(2, &env.pool);

	diag_forget(0);
	if (!request->layout_path)
		request->layout_path = "crash.layout";
	request->kinds = &kinds;
	if (r >= 0)
		r = provision_prepare(&p, request, &env);
	if (r >= 0)
		r = provision_run(&p, NULL);
	provision_free(&p);
	pool_free(env.pool);
	return r;
}

static void no_faults(void)
{
	faults = (struct fault_plan){0};
}

static uint8_t *read_whole(const char *path, size_t *ret_len)
{
	struct stat st;
	int fd = open(path, O_RDONLY);
	uint8_t *bytes;

	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	bytes = malloc((size_t)st.st_size);
	assert_non_null(bytes);
	assert_int_equal(pread(fd, bytes, (size_t)st.st_size, 0), st.st_size);
	close(fd);
	*ret_len = (size_t)st.st_size;
	return bytes;
}

/* All bytes but the journal and the log, which tell how often there was a cut. */
static void assert_same(const char *path, const uint8_t *expected, size_t expected_len)
{
	struct vault_regions regions;
	size_t len, vault = 1024 * 1024;
	uint8_t *bytes = read_whole(path, &len);

	vault_regions(1024 * 1024, &regions);
	assert_int_equal(len, expected_len);
	memset(bytes + vault + regions.journal_offset, 0,
	       regions.journal_bytes + regions.log_bytes);
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] != expected[i]) {
			print_message("%s differs at %zu\n", path, i);
			fail();
		}
	}
	free(bytes);
}

static uint8_t *reference(const char *path, size_t *ret_len)
{
	struct vault_regions regions;
	uint8_t *bytes = read_whole(path, ret_len);

	vault_regions(1024 * 1024, &regions);
	memset(bytes + 1024 * 1024 + regions.journal_offset, 0,
	       regions.journal_bytes + regions.log_bytes);
	return bytes;
}

static void print_failures(void)
{
	for (size_t i = 0; i < diag_count(); i++)
		print_message("%s: %s\n", diag_get(i)->scope, diag_get(i)->text);
}

/* Cuts at operation @cut, resumes without faults. */
static void cut_and_resume(struct provision_request *request, uint64_t cut, uint64_t with_seed)
{
	int r;

	faults = (struct fault_plan){.cut_at = cut};
	seed = with_seed;
	r = provision(request);
	assert_int_equal(r, -EIO);
	no_faults();
	r = provision(request);
	if (r < 0) {
		print_message("cut %llu seed %llu\n", (unsigned long long)cut,
			      (unsigned long long)with_seed);
		print_failures();
	}
	assert_ok(r);
}

/* How many operations an uncut run has; leaves its image at @path. */
static uint64_t count_operations(struct provision_request *request)
{
	no_faults();
	if (provision(request) < 0) {
		print_failures();
		fail();
	}
	return faults.ops;
}

static void provisioning_survives_every_cut(void **state)
{
	struct provision_request whole = {.target_path = "whole.img"};
	struct provision_request cut = {.target_path = "cut.img"};
	uint64_t n = count_operations(&whole);
	size_t len;
	uint8_t *expected = reference("whole.img", &len);

	print_message("%llu cut points, %d seeds\n", (unsigned long long)n, SEEDS);
	for (uint64_t i = 1; i <= n; i++) {
		for (uint64_t s = 1; s <= SEEDS; s++) {
			unlink("cut.img");
			unlink("cut.img.part");
			cut_and_resume(&cut, i, s * 1000 + i);
			assert_same("cut.img", expected, len);
		}
	}
	free(expected);
}

static void copy_file(const char *from, const char *to, size_t size)
{
	size_t len;
	uint8_t *bytes = read_whole(from, &len);

	write_file(to, bytes, len);
	assert_int_equal(truncate(to, (off_t)size), 0);
	free(bytes);
}

/* A shared image copied onto a larger target, which then completes itself. */
static void completion_survives_every_cut(void **state)
{
	struct provision_request shared = {.target_path = "shared.img", .shared = true};
	struct provision_request whole = {.target_path = "completed.img"};
	struct provision_request cut = {.target_path = "cut2.img"};
	const size_t size = 12 * 1024 * 1024;
	uint8_t *expected;
	uint64_t n;
	size_t len;

	count_operations(&shared);
	copy_file("shared.img", "completed.img", size);
	n = count_operations(&whole);
	expected = reference("completed.img", &len);
	print_message("%llu cut points, %d seeds\n", (unsigned long long)n, SEEDS);
	for (uint64_t i = 1; i <= n; i++) {
		for (uint64_t s = 1; s <= SEEDS; s++) {
			copy_file("shared.img", "cut2.img", size);
			cut_and_resume(&cut, i, s * 1000 + i);
			assert_same("cut2.img", expected, len);
		}
	}
	free(expected);
}

/* From the image file instead; the same volumes come out. */
static void completion_from_a_file_survives_every_cut(void **state)
{
	struct provision_request shared = {.target_path = "shared3.img", .shared = true};
	struct provision_request whole = {.target_path = "from.img", .from = "shared3.img"};
	struct provision_request cut = {.target_path = "cut3.img", .from = "shared3.img"};
	uint8_t *expected;
	uint64_t n;
	size_t len;

	count_operations(&shared);
	n = count_operations(&whole);
	expected = reference("from.img", &len);
	for (uint64_t i = 1; i <= n; i++) {
		unlink("cut3.img");
		unlink("cut3.img.part");
		cut_and_resume(&cut, i, i);
		assert_same("cut3.img", expected, len);
	}
	free(expected);
}

/* The device has no source: its ext4 is grown in place. */
static void growing_survives_every_cut(void **state)
{
	struct provision_request shared = {
	    .target_path = "small.img", .layout_path = "grow.layout", .shared = true};
	struct provision_request whole = {.target_path = "grown.img", .layout_path = "grow.layout"};
	struct provision_request cut = {.target_path = "cut6.img", .layout_path = "grow.layout"};
	const size_t size = 48 * 1024 * 1024;
	uint8_t *expected;
	uint64_t n;
	size_t len;

	count_operations(&shared);
	assert_int_equal(rename("tree", "away"), 0);
	copy_file("small.img", "grown.img", size);
	n = count_operations(&whole);
	expected = reference("grown.img", &len);
	print_message("%llu cut points\n", (unsigned long long)n);
	for (uint64_t i = 1; i <= n; i++) {
		copy_file("small.img", "cut6.img", size);
		cut_and_resume(&cut, i, i);
		assert_same("cut6.img", expected, len);
	}
	free(expected);
	assert_int_equal(rename("away", "tree"), 0);
}

/* Half of the shared image arrived: its superblock is good, its data are not there. */
static void half_a_shared_image_is_refused(void **state)
{
	struct provision_request shared = {.target_path = "shared4.img", .shared = true};
	struct provision_request whole = {.target_path = "half.img"};
	uint8_t nothing[65536] = {0};
	int fd;

	count_operations(&shared);
	copy_file("shared4.img", "half.img", 12 * 1024 * 1024);
	fd = open("half.img", O_WRONLY);
	assert_int_equal(pwrite(fd, nothing, sizeof(nothing), 2 * 1024 * 1024 + 128 * 1024),
			 sizeof(nothing));
	close(fd);
	no_faults();
	assert_int_equal(provision(&whole), -EUCLEAN);
	assert_int_equal(diag_get(0)->code, DIAG_TAMPERED);
}

/* Every write fails once with EIO or ENOSPC: a clear code, and the same command goes on. */
static void every_error_is_told_and_resumable(void **state)
{
	struct provision_request whole = {.target_path = "whole5.img"};
	struct provision_request cut = {.target_path = "cut5.img"};
	uint64_t n = count_operations(&whole);
	size_t len;
	uint8_t *expected = reference("whole5.img", &len);

	for (uint64_t i = 1; i <= n; i++) {
		int error = i % 2 ? EIO : ENOSPC;

		unlink("cut5.img");
		unlink("cut5.img.part");
		faults = (struct fault_plan){.error_at = i, .error = error};
		if (provision(&cut) >= 0)
			fail_msg("operation %llu: the error was not seen", (unsigned long long)i);
		assert_int_equal(diag_get(0)->code, error == EIO ? DIAG_IO : DIAG_NO_SPACE);
		no_faults();
		assert_ok(provision(&cut));
		assert_same("cut5.img", expected, len);
	}
	free(expected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(provisioning_survives_every_cut),
	    cmocka_unit_test(completion_survives_every_cut),
	    cmocka_unit_test(completion_from_a_file_survives_every_cut),
	    cmocka_unit_test(growing_survives_every_cut),
	    cmocka_unit_test(half_a_shared_image_is_refused),
	    cmocka_unit_test(every_error_is_told_and_resumable),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
