/* SPDX-License-Identifier: Apache-2.0 */
/* Keystore tee: the power goes at every change of the TEE's storage, before and after it. */
#include <errno.h>
#include <stdio.h>

#include "lib/check.h"
#include "lib/tee-bench.h"

static struct tee_bench b;

/* What was reached, and what was copied on the way. */
struct life {
	bool prepared, anchored, advanced, erased; /* told to be done */
	struct tee_sealed first, next;
	bool has_first, has_next;
};

/* From wherever the last run was cut: prepare, seal, anchor, rotate, erase. */
static int live(struct life *l)
{
	int r = l->prepared ? 0 : tee_bench_prepare(&b);

	l->prepared |= r >= 0;
	if (r >= 0 && !l->has_first) {
		r = tee_bench_seal(&b, false, &l->first);
		l->has_first = r >= 0;
	}
	if (r >= 0 && !l->has_next) {
		r = tee_bench_seal(&b, true, &l->next);
		l->has_next = r >= 0;
	}
	if (r >= 0 && !l->anchored)
		r = tee_bench_anchor(&b, 7);
	l->anchored |= r >= 0;
	if (r >= 0 && !l->advanced)
		r = tee_bench_advance(&b, &l->next);
	l->advanced |= r >= 0;
	if (r >= 0 && !l->erased)
		r = tee_bench_count(&b);
	l->erased |= r >= 0;
	return r;
}

/* After the power came back: one of the states that there are, and all that was told is so. */
static void check_life(const struct life *l)
{
	struct keystore_state s;
	bool first, next;

	assert_ok(tee_bench_state(&b, &s));
	if (l->anchored) {
		assert_true(s.anchor.present);
		assert_int_equal(s.anchor.sequence, 7);
	}
	first = l->has_first && tee_bench_open(&b, &l->first) >= 0;
	next = l->has_next && tee_bench_open(&b, &l->next) >= 0;
	assert_false(first && next);
	if (l->erased)
		assert_false(first || next);
	else if (l->advanced)
		assert_false(first);
	/* Alive until something was counted: no cut loses what was told to be sealed. */
	if (l->has_first && s.erase == 1)
		assert_true(s.rotation == 1 ? first : l->has_next && next);
	/* A count that was not told to be done is counted again; a rotation never is. */
	assert_true(s.erase <= 3 && s.rotation <= 2);
	diag_forget(0);
}

/* Cut at change @n: false when there was no such change. */
static bool cut_once(const char *options, uint32_t n, bool after)
{
	struct life l = {0};
	bool was_cut;
	int r;

	tee_bench_new(&b, options);
	b.board->cut_at = n;
	b.board->cut_after = after;
	r = live(&l);
	tee_bench_end(&b);
	was_cut = b.board->lost_power;
	assert_int_equal(was_cut, r < 0);
	diag_forget(0);
	b.board->cut_at = 0;
	tee_bench_reboot(&b);
	check_life(&l);
	assert_ok(live(&l));
	check_life(&l);
	tee_bench_free(&b);
	return was_cut;
}

static void cut_everywhere(const char *options)
{
	uint32_t n = 1;

	while (cut_once(options, n, false) | cut_once(options, n, true))
		n++;
	print_message("# %u changes, each cut before and after\n", n - 1);
	/* Three objects made; R reserved; anchor, R, E written once each. */
	assert_int_equal(n - 1, 7);
}

static void no_cut_leaves_half_a_state(void **state)
{
	cut_everywhere("");
	cut_everywhere("storage = \"ree\"");
}

/* Over the remains of counters that lost one object: each cut leaves dead keys, never live ones. */
static void no_cut_of_making_them_anew_revives_old_keys(void **state)
{
	static const char *const objects[] = {"rpmb/erase", "rpmb/rotation", "rpmb/anchor"};
	unsigned cuts = 0;

	for (int i = 0; i < 3; i++) {
		for (uint32_t n = 1; n < 20; n++) {
			struct tee_sealed c;
			bool was_cut;

			tee_bench_new(&b, "");
			assert_ok(tee_bench_prepare(&b));
			assert_ok(tee_bench_seal(&b, false, &c));
			tee_bench_delete(&b, objects[i]);
			b.board->cut_at = b.board->operations + (n + 1) / 2;
			b.board->cut_after = n % 2 == 0;
			was_cut = tee_bench_prepare(&b) < 0;
			cuts += was_cut;
			b.board->cut_at = 0;
			tee_bench_reboot(&b);
			assert_int_equal(tee_bench_open(&b, &c), -ENOKEY);
			diag_forget(0);
			assert_ok(tee_bench_prepare(&b));
			assert_int_equal(tee_bench_open(&b, &c), -ENOKEY);
			assert_ok(tee_bench_seal(&b, false, &c));
			assert_ok(tee_bench_open(&b, &c));
			tee_bench_free(&b);
		}
	}
	assert_true(cuts >= 3 * 2 * 5); /* two deleted, three made */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_cut_leaves_half_a_state),
	    cmocka_unit_test(no_cut_of_making_them_anew_revives_old_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
