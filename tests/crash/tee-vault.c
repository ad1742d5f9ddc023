/* SPDX-License-Identifier: Apache-2.0 */
/* A device with keystore tee: the power goes between medium and TEE, at every change of the TEE's
 * storage, and earlier states of the medium are put back. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "crash/keyed.h"
#include "keystore/registry.h"
#include "keystore/tee/child.h"
#include "model/layout.h"
#include "lib/check.h"
#include "lib/gp-sim.h"

static struct gp_board *board;
static char dir[128];

static int set_up(void **state)
{
	keyed_set_up("backend = \"tee\"", "");
	assert_non_null(getcwd(dir, sizeof(dir)));
	board = gp_board_new(dir);
	tee_transport = &gp_transport;
	gp_boot(board);
	keyed_retire = true;
	return 0;
}

static int tear_down(void **state)
{
	gp_power_off();
	return keyed_tear_down(state);
}

static void boot(uint32_t cut_at, bool after)
{
	board->cut_at = cut_at;
	board->cut_after = after;
	gp_boot(board);
}

static bool opens(const char *path)
{
	bool good = keyed_opens(path, "", true) >= 0;

	if (!good)
		assert_true(diag_get(0)->code == DIAG_VAULT_OLD ||
			    diag_get(0)->code == DIAG_KEYSTORE_ERASED);
	return good;
}

static unsigned outcome_old, outcome_new;

/* After a cut: the medium as it is opens; as it was before, only where nothing was committed. */
static void count_outcome(void)
{
	assert_true(opens("device.img"));
	if (opens("before.img"))
		outcome_old++;
	else
		outcome_new++;
}

/* Rotating: anchor and R are what the TEE changes. */
static void a_cut_in_the_tee_leaves_one_vault_that_opens(void **state)
{
	outcome_old = outcome_new = 0;
	unlink("device.img");
	assert_ok(keyed_provision("device.img"));
	for (uint32_t i = 0; i < 6; i++) {
		keyed_copy_file("device.img", "before.img");
		boot(1 + i / 2, i % 2);
		assert_int_equal(keyed_change("device.img", keyed_rotate), -EIO);
		assert_true(board->lost_power);
		boot(0, false);
		count_outcome();
		boot(0, false);
		assert_ok(keyed_change("device.img", keyed_rotate));
		assert_true(opens("device.img"));
		assert_false(opens("before.img"));
	}
	/* Reserving changes nothing; the anchor's write is where the new vault takes over. */
	assert_int_equal(outcome_old, 3);
	assert_int_equal(outcome_new, 3);
}

/* The medium loses power at every write; what was there before each is put back. */
static void a_cut_of_the_medium_leaves_one_vault_that_opens(void **state)
{
	outcome_old = outcome_new = 0;
	unlink("device.img");
	assert_ok(keyed_provision("device.img"));
	for (uint64_t i = 1;; i++) {
		keyed_copy_file("device.img", "before.img");
		keyed_faults = (struct fault_plan){.cut_at = i};
		keyed_seed = i;
		if (keyed_change("device.img", keyed_rotate) >= 0)
			break;
		keyed_faults = (struct fault_plan){0};
		boot(0, false);
		count_outcome();
	}
	keyed_faults = (struct fault_plan){0};
	print_message("# %u cuts before, %u after the commit\n", outcome_old, outcome_new);
	assert_true(outcome_old > 0 && outcome_new > 0);
}

static void after_e_was_counted_no_copy_opens(void **state)
{
	static struct option_value values[3] = {
	    {.text = "rpmb"}, {.text = "media"}, {.text = "true", .number = 1}};
	const struct keystore k = {.name = "k", .ops = &keystore_tee, .values = values};
	static const atomic_bool never;
	struct env env = {.cancel = &never};
	struct keystore_session *s;

	unlink("device.img");
	assert_ok(keyed_provision("device.img"));
	keyed_copy_file("device.img", "first.img");
	assert_ok(keyed_change("device.img", keyed_rotate));
	assert_true(opens("device.img"));
	assert_ok(keystore_tee.begin(&k, &env, &s));
	assert_ok(keystore_tee.count_erase(&k, s, &env));
	keystore_tee.end(s);
	assert_false(opens("device.img"));
	assert_false(opens("first.img"));
	boot(0, false);
	assert_false(opens("device.img"));
	assert_false(opens("first.img"));
	/* Laid out again, they are still dead. */
	unlink("new.img");
	assert_ok(keyed_provision("new.img"));
	assert_true(opens("new.img"));
	assert_false(opens("device.img"));
	assert_false(opens("first.img"));
}

static void another_boards_medium_is_refused_by_name(void **state)
{
	unlink("device.img");
	assert_ok(keyed_provision("device.img"));
	board->huk = 9;
	boot(0, false);
	assert_int_equal(keyed_opens("device.img", "", true), -EXDEV);
	assert_int_equal(diag_get(0)->code, DIAG_KEYSTORE_FOREIGN);
	board->huk = 1;
	boot(0, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_cut_in_the_tee_leaves_one_vault_that_opens),
	    cmocka_unit_test(a_cut_of_the_medium_leaves_one_vault_that_opens),
	    cmocka_unit_test(after_e_was_counted_no_copy_opens),
	    cmocka_unit_test(another_boards_medium_is_refused_by_name),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
