/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines: how words become options, and which options go together. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "cmd/cli/command.h"
#include "lib/check.h"

static const struct flag flags[] = {
    {"output", 'o', "FILE", ""},
    {"to", 0, "CERT", "", .needs = "output", .excludes = "receipt qr"},
    {"receipt", 0, "FILE", ""},
    {"qr", 'q', NULL, "", .why = "it shows a key"},
    {"set", 0, "NAME=VALUE", ""},
    {0},
};
static const struct command command = {
    .name = "try", .synopsis = "TARGET [VOLUME]", .flags = flags, .min_args = 1, .max_args = 2};
static const struct command choosy = {.name = "choose",
				      .synopsis = "TARGET",
				      .flags = flags,
				      .one_of = "to receipt",
				      .min_args = 1,
				      .max_args = 1};
static const struct flag wanted[] = {{"output", 'o', "FILE", "", .required = true}, {0}};
static const struct command wants = {
    .name = "want", .synopsis = "", .flags = wanted, .min_args = 0, .max_args = 0};

static struct call call;

/* Parses "one two three". */
static int parse(const struct command *c, const char *words)
{
	static char text[256];
	char *argv[32];
	int argc = 0;

	diag_forget(0);
	snprintf(text, sizeof(text), "%s", words);
	for (char *w = strtok(text, " "); w; w = strtok(NULL, " "))
		argv[argc++] = w;
	return call_parse(c, argc, argv, &call);
}

static void refused(const struct command *c, const char *words, const char *says)
{
	assert_int_equal(parse(c, words), -EINVAL);
	assert_int_equal(diag_count(), 1);
	assert_int_equal(diag_get(0)->code, DIAG_USAGE);
	if (!strstr(diag_get(0)->text, says))
		fail_msg("%s: \"%s\" does not say \"%s\"", words, diag_get(0)->text, says);
	diag_forget(0);
}

static void words_become_options_and_arguments(void **state)
{
	const char *values[4];

	assert_int_equal(parse(&command, "t -o f --set a=b v --set=c=d -q --json"), 0);
	assert_int_equal(call.n_args, 2);
	assert_string_equal(call.args[0], "t");
	assert_string_equal(call.args[1], "v");
	assert_string_equal(call_value(&call, "output"), "f");
	assert_true(call_has(&call, "qr") && call_has(&call, "json"));
	assert_false(call_has(&call, "receipt"));
	assert_null(call_value(&call, "receipt"));
	assert_string_equal(call_value(&call, "set"), "c=d"); /* the last one */
	assert_int_equal(call_values(&call, "set", values, 4), 2);
	assert_string_equal(values[0], "a=b");
	assert_int_equal(call_values(&call, "set", values, 1), 1);
	assert_int_equal(parse(&command, "-of t"), 0);
	assert_string_equal(call_value(&call, "output"), "f");
	assert_int_equal(parse(&command, "t -- -q"), 0); /* an argument from then on */
	assert_int_equal(call.n_args, 2);
	assert_string_equal(call.args[1], "-q");
	assert_false(call_has(&call, "qr"));
	assert_int_equal(parse(&command, "-"), 0);
	assert_string_equal(call.args[0], "-");
}

static void help_needs_nothing_else(void **state)
{
	assert_int_equal(parse(&command, "--help"), 1);
	assert_int_equal(parse(&choosy, "t -h"), 1);
}

static void what_is_no_option_is_refused(void **state)
{
	refused(&command, "t --quer", "--quer");
	refused(&command, "t --outputs f", "--output?");
	refused(&command, "t --jsn", "--json?");
	refused(&command, "t -x", "-x");
}

static void values_belong_to_options_that_take_one(void **state)
{
	refused(&command, "t --output", "--output needs FILE");
	refused(&command, "t --qr=yes", "--qr takes no value");
	refused(&command, "t -qx", "--qr takes no value");
	refused(&command, "t --json=yes", "--json takes no value");
}

static void arguments_are_counted(void **state)
{
	refused(&command, "", "usage: holdfast try TARGET [VOLUME]");
	refused(&command, "a b c", "usage: holdfast try");
}

static void an_option_is_not_taken_without_the_one_it_needs(void **state)
{
	refused(&command, "t --to c", "--to goes only with --output FILE");
	assert_int_equal(parse(&command, "t --to c --output f"), 0);
	assert_int_equal(parse(&command, "t --output f"), 0);
}

static void options_that_contradict_each_other_are_refused(void **state)
{
	refused(&command, "t --to c -o f --receipt r", "--to does not go with --receipt FILE");
	refused(&command, "t -o f --qr --to c", "--to does not go with --qr");
	assert_int_equal(parse(&command, "t --receipt r --qr"), 0);
}

static void one_of_several_is_needed(void **state)
{
	refused(&choosy, "t", "needs --to CERT or --receipt FILE");
	assert_int_equal(parse(&choosy, "t --receipt r"), 0);
	assert_int_equal(parse(&choosy, "t --to c -o f"), 0);
}

static void a_required_option_is_asked_for(void **state)
{
	refused(&wants, "", "needs --output FILE");
	assert_int_equal(parse(&wants, "-o f"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(words_become_options_and_arguments),
	    cmocka_unit_test(help_needs_nothing_else),
	    cmocka_unit_test(what_is_no_option_is_refused),
	    cmocka_unit_test(values_belong_to_options_that_take_one),
	    cmocka_unit_test(arguments_are_counted),
	    cmocka_unit_test(an_option_is_not_taken_without_the_one_it_needs),
	    cmocka_unit_test(options_that_contradict_each_other_are_refused),
	    cmocka_unit_test(one_of_several_is_needed),
	    cmocka_unit_test(a_required_option_is_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
