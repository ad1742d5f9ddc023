/* SPDX-License-Identifier: Apache-2.0 */
/* Committing a device part: which copy is written first, what hardware is told and when, and what
 * a power cut leaves. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "format/vault.h"
#include "lib/check.h"
#include "lib/fault-io.h"
#include "vault/copies.h"
#include "vault/vault.h"

#define SIZE (1024 * 1024)

static const char before[] = "the device part before, which is the longer one of the two";
static const char after[] = "the device part after";
static struct io *io;

static int set_up(void **state)
{
	return io_open_memory("vault", SIZE, &io);
}

static int tear_down(void **state)
{
	io = io_close(io);
	diag_forget(0);
	return 0;
}

static struct vault *load(struct io *target)
{
	struct vault *v = NULL;

	assert_int_equal(vault_load(target, 0, SIZE, &v), 0);
	return v;
}

/* A vault whose copy @active counts, and whose copies both hold @before. */
static struct vault *committed(int active)
{
	struct vault *v = load(io);

	assert_int_equal(vault_commit(v, before, sizeof(before), NULL), 0);
	vault_choose(v, active);
	return v;
}

/* Copy @index on the medium holds @text. */
static bool holds(int index, const char *text)
{
	struct vault *v = load(io);
	struct vault_payload p;
	bool yes = vault_copy_payload(v, index, &p) && p.len == strlen(text) + 1 &&
		   memcmp(p.bytes, text, p.len) == 0;

	vault_close(v);
	return yes;
}

/* --- order --- */

struct seen {
	int active; /* before the commit */
	int calls, result;
	struct vault_commit_id id;
};

static int look(void *ctx, const struct vault_commit_id *id)
{
	struct seen *s = ctx;

	s->calls++;
	s->id = *id;
	assert_true(holds(!s->active, after));
	assert_true(holds(s->active, before));
	return s->result;
}

/* Until hardware has recorded the new copy, the one that it names must not be touched. */
static void the_copy_that_counts_is_written_last(void **state)
{
	for (int active = 0; active < 2; active++) {
		struct seen seen = {.active = active};
		const struct vault_commit_hook hook = {.durable = look, .ctx = &seen};
		struct vault *v;

		tear_down(state);
		set_up(state);
		v = committed(active);
		assert_int_equal(vault_commit(v, after, sizeof(after), &hook), 0);
		assert_int_equal(seen.calls, 1);
		assert_true(holds(0, after) && holds(1, after));
		vault_close(v);
	}
}

static void where_the_hook_fails_the_copy_before_stays(void **state)
{
	for (int active = 0; active < 2; active++) {
		struct seen seen = {.active = active, .result = -ESTALE};
		const struct vault_commit_hook hook = {.durable = look, .ctx = &seen};
		struct vault *v;

		tear_down(state);
		set_up(state);
		v = committed(active);
		assert_int_equal(vault_commit(v, after, sizeof(after), &hook), -ESTALE);
		assert_true(holds(active, before));
		assert_true(holds(!active, after));
		assert_true(!vault_copies_agree(v));
		vault_close(v);
	}
}

static void the_hook_is_told_what_is_on_the_medium(void **state)
{
	struct seen seen = {0};
	const struct vault_commit_hook hook = {.durable = look, .ctx = &seen};
	struct vault *v = committed(0);
	struct vault_payload p;

	assert_true(vault_active_payload(v, &p));
	assert_int_equal(p.id.sequence, 1);
	assert_int_equal(vault_commit(v, after, sizeof(after), &hook), 0);
	assert_int_equal(seen.id.sequence, 2);
	for (int i = 0; i < 2; i++) {
		assert_true(vault_copy_payload(v, i, &p));
		assert_memory_equal(&p.id, &seen.id, sizeof(p.id));
	}
	vault_close(v);
}

static int count(void *ctx, const struct vault_commit_id *id)
{
	struct seen *s = ctx;

	s->calls++;
	s->id = *id;
	return 0;
}

/* A commit that was cut off is repeated: hardware is told again, the number stays. */
static void the_same_device_part_again_is_the_same_commit(void **state)
{
	struct seen seen = {0};
	const struct vault_commit_hook hook = {.durable = count, .ctx = &seen};
	struct vault *v = committed(0);

	assert_int_equal(vault_commit(v, before, sizeof(before), &hook), 0);
	assert_int_equal(seen.calls, 1);
	assert_int_equal(seen.id.sequence, 1);
	vault_close(v);
}

