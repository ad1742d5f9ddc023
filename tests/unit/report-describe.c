/* SPDX-License-Identifier: Apache-2.0 */
/* What people read of a plan before anything is written. */
#include <string.h>

#include "lib/check.h"
#include "model/layer.h"
#include "report/describe.h"
#include "report/words.h"

static struct text text;

static void print(const struct plan *p)
{
	struct result *r = result_new(EVENT_RESULT);

	text_free(&text);
	describe_plan(r, p);
	words_print(r, &text);
	result_free(r);
	assert_false(text.failed);
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
	print(p);
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
	print(p);
	assert_non_null(strstr(text.s, "will be drawn"));
	plan_free(p);
	text_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_plan_shows_places_steps_and_losses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
