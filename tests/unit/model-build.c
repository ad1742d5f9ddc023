/* SPDX-License-Identifier: Apache-2.0 */
/* Nouns made one by one, and layouts that are ill-typed: which code, in which line. */
#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "lib/check.h"
#include "model/build.h"

static const char *const sizes[] = {"fill", NULL};
static const struct option_spec bottom_options[] = {{"size", OPTION_SIZE, "4K", .words = sizes},
						    {0}};
static const struct option_spec top_options[] = {
    {"source", OPTION_PATH, .required = true, .help = "What goes in"}, {0}};
static const struct option_spec no_options[] = {{0}};

static int refused; /* what check() of the bottom layer comes to */

static int check_bottom(const struct layer *l)
{
	return refused;
}

static const struct medium_ops disk = {
    .name = "disk", .provides = PLACE_GPT, .options = no_options};
static const struct layer_ops bottom = {.name = "bottom",
					.consumes = PLACE_GPT,
					.provides = PLACE_BYTES,
					.options = bottom_options,
					.check = check_bottom};
static const struct layer_ops as_it_is = {
    .name = "as-it-is", .consumes = PLACE_BYTES, .provides = PLACE_SAME, .options = no_options};
static const struct layer_ops top = {
    .name = "top", .consumes = PLACE_BYTES, .provides = PLACE_DIRECTORY, .options = top_options};

static struct layout *layout;
static struct medium *medium;

static struct where line(unsigned n)
{
	return (struct where){.file = "dir/x.layout", .line = n};
}

static int set_up(void **state)
{
	layout = layout_new();
	layout->file = "dir/x.layout";
	medium = layout_add_medium(layout, &disk, "m", line(1));
	refused = 0;
	return medium ? 0 : -1;
}

static int tear_down(void **state)
{
	layout = layout_free(layout);
	diag_forget(0);
	return 0;
}

static struct layer *add(struct volume *v, const struct layer_ops *ops, unsigned n)
{
	struct layer *l = volume_add_layer(v, ops, line(n));

	assert_non_null(l);
	return l;
}

static int set(struct layer *l, const char *name, const char *value)
{
	return layer_set(l, name, &value, 1, line(9));
}

/* A volume that is well-typed. */
static struct volume *good(const char *name, const char *slot, unsigned n)
{
	struct volume *v = layout_add_volume(layout, name, slot, medium, line(n));

	assert_non_null(v);
	add(v, &bottom, n + 1);
	add(v, &as_it_is, n + 2);
	assert_int_equal(set(add(v, &top, n + 3), "source", "tree"), 0);
	return v;
}

/* The failure number @i has this code, and names this line. */
static void said(size_t i, enum diag_code code, const char *where)
{
	assert_true(diag_count() > i);
	assert_int_equal(diag_get(i)->code, code);
	if (strncmp(diag_get(i)->text, where, strlen(where)) != 0)
		fail_msg("\"%s\" does not begin with %s", diag_get(i)->text, where);
}

static void layers_know_their_neighbours(void **state)
{
	struct volume *v = good("root", "a", 10);

	assert_string_equal(v->name, "root");
	assert_string_equal(v->slot, "a");
	assert_string_equal(v->full_name, "root:a");
	assert_int_equal(v->n_layers, 3);
	assert_null(v->layers[0]->below);
	assert_ptr_equal(v->layers[0]->above, v->layers[1]);
	assert_ptr_equal(v->layers[1]->below, v->layers[0]);
	assert_ptr_equal(v->layers[2]->below, v->layers[1]);
	assert_null(v->layers[2]->above);
	volume_drop_layer(v);
	assert_int_equal(v->n_layers, 2);
	assert_null(v->layers[1]->above);
	assert_string_equal(good("data", NULL, 20)->full_name, "data");
}

static void values_begin_as_the_tables_defaults(void **state)
{
	struct volume *v = layout_add_volume(layout, "root", NULL, medium, line(2));
	struct layer *l = add(v, &bottom, 3), *t = add(v, &top, 4);

	assert_int_equal(l->values[0].number, 4096);
	assert_true(l->values[0].present);
	assert_false(l->values[0].given);
	assert_int_equal(l->values[0].where.line, 3);
	assert_false(t->values[0].present);
	assert_int_equal(set(l, "size", "fill"), 0);
	assert_true(l->values[0].given && l->values[0].is_word);
	assert_int_equal(l->values[0].where.line, 9);
}

static void paths_begin_where_the_layout_is(void **state)
{
	struct volume *v = good("root", NULL, 2);

	assert_string_equal(v->layers[2]->values[0].path, "dir/tree");
	assert_string_equal(v->layers[2]->values[0].text, "tree");
	assert_int_equal(set(v->layers[2], "source", "/abs"), 0);
	assert_string_equal(v->layers[2]->values[0].path, "/abs");
}

static void a_mistake_in_an_option_names_its_line(void **state)
{
	struct layer *l = add(layout_add_volume(layout, "v", NULL, medium, line(2)), &bottom, 3);

	assert_int_equal(set(l, "size", "big"), -EINVAL);
	said(0, DIAG_LAYOUT_VALUE, "dir/x.layout:9: layer bottom: size: ");
	assert_int_equal(set(l, "sise", "4K"), -EINVAL);
	said(1, DIAG_LAYOUT_UNKNOWN, "dir/x.layout:9: layer bottom ");
	assert_non_null(strstr(diag_get(1)->text, "\"size\"?"));
	assert_int_equal(l->values[0].number, 4096); /* left alone */
}

