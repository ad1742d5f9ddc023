/* SPDX-License-Identifier: Apache-2.0 */
/* Partition tables made, mended and retired with a power cut at every write and flush: what is left
 * can be found and mended, and the same step once more ends where an uncut one does. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "lib/check.h"
#include "lib/fault-io.h"
#include "medium/gpt-table.h"
#include "medium/registry.h"
#include "model/build.h"

#define SIZE  (1024 * 1024)
#define SEEDS 16 /* power losses a cut point */

static struct io *disk; /* what survives */

static void set_request(struct request *r, unsigned number, uint8_t id)
{
	*r = (struct request){.what = "volume", .in_table = true, .number = number};
	r->placed = (struct extent){65536 * number, 65536};
	memset(&r->uuid, id, sizeof(r->uuid));
	memset(&r->type, 0x77, sizeof(r->type));
	memset(r->label, 'a' + id % 26, 8);
}

static int write_table(struct io *io, uint8_t id)
{
	struct request requests[3];
	struct uuid uuid;

	for (unsigned i = 0; i < 3; i++)
		set_request(&requests[i], i + 1, (uint8_t)(id + i));
	memset(&uuid, id, sizeof(uuid));
	return gpt_table_write(io, &uuid, requests, 3);
}

static int write_new(struct io *io)
{
	return write_table(io, 0x21);
}

static int run_retire(struct io *io)
{
	static const atomic_bool never;
	static struct progress progress;
	struct env env = {.progress = &progress, .cancel = &never};
	struct job job = {.env = &env, .target = io};
	_cleanup_layout_ struct layout *layout = layout_new();
	_cleanup_plan_ struct plan *plan = plan_new(layout, INTENT_PROVISION);
	struct medium *m = layout_add_medium(layout, &medium_gpt, "disk", (struct where){0});
	int r = medium_gpt.plan_retire(m, plan);

	return r < 0 ? r : plan->steps.v[0].ops->run(&plan->steps.v[0], &job, NULL);
}

/* --- what stands there before --- */

static uint8_t *at(uint64_t offset)
{
	return (uint8_t *)io_memory_bytes(disk) + offset;
}

static void blank(void)
{
}

static void old_table(void)
{
	assert_ok(write_table(disk, 0x41));
	memset(at(17408), 0xa5, SIZE - 17408 - 16896); /* nobody else's bytes may change */
	memset(at(0), 0xc0, GPT_BOOT_CODE_BYTES);
}

static void bad_primary_header(void)
{
	old_table();
	*at(600) ^= 1;
}

static void bad_primary_entries(void)
{
	old_table();
	*at(1100) ^= 1;
}

static void bad_backup_header(void)
{
	old_table();
	*at(SIZE - 500) ^= 1;
}

static void bad_backup_entries(void)
{
	old_table();
	*at(SIZE - 16000) ^= 1;
}

static void no_mbr(void)
{
	old_table();
	memset(at(440), 0, 72);
}

static void copies_differ(void)
{
	uint8_t tail[16896];

	assert_ok(write_table(disk, 0x61));
	memcpy(tail, at(SIZE - sizeof(tail)), sizeof(tail));
	old_table();
	memcpy(at(SIZE - sizeof(tail)), tail, sizeof(tail));
}

/* The table of half the size, on a target that has all of it. */
static void grown(void)
{
	struct io *half;

	assert_ok(io_open_window(disk, "half", 0, SIZE / 2, &half));
	assert_ok(write_table(half, 0x41));
	io_close(half);
}

static void grown_and_bad_entries(void)
{
	grown();
	*at(1100) ^= 1;
}

/* --- cutting --- */

static void start(void (*before)(void))
{
	disk = io_close(disk);
	assert_ok(io_open_memory("disk", SIZE, &disk));
	before();
}

/* Runs @what over a device that loses power; returns its result, power being lost by then. */
static int run_cut(int (*what)(struct io *), uint64_t cut, uint64_t seed, uint64_t *ret_ops)
{
	struct fault_plan faults = {.cut_at = cut};
	struct io *window, *io;
	int r;

	assert_ok(io_open_window(disk, "disk", 0, SIZE, &window));
	io = fault_wrap(window, &faults);
	fault_set_seed(io, seed);
	r = what(io);
	io_close(io);
	diag_forget(0);
	if (ret_ops)
		*ret_ops = faults.ops;
	return r;
}

