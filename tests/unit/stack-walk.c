/* SPDX-License-Identifier: Apache-2.0 */
/* The walks over volumes and layers, with kinds that only write down that they were called. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "lib/check.h"
#include "model/build.h"
#include "stack/learn.h"
#include "stack/open.h"
#include "stack/plan.h"
#include "stack/verify.h"

static const struct option_spec no_options[] = {{0}};
static struct layout *layout;
static struct medium *medium;
static struct plan *plan;
static struct text calls; /* "root/low.size root/top.size …" */
static const char *fails; /* this call fails */
static struct env env;
static struct job job = {.env = &env};

static int called(const struct layer *l, const char *what)
{
	char *now = text_make("%s/%s.%s", l->volume->full_name, l->ops->name, what);
	int r = fails && strcmp(now, fails) == 0 ? diag_fail(DIAG_INTERNAL, EDOM, "%s", now) : 0;

	text_add(&calls, "%s%s", calls.len ? " " : "", now);
	free(now);
	return r;
}

/* --- kinds --- */

static int bound_low(const struct layer *l, struct bound *ret)
{
	*ret = (struct bound){.kind = BOUND_FIXED, .bytes = 1 << 20};
	return 0;
}

static int run(const struct step *s, struct job *j, struct cursor *c)
{
	return 0;
}

static const struct step_ops ready = {"ready", STEP_REDO, run, NULL};
static const struct step_ops write_it = {"write", STEP_REDO, run, NULL};
static const struct step_ops commit_it = {"commit", STEP_REDO, run, NULL};
static const struct step_ops table = {"table", STEP_REDO, run, NULL};

/* Each adds 4096 to what the one above needs; the lowest asks the medium. */
static int size(const struct layer *l, struct sizing *s, struct plan *p)
{
	s->need_bytes += 4096;
	if (!l->below) {
		struct request *r = plan_request(p, REQUEST_VOLUME, l->volume, ROLE_DATA);

		r->what = l->volume->full_name;
		r->size_bytes = s->need_bytes;
	}
	return called(l, "size");
}

static int prepare(const struct layer *l, struct plan *p)
{
	const struct step s = {.ops = &ready, .layer = l};

	return called(l, "prepare") < 0 ? -EDOM : plan_add(p, &s);
}

static int plan_layer(const struct layer *l, struct plan *p)
{
	const struct step s = {.ops = &write_it, .layer = l};

	return called(l, "plan") < 0 ? -EDOM : plan_add(p, &s);
}

static int learn(struct layer *l, struct job *j)
{
	return called(l, "learn");
}

static int verify(const struct layer *l, struct job *j, struct report *report)
{
	const struct finding f = {.kind = FINDING_CORRUPT, .volume = l->volume->full_name};

	if (fails && strcmp(fails, "finding") == 0 && !l->below)
		return report_add(report, &f);
	return called(l, "verify");
}

static int open_layer(const struct layer *l, struct job *j, const struct open_how *how,
		      const struct place *below, struct place *ret)
{
	return called(l, "open");
}

static int close_layer(const struct layer *l, struct job *j, const struct open_how *how)
{
	return called(l, "close");
}

static const struct layer_kernel_ops kernel = {.open = open_layer, .close = close_layer};

#define KIND(c, p)                                                                                 \
	.consumes = (c), .provides = (p), .options = no_options, .size = size, .prepare = prepare, \
	.plan = plan_layer, .learn = learn, .verify = verify, .kernel = &kernel

static const struct layer_ops low = {
    .name = "low", .bound = bound_low, KIND(PLACE_GPT, PLACE_BYTES)};
static const struct layer_ops middle = {.name = "middle", KIND(PLACE_BYTES, PLACE_BYTES)};
static const struct layer_ops top = {.name = "top", KIND(PLACE_BYTES, PLACE_DIRECTORY)};

static int allocate(const struct medium *m, struct plan *p)
{
	uint64_t at = 0;

	for (size_t i = 0; i < p->n_requests; i++) {
		p->requests[i].placed = (struct extent){at, p->requests[i].size_bytes};
		at += p->requests[i].size_bytes;
	}
	return 0;
}

static uint64_t least(const struct medium *m, const struct plan *p)
{
	return 7 << 20;
}

static int plan_table(const struct medium *m, struct plan *p)
{
	const struct step s = {.ops = &table, .subject = "disk"};

	return plan_add(p, &s);
}

static int commit(struct plan *p)
{
	const struct step s = {.ops = &commit_it, .subject = "vault"};

	return plan_add(p, &s);
}

static const struct medium_ops disk = {.name = "disk",
				       .provides = PLACE_GPT,
				       .options = no_options,
				       .allocate = allocate,
				       .least_bytes = least,
				       .plan = plan_table};

/* --- fixture --- */

