/* SPDX-License-Identifier: Apache-2.0 */
/* What is mounted where, as anyone can ask. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

static void a_volume_is_mounted_nowhere_but_beneath(void **state)
{
	static const char *const names[] = {"", ".", "..", "../x", "a/b", "/etc"};
	char top[] = "/tmp/holdfast-mount-XXXXXX", below[64], link[96];
	struct stat st;

	assert_non_null(mkdtemp(top));
	snprintf(below, sizeof(below), "%s/below", top);
	snprintf(link, sizeof(link), "%s/link", below);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(mount_attach("/dev/null", below, names[i], "ext4", NULL, true),
				 -EINVAL);
	assert_int_equal(symlink("..", link), 0);
	assert_int_equal(mount_attach("/dev/null", below, "link", "ext4", NULL, true), -ELOOP);
	assert_int_equal(unlink(link), 0);
	assert_int_equal(rmdir(below), 0); /* empty: nothing was made in it, */
	assert_int_equal(stat(top, &st), 0);
	assert_int_equal(st.st_nlink, 2); /* nor beside it */
	assert_int_equal(rmdir(top), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_mount_point_is_told_from_a_directory),
	    cmocka_unit_test(a_volume_is_mounted_nowhere_but_beneath),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