static void nothing_of_a_longer_device_part_remains(void **state)
{
	struct vault *v = committed(0);
	struct vault_regions r;

	vault_regions(SIZE, &r);
	assert_int_equal(vault_commit(v, after, sizeof(after), NULL), 0);
	for (int i = 0; i < 2; i++) {
		const uint8_t *copy = (uint8_t *)io_memory_bytes(io) + r.copy_offset[i];

		for (uint64_t at = VAULT_BLOCK + sizeof(after); at < r.copy_bytes; at++)
			assert_int_equal(copy[at], 0);
	}
	vault_close(v);
}

static void a_device_part_that_does_not_fit_is_refused(void **state)
{
	struct vault *v = committed(0);
	const size_t most = SIZE / 8 - VAULT_BLOCK;
	uint8_t *large = calloc(1, most + 1);

	assert_int_equal(vault_commit(v, large, most + 1, NULL), -ENOSPC);
	assert_int_equal(diag_get(0)->code, DIAG_LAYOUT_SPACE);
	assert_true(holds(0, before) && holds(1, before));
	assert_int_equal(vault_commit(v, large, most, NULL), 0);
	free(large);
	vault_close(v);
}

/* --- cuts --- */

/* The copy that the hardware has recorded. */
static int record(void *ctx, const struct vault_commit_id *id)
{
	*(struct vault_commit_id *)ctx = *id;
	return 0;
}

static bool is_recorded(const struct vault *v, const struct vault_commit_id *recorded)
{
	for (int i = 0; i < 2; i++) {
		struct vault_payload p;

		if (vault_copy_payload(v, i, &p) && memcmp(&p.id, recorded, sizeof(p.id)) == 0)
			return true;
	}
	return false;
}

/* Copy @damaged is of no use, so all depends on the other one. Wherever power goes, and whatever of
 * the cache is left: one copy is whole, and the one that was recorded is there. */
static void cut_everywhere(void **state, unsigned damaged)
{
	struct vault_regions regions;
	bool done = false;

	vault_regions(SIZE, &regions);
	for (uint64_t try = 0; !done; try++) {
		struct fault_plan plan = {.cut_at = try / 8 + 1};
		struct vault_commit_id recorded;
		const struct vault_commit_hook hook = {.durable = record, .ctx = &recorded};
		struct io *window, *faulty;
		struct vault_payload p;
		struct vault *v;

		tear_down(state);
		set_up(state);
		v = load(io);
		assert_int_equal(vault_commit(v, before, sizeof(before), &hook), 0);
		vault_close(v);
		((uint8_t *)io_memory_bytes(io))[regions.copy_offset[damaged] + VAULT_BLOCK] ^= 1;
		assert_int_equal(io_open_window(io, "window", 0, SIZE, &window), 0);
		faulty = fault_wrap(window, &plan);
		fault_set_seed(faulty, try * 77);
		v = load(faulty);
		done = vault_commit(v, after, sizeof(after), &hook) >= 0;
		vault_close(v);
		io_close(faulty);
		diag_forget(0);
		v = load(io);
		assert_true(is_recorded(v, &recorded));
		assert_true(vault_active_payload(v, &p));
		assert_true((p.len == sizeof(before) && memcmp(p.bytes, before, p.len) == 0) ||
			    (p.len == sizeof(after) && memcmp(p.bytes, after, p.len) == 0));
		vault_close(v);
	}
}

static void a_cut_leaves_the_recorded_copy(void **state)
{
	cut_everywhere(state, 0);
	cut_everywhere(state, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_copy_that_counts_is_written_last),
	    TEST(where_the_hook_fails_the_copy_before_stays),
	    TEST(the_hook_is_told_what_is_on_the_medium),
	    TEST(the_same_device_part_again_is_the_same_commit),
	    TEST(nothing_of_a_longer_device_part_remains),
	    TEST(a_device_part_that_does_not_fit_is_refused),
	    TEST(a_cut_leaves_the_recorded_copy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
