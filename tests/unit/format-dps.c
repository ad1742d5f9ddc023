/* SPDX-License-Identifier: Apache-2.0 */
/* Partition types: spot checks against the specification, and that names and table agree. */
#include <string.h>

#include "format/dps.h"
#include "lib/check.h"

static void assert_type(const char *name, const char *architecture, const char *text)
{
	const struct dps_type *type = dps_by_name(name, architecture);
	struct uuid uuid;

	assert_non_null(type);
	assert_ok(uuid_scan(text, &uuid));
	assert_true(uuid_equal(&type->uuid, &uuid));
	assert_ptr_equal(dps_by_uuid(&uuid), type);
}

/* Copied from the specification's table by hand, the ones that boards are made with first. */
static void types_are_those_of_the_specification(void **state)
{
	assert_type("root", "arm64", "b921b045-1df0-41c3-af44-4c6f280d3fae");
	assert_type("root-verity", "arm64", "df3300ce-d69f-4c92-978c-9bfb0f38d820");
	assert_type("root-verity-sig", "arm64", "6db69de6-29f4-4758-a7a5-962190f00ce3");
	assert_type("root", "arm", "69dad710-2ce4-4e3c-b16c-21a1d49abed3");
	assert_type("root-verity", "arm", "7386cdf2-203c-47a9-a498-f2ecce45a2d6");
	assert_type("root", "x86-64", "4f68bce3-e8cd-4db1-96e7-fbcaf984b709");
	assert_type("usr-verity", "x86-64", "77ff5f63-e7b6-4633-acf4-1565b864c0e6");
	assert_type("usr", "riscv64", "beaec34b-8442-439b-a40b-984381ed097d");
	assert_type("root", "mips", "e9434544-6e2c-47cc-bae2-12d6deafb44c");
	assert_type("root", "mips-le", "37c58c8a-d913-4156-a25f-48b1b64e07f0");
	assert_type("usr-verity-sig", "parisc", "450dd7d1-3224-45ec-9cf2-a43a346d71ee");
	assert_type("esp", NULL, "c12a7328-f81f-11d2-ba4b-00a0c93ec93b");
	assert_type("home", "arm64", "933ac7e1-2eb4-4f13-b844-0e14e2aef915");
	assert_type("linux-generic", NULL, "0fc63daf-8483-4772-8e79-3d69d8477de4");
}

static void every_architecture_has_all_six_types(void **state)
{
	static const char *const names[] = {"root", "root-verity", "root-verity-sig",
					    "usr",  "usr-verity",  "usr-verity-sig"};
	size_t seen = 0;

	for (const char *const *a = dps_architectures(); *a; a++) {
		for (size_t i = 0; i < 6; i++) {
			const struct dps_type *type = dps_by_name(names[i], *a);

			if (!type)
				fail_msg("%s has no %s", *a, names[i]);
			assert_ptr_equal(dps_by_uuid(&type->uuid), type); /* none stands twice */
			assert_int_equal(type->kind, (int)(i % 3));
			seen++;
		}
	}
	assert_int_equal(seen, 21 * 6);
}

static void every_name_can_be_found(void **state)
{
	for (const char *const *name = dps_names(); *name; name++) {
		const struct dps_type *type = dps_by_name(*name, "arm64");

		assert_non_null(type);
		assert_ptr_equal(dps_by_uuid(&type->uuid), type);
	}
}

static void types_of_an_architecture_need_one(void **state)
{
	assert_null(dps_by_name("root", NULL));
	assert_null(dps_by_name("root", "z80"));
	assert_null(dps_by_name("boot", "arm64"));
	assert_null(dps_by_uuid(&dps_vault_type));
}

static void companions_are_of_the_same_architecture(void **state)
{
	const struct dps_type *usr = dps_by_name("usr", "riscv64");

	assert_ptr_equal(dps_companion(&usr->uuid, DPS_VERITY),
			 dps_by_name("usr-verity", "riscv64"));
	assert_ptr_equal(dps_companion(&usr->uuid, DPS_SIGNATURE),
			 dps_by_name("usr-verity-sig", "riscv64"));
	assert_null(dps_companion(&dps_by_name("home", NULL)->uuid, DPS_VERITY));
	assert_null(dps_companion(&dps_by_name("usr-verity", "riscv64")->uuid, DPS_VERITY));
	assert_null(dps_companion(&dps_vault_type, DPS_VERITY));
}

static void this_host_is_known(void **state)
{
	const char *host = dps_host_architecture();

	assert_non_null(host);
	assert_non_null(dps_by_name("root", host));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(types_are_those_of_the_specification),
	    cmocka_unit_test(every_architecture_has_all_six_types),
	    cmocka_unit_test(every_name_can_be_found),
	    cmocka_unit_test(types_of_an_architecture_need_one),
	    cmocka_unit_test(companions_are_of_the_same_architecture),
	    cmocka_unit_test(this_host_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
