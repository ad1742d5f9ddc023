/* SPDX-License-Identifier: Apache-2.0 */
/* Finding room: order, alignment, obstacles, what is left, and every refusal. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/overflow.h"
#include "lib/check.h"
#include "medium/allocate.h"

#define KIB 1024ULL
#define MIB (1024 * KIB)

static struct request requests[200];
static size_t n;
static struct space space;

static int set_up(void **state)
{
	memset(requests, 0, sizeof(requests));
	n = 0;
	space = (struct space){
	    .first_bytes = 17408,
	    .end_bytes = 64 * MIB - 16896,
	    .align_bytes = MIB,
	    .reserved = {{0, 17408}},
	    .n_reserved = 1,
	};
	diag_forget(0);
	return 0;
}

static struct request *ask(const char *what, uint64_t size)
{
	struct request *r = &requests[n];

	*r = (struct request){.what = what, .size_bytes = size, .in_table = true};
	r->where = (struct where){"x.layout", (unsigned)++n};
	snprintf(r->label, sizeof(r->label), "%.36s", what);
	return r;
}

static struct request *ask_at(const char *what, uint64_t offset, uint64_t size)
{
	struct request *r = ask(what, size);

	r->has_offset = true;
	r->offset_bytes = offset;
	return r;
}

static void assert_placed(const struct request *r, uint64_t offset, uint64_t size)
{
	assert_int_equal(r->placed.offset_bytes, offset);
	assert_int_equal(r->placed.size_bytes, size);
}

static void assert_refused(int error, const char *words)
{
	assert_int_equal(allocate_all(requests, n, &space), error);
	assert_int_equal(diag_get(0)->code, DIAG_LAYOUT_SPACE);
	if (!strstr(diag_get(0)->text, words))
		fail_msg("\"%s\" is not in: %s", words, diag_get(0)->text);
}

static void the_others_stand_behind_each_other(void **state)
{
	struct request *vault = ask_at("vault", MIB, 8 * MIB);
	struct request *a = ask("a", 3 * MIB + 1), *b = ask("b", 5000);

	assert_ok(allocate_all(requests, n, &space));
	assert_placed(vault, MIB, 8 * MIB);
	assert_placed(a, 9 * MIB, 3 * MIB + 4096);
	assert_placed(b, 13 * MIB, 8192);
}

static void gaps_before_fixed_ones_are_used(void **state)
{
	struct request *late = ask_at("late", 20 * MIB, MIB);
	struct request *large = ask("large", 30 * MIB), *small = ask("small", 2 * MIB);

	assert_ok(allocate_all(requests, n, &space));
	assert_placed(late, 20 * MIB, MIB);
	assert_placed(large, 21 * MIB, 30 * MIB);
	assert_placed(small, MIB, 2 * MIB);
}

static void a_volume_may_ask_for_more_alignment(void **state)
{
	struct request *r;

	ask("first", MIB);
	r = ask("aligned", MIB);
	r->align_bytes = 16 * MIB;
	assert_ok(allocate_all(requests, n, &space));
	assert_placed(r, 16 * MIB, MIB);
}

static void fill_takes_the_largest_gap(void **state)
{
	struct request *fill = ask("fill", 0), *after = ask("after", 4 * MIB);
	uint64_t end = round_down(space.end_bytes, 4096);

	fill->fill = true;
	ask_at("vault", 10 * MIB, 8 * MIB);
	assert_ok(allocate_all(requests, n, &space));
	assert_placed(after, MIB, 4 * MIB);
	assert_placed(fill, 18 * MIB, end - 18 * MIB);
	assert_int_equal(fill->placed.size_bytes % 4096, 0);
}

static void fill_stops_at_what_stands_behind_it(void **state)
{
	struct request *fill = ask("fill", 0);

	fill->fill = true;
	ask_at("vault", 50 * MIB, 8 * MIB);
	assert_ok(allocate_all(requests, n, &space));
	assert_placed(fill, MIB, 49 * MIB);
}

static void fill_that_is_too_small_is_refused(void **state)
{
	struct request *fill = ask("fill", 60 * MIB);

	fill->fill = true;
	ask("other", 10 * MIB);
	assert_refused(-ENOSPC, "x.layout:1: fill needs 62914560 bytes in one piece");
}

static void only_one_may_fill(void **state)
{
	ask("one", 0)->fill = true;
	ask("two", 0)->fill = true;
	assert_refused(-EINVAL, "x.layout:2: two: size = \"fill\", but one fills already");
}

static void boot_areas_may_lie_between_table_and_first_partition(void **state)
{
	struct request *spl = ask_at("spl", 33 * KIB, 100000), *a = ask("a", MIB);

	spl->in_table = false;
	assert_ok(allocate_all(requests, n, &space));
	assert_placed(spl, 33 * KIB, 100352); /* sectors, not blocks */
	assert_placed(a, MIB, MIB);
}