static struct volume *add(const char *name, const char *slot)
{
	const struct where nowhere = {0};
	struct volume *v = layout_add_volume(layout, name, slot, medium, nowhere);

	volume_add_layer(v, &low, nowhere);
	volume_add_layer(v, &middle, nowhere);
	volume_add_layer(v, &top, nowhere);
	return v;
}

static int set_up(void **state)
{
	layout = layout_new();
	layout->vault.extent = (struct extent){1 << 20, 8 << 20};
	medium = layout_add_medium(layout, &disk, "m", (struct where){0});
	plan = plan_new(layout, INTENT_PROVISION);
	plan->sector_bytes = 512;
	fails = NULL;
	return 0;
}

static int tear_down(void **state)
{
	plan = plan_free(plan);
	layout = layout_free(layout);
	text_free(&calls);
	diag_forget(0);
	return 0;
}

static void were_called(const char *wanted)
{
	assert_string_equal(calls.s ? calls.s : "", wanted);
	text_free(&calls);
}

/* --- planning --- */

static void sizes_go_down_and_requests_to_the_medium(void **state)
{
	const struct request *r;

	add("root", NULL);
	assert_int_equal(stack_place(plan), 0);
	were_called("root/top.size root/middle.size root/low.size");
	assert_int_equal(plan->n_requests, 2);
	r = &plan->requests[0]; /* the vault comes first, at its place */
	assert_int_equal(r->kind, REQUEST_VAULT);
	assert_true(r->has_offset);
	assert_int_equal(r->offset_bytes, 1 << 20);
	assert_int_equal(r->size_bytes, 8 << 20);
	assert_int_equal(r->uuid.b[6] >> 4, 4);
	assert_int_equal(plan->requests[1].size_bytes, 3 * 4096);
	assert_int_equal(plan->requests[1].placed.size_bytes, 3 * 4096);
	assert_int_equal(plan->capacity_bytes, 7 << 20); /* the least, as nobody said more */
}

static void a_target_keeps_its_size(void **state)
{
	add("root", NULL);
	plan->capacity_bytes = 64 << 20;
	assert_int_equal(stack_place(plan), 0);
	assert_int_equal(plan->capacity_bytes, 64 << 20);
}

/* What makes a thing recognisable is written last: the table after the vault, both after all. */
static void steps_come_in_their_order(void **state)
{
	static const char *const wanted[] = {"low ready",    "middle ready", "top ready",
					     "top write",    "middle write", "low write",
					     "vault commit", "disk table"};

	add("root", NULL);
	assert_int_equal(stack_plan(plan, commit), 0);
	were_called("root/low.prepare root/middle.prepare root/top.prepare "
		    "root/top.plan root/middle.plan root/low.plan");
	assert_int_equal(plan->steps.n, 8);
	for (size_t i = 0; i < 8; i++) {
		const struct step *s = &plan->steps.v[i];
		char *is =
		    text_make("%s %s", s->layer ? s->layer->ops->name : s->subject, s->ops->name);

		assert_string_equal(is, wanted[i]);
		free(is);
	}
}

static void reserved_and_absent_volumes_are_not_made(void **state)
{
	add("root", "a");
	add("root", "b")->reserved = true;
	add("data", NULL)->absent = true;
	assert_int_equal(stack_plan(plan, commit), 0);
	were_called("root:a/low.prepare root:a/middle.prepare root:a/top.prepare "
		    "root:a/top.plan root:a/middle.plan root:a/low.plan");
}

static void the_digest_follows_the_steps(void **state)
{
	struct plan *other = plan_new(layout, INTENT_PROVISION), *again;

	add("root", NULL);
	assert_int_equal(stack_plan(plan, commit), 0);
	again = plan_new(layout, INTENT_PROVISION);
	again->sector_bytes = other->sector_bytes = 512;
	assert_int_equal(stack_plan(again, commit), 0);
	assert_memory_equal(plan->digest, again->digest, SHA256_BYTES);
	add("data", NULL);
	assert_int_equal(stack_plan(other, commit), 0);
	assert_memory_not_equal(plan->digest, other->digest, SHA256_BYTES);
	plan_free(other);
	plan_free(again);
}

static void given_up_contents_are_discarded_first(void **state)
{
	struct volume *v = add("root", NULL);

	v->pieces[ROLE_DATA].extent = (struct extent){4096, 8192};
	plan->retire = true;
	assert_int_equal(stack_plan(plan, commit), 0);
	assert_string_equal(plan->steps.v[0].ops->name, "discard");
	assert_int_equal(plan->steps.v[0].target.offset_bytes, 4096);
	assert_int_equal(plan->steps.v[0].target.size_bytes, 8192);
	assert_string_equal(plan->steps.v[1].ops->name, "ready");
}

