/* SPDX-License-Identifier: Apache-2.0 */
/* The raw medium: volumes behind each other, nothing else written, nothing foreign overlooked. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "lib/check.h"
#include "medium/gpt-table.h"
#include "medium/registry.h"
#include "model/build.h"

#define KIB  1024ULL
#define MIB  (1024 * KIB)
#define SIZE (16 * MIB)

static const struct where here = {"x.layout", 3};
static const atomic_bool never;
static struct progress progress;
static struct io *io;
static struct env env;
static struct job job;
static struct layout *layout;
static struct medium *m;
static struct plan *plan;
static struct medium_facts facts;

static int set_up(void **state)
{
	assert_ok(io_open_memory("flash.img", SIZE, &io));
	env = (struct env){.progress = &progress, .cancel = &never};
	job = (struct job){.env = &env, .target = io};
	layout = layout_new();
	m = layout_add_medium(layout, &medium_raw, "flash", here);
	plan = plan_new(layout, INTENT_PROVISION);
	plan->capacity_bytes = SIZE;
	plan->sector_bytes = 512;
	layout->vault.extent = (struct extent){MIB, MIB};
	return m ? 0 : -1;
}

static int tear_down(void **state)
{
	facts_free(&facts);
	plan_free(plan);
	layout_free(layout);
	io_close(io);
	diag_forget(0);
	return 0;
}

static int probe(void)
{
	facts_free(&facts);
	return medium_raw.probe(&job, &facts);
}

static struct request *ask(const char *name, uint64_t size)
{
	struct request *r = plan_request(plan, REQUEST_VOLUME, NULL, ROLE_DATA);

	r->what = name;
	r->size_bytes = size;
	r->in_table = true; /* without a table it says nothing */
	return r;
}

static void volumes_stand_behind_each_other_from_the_start(void **state)
{
	struct request *a = ask("a", 100), *b = ask("b", 2 * MIB), *fill = ask("fill", 0);

	fill->fill = true;
	assert_ok(medium_raw.allocate(m, plan));
	assert_int_equal(a->placed.offset_bytes, 0);
	assert_int_equal(a->placed.size_bytes, 4096);
	assert_int_equal(b->placed.offset_bytes, MIB);
	assert_int_equal(fill->placed.offset_bytes, 3 * MIB);
	assert_int_equal(fill->placed.size_bytes, SIZE - 3 * MIB); /* no backup table to spare */
}

static void given_offsets_are_kept(void **state)
{
	struct request *spl = ask("spl", 8 * KIB), *a = ask("a", MIB);

	spl->has_offset = true;
	spl->offset_bytes = 8 * KIB; /* no table lies there */
	assert_ok(medium_raw.allocate(m, plan));
	assert_int_equal(spl->placed.offset_bytes, 8 * KIB);
	assert_int_equal(a->placed.offset_bytes, MIB);
}

static void the_least_image_ends_with_the_last_volume(void **state)
{
	ask("a", 100);
	ask("b", 2 * MIB + 1);
	assert_int_equal(medium_raw.least_bytes(m, plan), 4 * MIB);
}

static void what_does_not_fit_is_refused(void **state)
{
	ask("a", SIZE + 1);
	assert_int_equal(medium_raw.allocate(m, plan), -ENOSPC);
	assert_int_equal(diag_get(0)->code, DIAG_LAYOUT_SPACE);
}

static void an_empty_target_is_empty(void **state)
{
	assert_ok(probe());
	assert_int_equal(facts.table, TABLE_NONE);
	assert_int_equal(facts.capacity_bytes, SIZE);
}

static void make_gpt(void)
{
	struct request r = {.what = "old", .in_table = true, .number = 1, .placed = {MIB, MIB}};
	struct uuid disk;

	memset(&disk, 0x55, sizeof(disk));
	memset(&r.uuid, 0x66, sizeof(r.uuid));
	memset(&r.type, 0x77, sizeof(r.type));
	strcpy(r.label, "old");
	assert_ok(gpt_table_write(io, &disk, &r, 1));
}

static void a_partition_table_is_foreign_here(void **state)
{
	make_gpt();
	assert_ok(probe());
	assert_int_equal(facts.table, TABLE_FOREIGN);
	assert_string_equal(facts.foreign, "a gpt partition table");
}

static void a_backup_that_was_left_behind_is_foreign_too(void **state)
{
	make_gpt();
	memset(io_memory_bytes(io), 0, MIB);
	assert_ok(probe());
	assert_int_equal(facts.table, TABLE_FOREIGN);
}

static void retiring_leaves_no_copy_of_a_table(void **state)
{
	_cleanup_gpt_copies_ struct gpt_copies c = {0};

	make_gpt();
	memset((uint8_t *)io_memory_bytes(io) + MIB, 0x11, MIB); /* the vault */
	assert_ok(medium_raw.plan_retire(m, plan));
	assert_int_equal(plan->steps.n, 1);
	assert_ok(plan->steps.v[0].ops->run(&plan->steps.v[0], &job, NULL));
	assert_ok(gpt_copies_read(io, &c));
	assert_false(c.primary.seen || c.backup.seen || c.mbr_good);
	assert_ok(probe());
	assert_int_equal(facts.table, TABLE_NONE);
	for (size_t i = 0; i < MIB; i++)
		assert_int_equal(((uint8_t *)io_memory_bytes(io))[MIB + i], 0x11);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(volumes_stand_behind_each_other_from_the_start),
	    TEST(given_offsets_are_kept),
	    TEST(the_least_image_ends_with_the_last_volume),
	    TEST(what_does_not_fit_is_refused),
	    TEST(an_empty_target_is_empty),
	    TEST(a_partition_table_is_foreign_here),
	    TEST(a_backup_that_was_left_behind_is_foreign_too),
	    TEST(retiring_leaves_no_copy_of_a_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