static void the_next_partition_makes_way_for_a_boot_area(void **state)
{
	struct request *spl = ask_at("spl", 32 * KIB, 2 * MIB), *a = ask("a", MIB);

	spl->in_table = false;
	assert_ok(allocate_all(requests, n, &space));
	assert_placed(a, 3 * MIB, MIB);
}

static void nothing_lies_over_the_table(void **state)
{
	ask_at("spl", 8 * KIB, 4096)->in_table = false;
	assert_refused(-EINVAL,
		       "overlaps the partition table (17408 bytes at 0); move one of them: behind "
		       "it is offset = 17K");
	set_up(state);
	ask_at("a", 8 * KIB, 4096);
	assert_refused(-ENOSPC,
		       "offset 8192 lies in the partition table; write offset = 20K or more");
	set_up(state);
	ask_at("a", 63 * MIB, MIB);
	assert_refused(-ENOSPC, "where the room for partitions ends");
	set_up(state);
	ask_at("spl", 64 * MIB - 16 * KIB, 4096)->in_table = false;
	assert_refused(-ENOSPC, "where the room for partitions ends");
}

static void fixed_places_must_be_aligned_and_free(void **state)
{
	ask_at("a", MIB + 512, MIB);
	assert_refused(-EINVAL, "write offset = 1M or 1028K, or in-table = false");
	set_up(state);
	ask_at("spl", 33 * KIB + 1, 512)->in_table = false;
	assert_refused(-EINVAL, "not a multiple of 512");
	set_up(state);
	ask_at("a", 4 * MIB, 4 * MIB);
	ask_at("b", 6 * MIB, MIB);
	assert_refused(-EINVAL,
		       "x.layout:2: b (1048576 bytes at 6291456) overlaps a (4194304 bytes at "
		       "4194304); move one of them: behind it is offset = 8M");
}

static void kept_ones_are_obstacles(void **state)
{
	struct request *a = ask("a", 3 * MIB), *kept = ask("kept", MIB);

	kept->kind = REQUEST_KEEP;
	kept->placed = (struct extent){2 * MIB + 512, MIB};
	assert_ok(allocate_all(requests, n, &space));
	assert_placed(kept, 2 * MIB + 512, MIB);
	assert_placed(a, 4 * MIB, 3 * MIB);
	set_up(state);
	kept = ask("kept", MIB);
	kept->placed = (struct extent){2 * MIB, MIB};
	ask_at("a", 2 * MIB, 4096);
	assert_refused(-EINVAL, "a (4096 bytes at 2097152) overlaps kept");
}

static void what_does_not_fit_is_told(void **state)
{
	ask("a", 40 * MIB);
	ask("b", 40 * MIB);
	assert_refused(-ENOSPC, "x.layout:2: b needs 41943040 bytes in one piece");
}

static void enormous_sizes_do_not_wrap_around(void **state)
{
	ask("a", UINT64_MAX);
	assert_refused(-ENOSPC, "a needs");
	set_up(state);
	ask_at("a", UINT64_MAX - 4095, 8192);
	assert_refused(-ENOSPC, "a:");
	set_up(state);
	ask_at("a", MIB, UINT64_MAX - 4096);
	assert_refused(-ENOSPC, "a:");
}