static void a_layer_that_fails_ends_the_plan(void **state)
{
	add("root", NULL);
	add("data", NULL);
	fails = "root/middle.prepare";
	assert_int_equal(stack_plan(plan, commit), -EDOM);
	were_called("root/low.prepare root/middle.prepare");
	assert_string_equal(diag_get(0)->scope, "volume root: layer middle");
}

/* --- learning, checking --- */

static void what_was_made_is_learnt_from_the_bottom_up(void **state)
{
	add("root", "a");
	add("root", "b")->reserved = true;
	add("data", NULL)->absent = true;
	assert_int_equal(stack_learn(layout, &job), 0);
	were_called("root:a/low.learn root:a/middle.learn root:a/top.learn");
}

static void all_volumes_are_checked_and_reserved_ones_noted(void **state)
{
	struct report report;

	add("root", "a");
	add("root", "b")->reserved = true;
	add("data", NULL);
	report_init(&report);
	assert_int_equal(stack_verify(layout, NULL, 0, &job, &report), 0);
	were_called("root:a/low.verify root:a/middle.verify root:a/top.verify "
		    "data/low.verify data/middle.verify data/top.verify");
	assert_int_equal(report.volumes_checked, 2);
	assert_int_equal(report.notes.n, 1);
	assert_non_null(strstr(report.notes.v[0], "root:b"));
	report_free(&report);
}

static void only_the_named_volumes_are_checked(void **state)
{
	struct volume *data;
	struct report report;

	add("root", NULL);
	data = add("data", NULL);
	report_init(&report);
	assert_int_equal(stack_verify(layout, &data, 1, &job, &report), 0);
	were_called("data/low.verify data/middle.verify data/top.verify");
	assert_int_equal(report.volumes_checked, 1);
	report_free(&report);
}

static void above_a_place_that_is_not_there_nothing_is_checked(void **state)
{
	struct report report;

	add("root", NULL);
	fails = "finding";
	report_init(&report);
	assert_int_equal(stack_verify(layout, NULL, 0, &job, &report), 0);
	were_called("");
	assert_int_equal(report.findings.n, 1);
	report_free(&report);
}

/* --- opening --- */

static void stacks_open_bottom_up_and_close_top_down(void **state)
{
	const struct open_how how = {.mount_below = "/mnt"}, no_mount = {0};
	struct volume *v = add("root", NULL);
	struct place place;

	assert_int_equal(stack_open(v, &job, &how, &place), 0);
	were_called("root/low.open root/middle.open root/top.open");
	assert_int_equal(stack_close(v, &job, &how), 0);
	were_called("root/top.close root/middle.close root/low.close");
	assert_int_equal(stack_open(v, &job, &no_mount, &place), 0);
	were_called("root/low.open root/middle.open");
}

static void what_was_opened_is_closed_where_a_layer_fails(void **state)
{
	const struct open_how how = {.mount_below = "/mnt"};
	struct volume *v = add("root", NULL);
	struct place place;

	fails = "root/top.open";
	assert_int_equal(stack_open(v, &job, &how, &place), -EDOM);
	were_called("root/low.open root/middle.open root/top.open "
		    "root/middle.close root/low.close");
}

static void closing_ends_where_a_layer_cannot_be_closed(void **state)
{
	const struct open_how how = {0};
	struct volume *v = add("root", NULL);

	fails = "root/middle.close";
	assert_int_equal(stack_close(v, &job, &how), -EDOM);
	were_called("root/top.close root/middle.close");
}

static void a_reserved_slot_is_not_opened(void **state)
{
	const struct open_how how = {0};
	struct volume *v = add("root", "b");
	struct place place;

	v->reserved = true;
	assert_int_equal(stack_open(v, &job, &how, &place), -ENOENT);
	assert_int_equal(diag_get(0)->code, DIAG_NO_VOLUME);
	were_called("");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(sizes_go_down_and_requests_to_the_medium),
	    TEST(a_target_keeps_its_size),
	    TEST(steps_come_in_their_order),
	    TEST(reserved_and_absent_volumes_are_not_made),
	    TEST(the_digest_follows_the_steps),
	    TEST(given_up_contents_are_discarded_first),
	    TEST(a_layer_that_fails_ends_the_plan),
	    TEST(what_was_made_is_learnt_from_the_bottom_up),
	    TEST(all_volumes_are_checked_and_reserved_ones_noted),
	    TEST(only_the_named_volumes_are_checked),
	    TEST(above_a_place_that_is_not_there_nothing_is_checked),
	    TEST(stacks_open_bottom_up_and_close_top_down),
	    TEST(what_was_opened_is_closed_where_a_layer_fails),
	    TEST(closing_ends_where_a_layer_cannot_be_closed),
	    TEST(a_reserved_slot_is_not_opened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
