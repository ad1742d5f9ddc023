/* SPDX-License-Identifier: Apache-2.0 */
/* Findings: which are put together, and which can be mended. */
#include "lib/check.h"
#include "model/report.h"

static struct report report;

static int set_up(void **state)
{
	report_init(&report);
	return 0;
}

static int tear_down(void **state)
{
	report_free(&report);
	return 0;
}

static const struct finding block = {.kind = FINDING_CORRUPT,
				     .volume = "root:a",
				     .layer = "verity",
				     .area = "data",
				     .offset_bytes = 8192,
				     .len_bytes = 4096,
				     .text = "does not match its hash"};

static void neighbours_become_one_finding(void **state)
{
	struct finding f = block;

	for (int i = 0; i < 3; i++, f.offset_bytes += 4096)
		assert_int_equal(report_add(&report, &f), 0);
	assert_int_equal(report.findings.n, 1);
	assert_int_equal(report.findings.v[0].offset_bytes, 8192);
	assert_int_equal(report.findings.v[0].len_bytes, 3 * 4096);
	assert_int_equal(report.findings.v[0].blocks, 3);
}

/* What is another thing, or not next to it, is a finding of its own. */
static void others_stay_apart(void **state)
{
	struct finding next = block, other[6];

	next.offset_bytes += 4096;
	for (int i = 0; i < 6; i++)
		other[i] = next;
	other[0].kind = FINDING_UNPROVEN;
	other[1].volume = "root:b";
	other[2].layer = "integrity";
	other[3].area = "hash level 0";
	other[4].text = "cannot be read";
	other[5].offset_bytes += 4096;
	for (int i = 0; i < 6; i++) {
		report_free(&report);
		assert_int_equal(report_add(&report, &block), 0);
		assert_int_equal(report_add(&report, &other[i]), 0);
		assert_int_equal(report.findings.n, 2);
	}
}

static void all_must_be_mendable(void **state)
{
	struct finding f = block;

	assert_false(report_mendable(&report)); /* there is nothing to mend */
	f.kind = FINDING_MENDABLE;
	assert_int_equal(report_add(&report, &f), 0);
	assert_true(report_mendable(&report));
	assert_int_equal(report_add(&report, &block), 0);
	assert_false(report_mendable(&report));
	assert_int_equal(report_add(&report, &f), 0);
	assert_false(report_mendable(&report));
}

static void kinds_have_names(void **state)
{
	assert_string_equal(finding_kind_name(FINDING_CORRUPT), "corrupt");
	assert_string_equal(finding_kind_name(FINDING_UNPROVEN), "unproven");
	assert_string_equal(finding_kind_name(FINDING_UNREADABLE), "unreadable");
	assert_string_equal(finding_kind_name(FINDING_MENDABLE), "mendable");
	assert_string_equal(finding_kind_name(FINDING_WRONG), "wrong");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(neighbours_become_one_finding),
	    TEST(others_stay_apart),
	    TEST(all_must_be_mendable),
	    TEST(kinds_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
