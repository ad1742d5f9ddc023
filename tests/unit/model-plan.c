/* SPDX-License-Identifier: Apache-2.0 */
/* Plans: which steps are taken, what the digest is over, and values that come from the seed. */
#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "lib/check.h"
#include "model/layer.h"
#include "model/plan.h"

static struct layout layout;
static struct plan *plan;
static struct volume root = {.name = "root", .slot = "a", .full_name = "root:a"};

static int set_up(void **state)
{
	plan = plan_new(&layout, INTENT_PROVISION);
	root.in_shared = false;
	return plan ? 0 : -1;
}

static int tear_down(void **state)
{
	plan = plan_free(plan);
	diag_forget(0);
	return 0;
}

static int run(const struct step *s, struct job *job, struct cursor *c)
{
	return 0;
}

static int happened(const struct step *s, struct job *job)
{
	return 0;
}

static const struct step_ops redo = {"write", STEP_REDO, run, NULL};
static const struct step_ops once = {"count", STEP_ONCE, run, happened};
static const struct step_ops bad_once = {"count", STEP_ONCE, run, NULL};

static void an_irreversible_step_can_be_asked(void **state)
{
	struct step s = {.ops = &bad_once, .subject = "x", .detail = ""};

	assert_int_equal(plan_add(plan, &s), -EINVAL);
	assert_int_equal(diag_get(0)->code, DIAG_INTERNAL);
	assert_int_equal(plan->steps.n, 0);
	s.ops = &once;
	assert_int_equal(plan_add(plan, &s), 0);
	assert_int_equal(plan->steps.n, 1);
}

static void requests_are_found_by_volume_and_role(void **state)
{
	struct request *data = plan_request(plan, REQUEST_VOLUME, &root, ROLE_DATA);
	struct request *hash = plan_request(plan, REQUEST_VOLUME, &root, ROLE_HASH);

	assert_ptr_equal(plan_find(plan, &root, ROLE_DATA), data);
	assert_ptr_equal(plan_find(plan, &root, ROLE_HASH), hash);
	assert_null(plan_find(plan, &root, ROLE_SIGNATURE));
	assert_null(plan_find(plan, NULL, ROLE_DATA));
	while (plan->n_requests < REQUESTS_MAX)
		assert_non_null(plan_request(plan, REQUEST_KEEP, NULL, ROLE_DATA));
	assert_null(plan_request(plan, REQUEST_KEEP, NULL, ROLE_DATA));
	assert_int_equal(diag_get(0)->code, DIAG_LAYOUT_SPACE);
}

/* A plan of everything that the text has. */
static void fill(void)
{
	const struct step s = {
	    .ops = &redo, .subject = "root:a", .detail = "sha256", .target = {8192, 4096}};
	const struct step t = {.ops = &once, .subject = "vault", .detail = ""};
	struct request *r = plan_request(plan, REQUEST_VOLUME, &root, ROLE_DATA);

	memset(plan->layout_digest, 0x11, sizeof(plan->layout_digest));
	memset(plan->seed, 0x22, sizeof(plan->seed));
	memset(plan->instance, 0x33, sizeof(plan->instance));
	plan->has_seed = true;
	plan->capacity_bytes = 1 << 20;
	plan->sector_bytes = 512;
	r->what = "root";
	r->in_table = true;
	r->placed = (struct extent){4096, 8192};
	r->number = 3;
	r->flags = 1;
	memset(r->type.b, 0x44, 16);
	memset(r->uuid.b, 0x55, 16);
	strcpy(r->label, "root-a");
	assert_int_equal(plan_add(plan, &s), 0);
	assert_int_equal(plan_add(plan, &t), 0);
}

#define X8(x) x x x x x x x x
static const char whole_text[] =
    "holdfast plan 1 provision\n"
    "layout " X8("11111111") "\n"
			     "target 1048576 bytes, sectors of 512\n"
			     "seed " X8("22222222") " " X8(
				 "33333333") "\n"
					     "place \"root\" 4096 8192 number 3 type "
					     "44444444-4444-4444-4444-444444444444 "
					     "uuid 55555555-5555-5555-5555-555555555555 flags "
					     "0000000000000001 label \"root-a\"\n"
					     " 1  redo     root:a  -  write  8192 + 4096  sha256\n"
					     " 2  once     vault  -  count\n";