static void a_good_layout_is_checked(void **state)
{
	good("root", NULL, 2);
	good("data", NULL, 12);
	assert_int_equal(layout_check(layout), 0);
	assert_int_equal(diag_count(), 0);
}

static void no_volume_is_no_layout(void **state)
{
	assert_int_equal(layout_check(layout), -EINVAL);
	said(0, DIAG_LAYOUT_SYNTAX, "dir/x.layout: ");
}

static void a_volume_needs_layers(void **state)
{
	layout_add_volume(layout, "root", NULL, medium, line(5));
	assert_int_equal(layout_check(layout), -EINVAL);
	said(0, DIAG_LAYOUT_TYPE, "dir/x.layout:5: ");
}

static void a_layer_stands_on_what_it_consumes(void **state)
{
	struct volume *v = layout_add_volume(layout, "root", NULL, medium, line(2));

	add(v, &as_it_is, 3); /* on a medium */
	assert_int_equal(volume_check(v), -EINVAL);
	said(0, DIAG_LAYOUT_TYPE, "dir/x.layout:3: ");
	v = good("data", NULL, 10);
	add(v, &as_it_is, 20); /* on a directory */
	assert_int_equal(volume_check(v), -EINVAL);
	said(1, DIAG_LAYOUT_TYPE, "dir/x.layout:20: ");
}

static void a_required_option_is_asked_for(void **state)
{
	struct volume *v = layout_add_volume(layout, "root", NULL, medium, line(2));

	add(v, &bottom, 3);
	add(v, &top, 4);
	assert_int_equal(volume_check(v), -EINVAL);
	said(0, DIAG_LAYOUT_VALUE, "dir/x.layout:4: ");
	assert_non_null(strstr(diag_get(0)->text, "source = "));
}

static void the_layers_own_check_counts(void **state)
{
	good("root", NULL, 2);
	refused = -ENOTSUP;
	assert_int_equal(layout_check(layout), -ENOTSUP);
}

static void every_mistake_is_told(void **state)
{
	layout_add_volume(layout, "one", NULL, medium, line(5));
	layout_add_volume(layout, "two", NULL, medium, line(6));
	assert_int_equal(layout_check(layout), -EINVAL);
	assert_int_equal(diag_count(), 2);
	said(0, DIAG_LAYOUT_TYPE, "dir/x.layout:5: ");
	said(1, DIAG_LAYOUT_TYPE, "dir/x.layout:6: ");
}

static void two_volumes_do_not_have_one_name(void **state)
{
	good("root", NULL, 2);
	good("root", NULL, 12);
	assert_int_equal(layout_check(layout), -EINVAL);
	assert_int_equal(diag_count(), 1);
	said(0, DIAG_LAYOUT_REPEATED, "dir/x.layout:12: ");
	assert_non_null(strstr(diag_get(0)->text, "dir/x.layout:2: "));
}

/* The slot root:a is the mapping root-a. */
static void a_slot_is_not_another_volumes_mapping(void **state)
{
	good("root", "a", 2);
	good("root-a", NULL, 12);
	assert_int_equal(layout_check(layout), -EINVAL);
	said(0, DIAG_LAYOUT_REPEATED, "dir/x.layout:12: ");
	diag_forget(0);
	tear_down(state);
	set_up(state);
	good("root", "a", 2);
	good("root", "b", 2);
	good("root-c", NULL, 12);
	assert_int_equal(layout_check(layout), 0);
}

static void there_is_an_end_to_layers_and_volumes(void **state)
{
	struct volume *v = good("root", NULL, 2);

	while (v->n_layers < LAYERS_MAX)
		add(v, &as_it_is, 7);
	assert_null(volume_add_layer(v, &as_it_is, line(8)));
	said(0, DIAG_LAYOUT_TYPE, "dir/x.layout:8: ");
	while (layout->n_volumes < VOLUMES_MAX)
		assert_non_null(layout_add_volume(layout, "v", NULL, medium, line(3)));
	assert_null(layout_add_volume(layout, "v", NULL, medium, line(30)));
	said(1, DIAG_LAYOUT_SPACE, "dir/x.layout:30: ");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(layers_know_their_neighbours),
	    TEST(values_begin_as_the_tables_defaults),
	    TEST(paths_begin_where_the_layout_is),
	    TEST(a_mistake_in_an_option_names_its_line),
	    TEST(a_good_layout_is_checked),
	    TEST(no_volume_is_no_layout),
	    TEST(a_volume_needs_layers),
	    TEST(a_layer_stands_on_what_it_consumes),
	    TEST(a_required_option_is_asked_for),
	    TEST(the_layers_own_check_counts),
	    TEST(every_mistake_is_told),
	    TEST(two_volumes_do_not_have_one_name),
	    TEST(a_slot_is_not_another_volumes_mapping),
	    TEST(there_is_an_end_to_layers_and_volumes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
