/* SPDX-License-Identifier: Apache-2.0 */
/* Keyed volumes: provisioning, rotating and forgetting, cut at every write and flush. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/diag.h"
#include "crash/keyed.h"
#include "lib/check.h"

static void provisioning_survives_every_cut(void **state)
{
	uint64_t n;

	keyed_faults = (struct fault_plan){0};
	if (keyed_provision("whole.img") < 0)
		keyed_print_failures();
	n = keyed_faults.ops;
	keyed_assert_opens("whole.img");
	print_message("%llu cut points\n", (unsigned long long)n);
	for (uint64_t i = 1; i <= n; i++) {
		unlink("cut.img");
		unlink("cut.img.part");
		keyed_old_words = keyed_new_words = "old";
		keyed_cut_and_resume("cut.img", i);
	}
}

/* A shared image has the keyless volumes; a larger device adds the others, with keys of its own. */
static void completing_survives_every_cut(void **state)
{
	uint64_t n;

	keyed_faults = (struct fault_plan){0};
	keyed_old_words = keyed_new_words = "old";
	assert_ok(keyed_provision_as("shared.img", true));
	keyed_copy_file("shared.img", "completed.img");
	assert_int_equal(truncate("completed.img", 24 * 1024 * 1024), 0);
	keyed_faults = (struct fault_plan){0};
	if (keyed_provision("completed.img") < 0)
		keyed_print_failures();
	n = keyed_faults.ops;
	keyed_assert_opens("completed.img");
	print_message("%llu cut points\n", (unsigned long long)n);
	for (uint64_t i = 1; i <= n; i++) {
		keyed_copy_file("shared.img", "cut.img");
		assert_int_equal(truncate("cut.img", 24 * 1024 * 1024), 0);
		keyed_cut_and_resume("cut.img", i);
	}
}

static void survives_every_cut(change_fn fn, bool with_data)
{
	uint64_t n, were_old = 0, were_new = 0;

	keyed_faults = (struct fault_plan){0};
	assert_ok(keyed_provision("keys.img"));
	keyed_copy_file("keys.img", "changed.img");
	keyed_faults = (struct fault_plan){0};
	assert_ok(keyed_change("changed.img", fn));
	n = keyed_faults.ops;
	assert_ok(keyed_opens("changed.img", "new", with_data));
	assert_int_equal(keyed_opens("changed.img", "old", with_data), -EKEYREJECTED);
	for (uint64_t i = 1; i <= n; i++) {
		for (keyed_seed = 1; keyed_seed <= 4; keyed_seed++) {
			keyed_copy_file("keys.img", "changed.img");
			keyed_faults = (struct fault_plan){.cut_at = i};
			assert_int_equal(keyed_change("changed.img", fn), -EIO);
			if (keyed_opens("changed.img", "old", true) >= 0)
				were_old++;
			else if (keyed_opens("changed.img", "new", with_data) >= 0)
				were_new++;
			else
				fail_msg("cut at %llu: neither opens", (unsigned long long)i);
		}
	}
	print_message("%llu cut points: %llu old, %llu new\n", (unsigned long long)n,
		      (unsigned long long)were_old, (unsigned long long)were_new);
	assert_true(were_old > 0 && were_new > 0);
	unlink("keys.img");
}

static void rotating_survives_every_cut(void **state)
{
	survives_every_cut(keyed_rotate, true);
}

static void forgetting_survives_every_cut(void **state)
{
	survives_every_cut(keyed_forget, false);
}

static int set_up(void **state)
{
	return keyed_set_up("backend = \"file\" memory = 1M", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(provisioning_survives_every_cut),
	    cmocka_unit_test(completing_survives_every_cut),
	    cmocka_unit_test(rotating_survives_every_cut),
	    cmocka_unit_test(forgetting_survives_every_cut),
	};

	return cmocka_run_group_tests(tests, set_up, keyed_tear_down);
}
