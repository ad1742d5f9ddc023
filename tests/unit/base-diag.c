/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of a failure, and what stays when later ones are forgotten. */
#include <errno.h>

#include "base/diag.h"
#include "lib/check.h"

static void what_to_do_goes_to_the_last_failure(void **state)
{
	diag_forget(0);
	assert_int_equal(diag_fail(DIAG_IO, EIO, "one"), -EIO);
	assert_int_equal(diag_fail(DIAG_IO, EIO, "two"), -EIO);
	diag_next("do this");
	assert_string_equal(diag_get(0)->next, "");
	assert_string_equal(diag_get(1)->next, "do this");
}

/* A failure, and one of clearing up after it, which does not matter. */
static void forgetting_a_later_one_leaves_the_first_open(void **state)
{
	size_t mark;

	diag_forget(0);
	diag_fail(DIAG_KERNEL, ENOKEY, "no key");
	mark = diag_count();
	diag_fail(DIAG_KERNEL, ENXIO, "nothing to remove");
	diag_forget(mark);
	diag_state("nothing was opened");
	diag_next("keyctl show");
	assert_int_equal(diag_count(), 1);
	assert_string_equal(diag_get(0)->state, "nothing was opened");
	assert_string_equal(diag_get(0)->next, "keyctl show");
	diag_forget(0);
	diag_next("nobody");
	assert_int_equal(diag_count(), 0);
}

/* A function and the one that calls it may both name what they work on. */
static void a_scope_within_the_same_scope_is_told_once(void **state)
{
	DIAG_SCOPE("volume %s", "a");
	{
		DIAG_SCOPE("keystore %s", "ab");
		DIAG_SCOPE("keystore %s", "ab");

		diag_fail(DIAG_IO, EIO, "inside");
		assert_string_equal(diag_get(0)->scope, "volume a: keystore ab");
		{
			DIAG_SCOPE("b"); /* the end of a word is not the scope */

			diag_fail(DIAG_IO, EIO, "deeper");
			assert_string_equal(diag_get(1)->scope, "volume a: keystore ab: b");
		}
	}
	diag_fail(DIAG_IO, EIO, "outside");
	assert_string_equal(diag_get(2)->scope, "volume a");
	diag_forget(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_to_do_goes_to_the_last_failure),
	    cmocka_unit_test(forgetting_a_later_one_leaves_the_first_open),
	    cmocka_unit_test(a_scope_within_the_same_scope_is_told_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
