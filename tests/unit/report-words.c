/* SPDX-License-Identifier: Apache-2.0 */
/* Findings put together, and what a person reads of them and of a plan. */
#include <stdio.h>
#include <string.h>

#include "lib/check.h"
#include "model/layer.h"
#include "report/words.h"

static struct report report;
static struct text text;

static int set_up(void **state)
{
	report_init(&report);
	return 0;
}

static int tear_down(void **state)
{
	report_free(&report);
	text_free(&text);
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

static void findings_say_where(void **state)
{
	struct finding f = block;

	f.blocks = 1;
	words_finding(&f, &text);
	assert_string_equal(text.s, "corrupt: root:a: verity data, bytes 8192 to 12287: "
				    "does not match its hash\n");
	text_free(&text);
	f = (struct finding){.kind = FINDING_MENDABLE,
			     .volume = "",
			     .layer = "gpt",
			     .area = "backup header",
			     .len_bytes = 0,
			     .text = "is not there"};
	words_finding(&f, &text);
	assert_string_equal(text.s, "mendable: gpt backup header: is not there\n");
	text_free(&text);
	f = block;
	f.kind = FINDING_UNREADABLE;
	f.len_bytes = 8192;
	f.blocks = 2;
	words_finding(&f, &text);
	assert_string_equal(text.s, "unreadable: root:a: verity data, bytes 8192 to 16383 "
				    "(2 blocks): does not match its hash\n");
}

static void kinds_have_names(void **state)
{
	assert_string_equal(finding_kind_name(FINDING_CORRUPT), "corrupt");
	assert_string_equal(finding_kind_name(FINDING_UNPROVEN), "unproven");
	assert_string_equal(finding_kind_name(FINDING_UNREADABLE), "unreadable");
	assert_string_equal(finding_kind_name(FINDING_MENDABLE), "mendable");
	assert_string_equal(finding_kind_name(FINDING_WRONG), "wrong");
}

static void reports_end_with_a_sum(void **state)
{
	report.checked_bytes = 3 << 20;
	report.volumes_checked = 1;
	words_report(&report, &text);
	assert_string_equal(text.s, "1 volume and 3.0 MiB checked: nothing wrong\n");
	text_free(&text);
	report.volumes_checked = 2;
	assert_int_equal(report_add(&report, &block), 0);
	assert_int_equal(report_note(&report, "%s was not checked", "data"), 0);
	words_report(&report, &text);
	assert_string_equal(text.s, "corrupt: root:a: verity data, bytes 8192 to 12287: "
				    "does not match its hash\n"
				    "note: data was not checked\n"
				    "2 volumes and 3.0 MiB checked: 1 finding\n");
}

static int nothing(const struct step *s, struct job *job, struct cursor *c)
{
	return 0;
}

static void a_plan_shows_places_steps_and_losses(void **state)
{
	static const struct step_ops tree = {"hash tree", STEP_CURSOR, nothing, NULL};
	static struct layout layout;
	struct plan *p = plan_new(&layout, INTENT_PROVISION);
	const struct step s = {
	    .ops = &tree, .subject = "root", .detail = "sha256", .work_bytes = 2 << 20};
	struct request *r;

	p->capacity_bytes = 64 << 20;
	p->sector_bytes = 512;
	p->has_seed = true;
	memset(p->layout_digest, 0xab, sizeof(p->layout_digest));
	memset(p->digest, 0xcd, sizeof(p->digest));
	r = plan_request(p, REQUEST_VOLUME, NULL, ROLE_DATA);
	r->what = "root";
	r->in_table = true;
	r->placed = (struct extent){4 << 20, 16 << 20};
	r = plan_request(p, REQUEST_KEEP, NULL, ROLE_DATA);
	r->what = "misc";
	r->in_table = true;
	r->placed = (struct extent){20 << 20, 1 << 20};
	assert_int_equal(plan_add(p, &s), 0);
	assert_int_equal(array_add(&p->lost, (const char *)"partition 3 \"old\""), 0);
	words_plan(p, &text);
	assert_non_null(strstr(text.s, "layout digest  abababab"));
	assert_non_null(strstr(text.s, "plan digest    cdcdcdcd"));
	assert_null(strstr(text.s, "will be drawn"));
	assert_non_null(strstr(text.s, "67108864 bytes (64.0 MiB), sectors of 512\n"));
	assert_non_null(strstr(text.s, "4194304         16777216     16.0 MiB  root\n"));
	assert_non_null(strstr(text.s, "misc (kept as it is)\n"));
	assert_non_null(strstr(text.s, "   1  cursor   root        -           hash tree"));
	assert_non_null(strstr(text.s, "2.0 MiB  sha256\n"));
	assert_non_null(strstr(text.s, "writes at most 2.0 MiB "));
	assert_non_null(strstr(text.s, "overhead       48.0 MiB "));
	assert_non_null(strstr(text.s, "would be lost: partition 3 \"old\"\n"));
	p->has_seed = false;
	words_plan(p, &text);
	assert_non_null(strstr(text.s, "will be drawn"));
	plan_free(p);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(neighbours_become_one_finding),
	    TEST(others_stay_apart),
	    TEST(all_must_be_mendable),
	    TEST(findings_say_where),
	    TEST(kinds_have_names),
	    TEST(reports_end_with_a_sum),
	    TEST(a_plan_shows_places_steps_and_losses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
