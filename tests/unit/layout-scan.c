/* SPDX-License-Identifier: Apache-2.0 */
/* The first look at a layout's text: what comes out of it, and the line of what is wrong. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "layout/scan.h"
#include "lib/check.h"

static const struct setting settings[] = {
    {"SERIAL", "A-17.b_3"}, {"NAME", "say \"hi\" \\ there"}, {"EMPTY", ""}, {"AGAIN", "${SERIAL}"},
    {"BELL", "a\ab"},
};

static int scan(const char *text, struct scanned *ret)
{
	return scan_text("x.layout", text, strlen(text), settings,
			 sizeof(settings) / sizeof(settings[0]), ret);
}

static void becomes(const char *text, const char *wanted)
{
	_cleanup_scanned_ struct scanned s = {0};

	if (scan(text, &s) != 0)
		fail_msg("%s: %s", text, diag_get(0)->text);
	assert_string_equal(s.text.s ? s.text.s : "", wanted);
}

static void refused(const char *text, enum diag_code code, unsigned line, const char *says)
{
	_cleanup_scanned_ struct scanned s = {0};
	char where[32];

	snprintf(where, sizeof(where), "x.layout:%u: ", line);
	if (scan(text, &s) != -EINVAL)
		fail_msg("taken: %s", text);
	assert_int_equal(diag_count(), 1);
	assert_int_equal(diag_get(0)->code, code);
	if (strncmp(diag_get(0)->text, where, strlen(where)) != 0 ||
	    !strstr(diag_get(0)->text, says))
		fail_msg("%s: %s", text, diag_get(0)->text);
	diag_forget(0);
}

static void comments_go_and_lines_stay(void **state)
{
	becomes("a = 1 # b\nc", "a = 1 \nc");
	becomes("a // b\n# c\n", "a \n\n");
	becomes("a /* b\n c\n*/ d", "a \n\n  d");
	becomes("a /*/ b */ c", "a   c");
	becomes("a = \"# // /*\"", "a = \"# // /*\"");
	becomes("a\r\nb\r\n", "a\nb\n");
}

static void settings_are_put_in(void **state)
{
	becomes("a = ${SERIAL}", "a = A-17.b_3");
	becomes("a = \"x${SERIAL}y\"", "a = \"xA-17.b_3y\"");
	becomes("a = \"${NAME}\"", "a = \"say \\\"hi\\\" \\\\ there\"");
	becomes("a = \"${EMPTY}\"", "a = \"\"");
	becomes("a = '${SERIAL}'", "a = '${SERIAL}'"); /* as libconfuse has it */
	becomes("# ${NOBODY}\n", "\n");
	refused("\na = ${NOBODY}", DIAG_LAYOUT_UNKNOWN, 2, "--set NOBODY=");
	refused("a = ${SERIA}", DIAG_LAYOUT_UNKNOWN, 1, "SERIA");
	refused("a = ${NAME}", DIAG_LAYOUT_VALUE, 1, "quotes");
	refused("a = ${EMPTY}", DIAG_LAYOUT_VALUE, 1, "empty");
	refused("a = \"${AGAIN}\"", DIAG_LAYOUT_VALUE, 1, "AGAIN");
	refused("a = \"${BELL}\"", DIAG_LAYOUT_VALUE, 1, "control character");
	refused("a = ${SERIAL", DIAG_LAYOUT_SYNTAX, 1, "${NAME}");
	refused("a = ${}", DIAG_LAYOUT_SYNTAX, 1, "${NAME}");
	refused("a = ${SERIAL }", DIAG_LAYOUT_SYNTAX, 1, "${NAME}");
}

/* The line told is that of the beginning, not where the text ends. */
static void what_does_not_end_is_told_where_it_begins(void **state)
{
	refused("a\n/* b\n\n", DIAG_LAYOUT_SYNTAX, 2, "comment");
	refused("a = \"b\nc\"", DIAG_LAYOUT_SYNTAX, 1, "string");
	refused("\n\na = 'b", DIAG_LAYOUT_SYNTAX, 3, "string");
	refused("a = \"b\\", DIAG_LAYOUT_SYNTAX, 1, "string");
	refused("v {\n w {\n }\n", DIAG_LAYOUT_SYNTAX, 1, "section");
	refused("v {\n w {\n x = 1\n", DIAG_LAYOUT_SYNTAX, 2, "section");
	refused("v {\n x = {\"a\",\n", DIAG_LAYOUT_SYNTAX, 2, "list");
	refused("v {\n}\n}\n", DIAG_LAYOUT_SYNTAX, 3, "}");
}

static void sections_know_where_they_begin(void **state)
{
	_cleanup_scanned_ struct scanned s = {0};

	assert_int_equal(scan("a { x = {1, 2}\n b {\n } }\n/*\n*/ c\n{ }", &s), 0);
	assert_int_equal(s.opened.n, 3); /* in the order in which they close; lists are none */
	assert_int_equal(s.opened.v[0], 2);
	assert_int_equal(s.opened.v[1], 1);
	assert_int_equal(s.opened.v[2], 6);
}

static void a_second_value_is_refused(void **state)
{
	refused("v {\n size = 1\n\n size = 2 }", DIAG_LAYOUT_REPEATED, 4, "from line 2");
	refused("x = {1}\nx = {2}", DIAG_LAYOUT_REPEATED, 2, "from line 1");
	becomes("v { size = 1 } v { size = 2 }", "v { size = 1 } v { size = 2 }");
	becomes("size = 1 v { size = 2 } sizes = 3", "size = 1 v { size = 2 } sizes = 3");
	refused("size = 1 v { size = 2 }\nsize = 3", DIAG_LAYOUT_REPEATED, 2, "from line 1");
}

static void what_libconfuse_would_take_otherwise_is_refused(void **state)
{
	refused("x += 1", DIAG_LAYOUT_SYNTAX, 1, "+=");
	refused("\ninclude(\"x\")", DIAG_LAYOUT_SYNTAX, 2, "(");
	refused("x = 1)", DIAG_LAYOUT_SYNTAX, 1, ")");
	refused("x = 1\n\a", DIAG_LAYOUT_SYNTAX, 2, "control character");
	refused("x = \x7f", DIAG_LAYOUT_SYNTAX, 1, "control character");
	refused("= 1", DIAG_LAYOUT_SYNTAX, 1, "=");
	refused("a{a{a{a{a{a{a{a{a{", DIAG_LAYOUT_SYNTAX, 1, "deep");
	becomes("a{a{a{a{a{a{a{a{}}}}}}}}", "a{a{a{a{a{a{a{a{}}}}}}}}");
}

static void a_nul_byte_is_refused(void **state)
{
	static const char text[] = "x = 1\n\0 y = 2";
	_cleanup_scanned_ struct scanned s = {0};

	assert_int_equal(scan_text("x.layout", text, sizeof(text) - 1, NULL, 0, &s), -EINVAL);
	assert_int_equal(diag_get(0)->code, DIAG_LAYOUT_SYNTAX);
	assert_non_null(strstr(diag_get(0)->text, "x.layout:2: "));
	diag_forget(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(comments_go_and_lines_stay),
	    cmocka_unit_test(settings_are_put_in),
	    cmocka_unit_test(what_does_not_end_is_told_where_it_begins),
	    cmocka_unit_test(sections_know_where_they_begin),
	    cmocka_unit_test(a_second_value_is_refused),
	    cmocka_unit_test(what_libconfuse_would_take_otherwise_is_refused),
	    cmocka_unit_test(a_nul_byte_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