static unsigned good_copies(void)
{
	_cleanup_gpt_copies_ struct gpt_copies c = {0};

	assert_ok(gpt_copies_read(disk, &c));
	return gpt_copy_good(&c.primary) + gpt_copy_good(&c.backup);
}

/* After every cut at least @least copies are good; then @what once more ends as without a cut. */
static void survives(void (*before)(void), int (*what)(struct io *), unsigned least)
{
	uint8_t *expected = malloc(SIZE);
	uint64_t ops;

	assert_non_null(expected);
	start(before);
	assert_ok(run_cut(what, 0, 0, &ops));
	memcpy(expected, at(0), SIZE);
	assert_true(ops >= 3);
	for (uint64_t cut = 1; cut <= ops; cut++) {
		for (uint64_t seed = 1; seed <= SEEDS; seed++) {
			start(before);
			assert_int_equal(run_cut(what, cut, cut * 100 + seed, NULL), -EIO);
			if (good_copies() < least)
				fail_msg("cut %d seed %d: no good copy", (int)cut, (int)seed);
			assert_ok(run_cut(what, 0, 0, NULL));
			assert_memory_equal(at(0), expected, SIZE);
		}
	}
	free(expected);
	disk = io_close(disk);
}

static void a_new_table_survives(void **state)
{
	survives(blank, write_new, 0);
	assert_null(disk);
}

static void a_table_over_another_survives(void **state)
{
	survives(old_table, write_new, 1);
}

static bool primary_without_backup(void)
{
	_cleanup_gpt_copies_ struct gpt_copies c = {0};

	assert_ok(gpt_copies_read(disk, &c));
	return c.primary.seen && !gpt_copy_good(&c.backup);
}

/* What was cut while it was made is either not there, or can be mended; the backup is there before
 * the first byte of the primary. */
static void a_new_table_is_there_or_not(void **state)
{
	uint64_t ops;

	start(blank);
	assert_ok(run_cut(write_new, 0, 0, &ops));
	for (uint64_t cut = 1; cut <= ops; cut++) {
		for (uint64_t seed = 1; seed <= SEEDS; seed++) {
			start(blank);
			assert_int_equal(run_cut(write_new, cut, cut * 100 + seed, NULL), -EIO);
			assert_false(primary_without_backup());
			if (!good_copies())
				continue;
			assert_ok(gpt_table_mend(disk));
			assert_int_equal(good_copies(), 2);
		}
	}
	disk = io_close(disk);
}

static void mending_survives(void **state)
{
	survives(bad_primary_header, gpt_table_mend, 1);
	survives(bad_primary_entries, gpt_table_mend, 1);
	survives(bad_backup_header, gpt_table_mend, 1);
	survives(bad_backup_entries, gpt_table_mend, 1);
	survives(no_mbr, gpt_table_mend, 1);
	survives(copies_differ, gpt_table_mend, 1);
	survives(grown, gpt_table_mend, 1);
	survives(grown_and_bad_entries, gpt_table_mend, 1);
}

static void a_good_copy_is_not_written_again(void **state)
{
	uint64_t ops;

	start(bad_backup_header);
	assert_ok(run_cut(gpt_table_mend, 0, 0, &ops));
	assert_int_equal(ops, 3); /* the header's sector, and a flush a copy */
	start(old_table);
	assert_ok(run_cut(gpt_table_mend, 0, 0, &ops));
	assert_int_equal(ops, 2);
	disk = io_close(disk);
}

static void retiring_survives(void **state)
{
	survives(old_table, run_retire, 0);
	survives(grown, run_retire, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_new_table_survives),
	    cmocka_unit_test(a_table_over_another_survives),
	    cmocka_unit_test(a_new_table_is_there_or_not),
	    cmocka_unit_test(mending_survives),
	    cmocka_unit_test(a_good_copy_is_not_written_again),
	    cmocka_unit_test(retiring_survives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