static void the_text_has_all_that_decides_bytes(void **state)
{
	_cleanup_text_ struct text t = {0};

	fill();
	plan_text(plan, &t);
	assert_string_equal(t.s, whole_text);
}

/* How much work it is, and what would be lost, are no part of the digest. */
static void annotations_do_not_change_the_text(void **state)
{
	_cleanup_text_ struct text t = {0};

	fill();
	plan->steps.v[0].work_bytes = 77;
	assert_int_equal(array_add(&plan->lost, (const char *)"old"), 0);
	plan_text(plan, &t);
	assert_string_equal(t.s, whole_text);
}

static void values_that_are_not_known_yet_are_told_so(void **state)
{
	_cleanup_text_ struct text t = {0};

	fill();
	plan->has_seed = false;
	memset(plan->requests[0].uuid.b, 0, 16);
	plan_request(plan, REQUEST_VOLUME, &root, ROLE_HASH)->in_table = true;
	plan->requests[1].uuid.b[0] = 1;
	plan_text(plan, &t);
	assert_non_null(strstr(t.s, "\nseed not drawn yet\n"));
	assert_null(strstr(t.s, "22222222"));
	assert_non_null(strstr(t.s, "uuid from-root-hash "));
	assert_non_null(strstr(t.s, "uuid from-seed "));
}

/* --- values from the seed --- */

struct value {
	uint8_t b[16];
};

static struct value derive(const struct volume *v, const char *purpose)
{
	struct value x;

	assert_int_equal(plan_derive(plan, v, purpose, x.b, sizeof(x.b)), 0);
	return x;
}

static bool same(struct value a, struct value b)
{
	return memcmp(&a, &b, sizeof(a)) == 0;
}

static void a_value_belongs_to_seed_volume_slot_and_purpose(void **state)
{
	struct volume other = root;
	struct value was = derive(&root, "uuid");

	assert_true(same(was, derive(&root, "uuid")));
	assert_false(same(was, derive(&root, "salt")));
	assert_false(same(was, derive(NULL, "uuid")));
	other.name = "rootfs";
	assert_false(same(was, derive(&other, "uuid")));
	other = root;
	other.slot = "b";
	assert_false(same(was, derive(&other, "uuid")));
	other.slot = NULL;
	assert_false(same(was, derive(&other, "uuid")));
	plan->seed[31] ^= 1;
	assert_false(same(was, derive(&root, "uuid")));
}

/* Names and slots do not run together. */
static void fields_of_a_value_are_told_apart(void **state)
{
	struct volume a = {.name = "ro", .slot = "ot"}, b = {.name = "root", .slot = ""};

	assert_false(same(derive(&a, "x"), derive(&b, "x")));
}

static void what_is_shared_is_the_same_on_every_device(void **state)
{
	struct value own, shared;

	own = derive(&root, "uuid");
	root.in_shared = true;
	shared = derive(&root, "uuid");
	plan->instance[0] ^= 1;
	assert_true(same(shared, derive(&root, "uuid")));
	root.in_shared = false;
	assert_false(same(own, derive(&root, "uuid")));
	own = derive(NULL, "disk");
	plan->instance[0] ^= 1;
	assert_false(same(own, derive(NULL, "disk"))); /* the table is the device's own */
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(an_irreversible_step_can_be_asked),
	    TEST(requests_are_found_by_volume_and_role),
	    TEST(the_text_has_all_that_decides_bytes),
	    TEST(annotations_do_not_change_the_text),
	    TEST(values_that_are_not_known_yet_are_told_so),
	    TEST(a_value_belongs_to_seed_volume_slot_and_purpose),
	    TEST(fields_of_a_value_are_told_apart),
	    TEST(what_is_shared_is_the_same_on_every_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
