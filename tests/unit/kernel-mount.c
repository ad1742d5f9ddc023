/* SPDX-License-Identifier: Apache-2.0 */
/* What is mounted where, as anyone can ask. */
#include <string.h>

#include "kernel/mount.h"
#include "lib/check.h"

static void a_mount_point_is_told_from_a_directory(void **state)
{
	char source[256] = "not changed";

	assert_int_equal(mount_query("/proc/self", source), 0);
	assert_int_equal(mount_query("/nowhere/at/all", source), 0);
	assert_string_equal(source, "not changed");
	assert_int_equal(mount_query("/proc", source), 1);
	assert_string_equal(source, "proc");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_mount_point_is_told_from_a_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