static void least_is_where_the_last_one_ends(void **state)
{
	struct plan *p = plan_new(NULL, INTENT_PROVISION);
	struct request *fill;

	assert_non_null(p);
	ask_at("vault", MIB, 8 * MIB);
	ask("a", 3 * MIB);
	fill = ask("fill", 10000);
	fill->fill = true;
	memcpy(p->requests, requests, sizeof(p->requests));
	p->n_requests = n;
	assert_int_equal(allocate_least(p, &space), 12 * MIB + 12288);
	assert_true(p->requests[2].fill); /* the plan is left alone */
	p->requests[1].size_bytes = UINT64_MAX;
	assert_int_equal(allocate_least(p, &space), 0);
	assert_int_equal(diag_count(), 1);
	plan_free(p);
}

static int entries(void)
{
	return allocate_entries(requests, n);
}

static void numbers_are_given_to_volumes_first(void **state)
{
	struct request *vault = ask("vault", 1), *a = ask("a", 1), *b = ask("b", 1);
	struct request *spl = ask("spl", 1), *kept = ask("kept", 1);

	vault->kind = REQUEST_VAULT;
	b->number = 1;
	kept->kind = REQUEST_KEEP;
	kept->number = 2;
	spl->in_table = false;
	assert_ok(entries());
	assert_int_equal(a->number, 3);
	assert_int_equal(b->number, 1);
	assert_int_equal(vault->number, 4);
	assert_int_equal(spl->number, 0);
}

static void assert_twice(const char *words)
{
	assert_int_equal(entries(), -EINVAL);
	if (!strstr(diag_get(0)->text, words))
		fail_msg("\"%s\" is not in: %s", words, diag_get(0)->text);
}

static void nothing_stands_twice(void **state)
{
	struct request *a = ask("a", 1), *b = ask("b", 1);

	a->number = b->number = 7;
	assert_twice("x.layout:2: b and a have the same partition number 7; write another number");
	set_up(state);
	a = ask("a", 1);
	b = ask("b", 1);
	memset(&a->uuid, 1, sizeof(a->uuid));
	memset(&b->uuid, 1, sizeof(b->uuid));
	assert_twice("same partition UUID 01010101-0101-0101-0101-010101010101");
	set_up(state);
	ask("a", 1);
	strcpy(ask("b", 1)->label, "a");
	assert_twice("same partition label a; write another label");
}

static void areas_without_entry_may_have_the_same_label(void **state)
{
	ask("a", 1)->in_table = false;
	strcpy(ask("b", 1)->label, "a");
	assert_ok(entries());
}

static void uuids_that_come_later_are_not_compared(void **state)
{
	ask("a", 1);
	ask("b", 1); /* both nil: from the root hash */
	assert_ok(entries());
}

static void a_table_has_128_entries(void **state)
{
	static char names[129][8];

	for (int i = 0; i < 129; i++) {
		snprintf(names[i], sizeof(names[i]), "v%d", i);
		ask(names[i], 4096);
	}
	assert_int_equal(entries(), -E2BIG);
	diag_forget(0);
	n = 128;
	assert_ok(entries());
	assert_int_equal(requests[127].number, 128);
}

#define TEST(f) cmocka_unit_test_setup(f, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_others_stand_behind_each_other),
	    TEST(gaps_before_fixed_ones_are_used),
	    TEST(a_volume_may_ask_for_more_alignment),
	    TEST(fill_takes_the_largest_gap),
	    TEST(fill_stops_at_what_stands_behind_it),
	    TEST(fill_that_is_too_small_is_refused),
	    TEST(only_one_may_fill),
	    TEST(boot_areas_may_lie_between_table_and_first_partition),
	    TEST(the_next_partition_makes_way_for_a_boot_area),
	    TEST(nothing_lies_over_the_table),
	    TEST(fixed_places_must_be_aligned_and_free),
	    TEST(kept_ones_are_obstacles),
	    TEST(what_does_not_fit_is_told),
	    TEST(enormous_sizes_do_not_wrap_around),
	    TEST(least_is_where_the_last_one_ends),
	    TEST(numbers_are_given_to_volumes_first),
	    TEST(nothing_stands_twice),
	    TEST(areas_without_entry_may_have_the_same_label),
	    TEST(uuids_that_come_later_are_not_compared),
	    TEST(a_table_has_128_entries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
