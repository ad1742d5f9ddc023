/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Lines: what is printed, whatever bytes come in. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "lib/check.h"
#include "report/json.h"

/* @j on one line; freed with it. */
static void prints(struct json *j, const char *wanted)
{
	char *line = json_print(j, false);

	assert_non_null(line);
	assert_string_equal(line, wanted);
	free(line);
	json_free(j);
}

static void values_of_every_kind(void **state)
{
	struct json *j = json_new("result"), *list;

	json_text(j, "text", "a\"b\\c/d\n");
	json_text(j, "none", NULL);
	json_number(j, "number", UINT64_MAX);
	json_flag(j, "yes", true);
	json_flag(j, "no", false);
	json_hex(j, "hex", (const uint8_t *)"\x00\xfa", 2);
	json_number(json_child(j, "child"), "x", 1);
	list = json_list(j, "list");
	json_text(list, NULL, "one");
	json_number(json_child(list, NULL), "y", 2);
	prints(j, "{\"event\":\"result\",\"text\":\"a\\\"b\\\\c/d\\n\",\"none\":null,"
		  "\"number\":18446744073709551615,\"yes\":true,\"no\":false,\"hex\":\"00fa\","
		  "\"child\":{\"x\":1},\"list\":[\"one\",{\"y\":2}]}\n");
}

static void without_an_event_it_is_an_object(void **state)
{
	prints(json_new(NULL), "{}\n");
}

/* Names on a damaged medium may be anything; the line is UTF-8 all the same. */
static void bytes_that_are_no_utf8_are_shown(void **state)
{
	static const struct {
		const char *bytes, *shown;
	} cases[] = {
	    {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
	    {"a\xff", "a\\\\xff"},
	    {"\xc3", "\\\\xc3"},                                  /* cut short */
	    {"\xc0\x80", "\\\\xc0\\\\x80"},                       /* longer than need be */
	    {"\xe0\x80\x80", "\\\\xe0\\\\x80\\\\x80"},            /* likewise */
	    {"\xed\xa0\x80", "\\\\xed\\\\xa0\\\\x80"},            /* half of a pair */
	    {"\xf4\x90\x80\x80", "\\\\xf4\\\\x90\\\\x80\\\\x80"}, /* there is none so high */
	    {"\xf0\x80\x80\x80", "\\\\xf0\\\\x80\\\\x80\\\\x80"},
	    {"\xe2\x82x", "\\\\xe2\\\\x82x"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct json *j = json_new(NULL);
		char wanted[128] = "{\"t\":\"";

		json_text(j, "t", cases[i].bytes);
		strcat(wanted, cases[i].shown);
		strcat(wanted, "\"}\n");
		prints(j, wanted);
	}
}

static void a_finding_has_all_its_fields(void **state)
{
	const struct finding f = {.kind = FINDING_UNPROVEN,
				  .volume = "root:a",
				  .layer = "verity",
				  .area = "data",
				  .offset_bytes = 8192,
				  .len_bytes = 4096,
				  .blocks = 1,
				  .text = "cannot be checked"};
	const struct finding table = {.kind = FINDING_WRONG,
				      .volume = "",
				      .layer = "gpt",
				      .area = "entry",
				      .text = "is missing"};
	struct json *j = json_new("finding");

	json_finding(j, &f);
	prints(j, "{\"event\":\"finding\",\"kind\":\"unproven\",\"volume\":\"root:a\","
		  "\"layer\":\"verity\",\"area\":\"data\",\"offset\":8192,\"size\":4096,"
		  "\"blocks\":1,\"text\":\"cannot be checked\"}\n");
	j = json_new(NULL);
	json_finding(j, &table);
	prints(j, "{\"kind\":\"wrong\",\"volume\":null,\"layer\":\"gpt\",\"area\":\"entry\","
		  "\"offset\":0,\"size\":0,\"blocks\":0,\"text\":\"is missing\"}\n");
}

static void failures_have_codes_and_what_to_do(void **state)
{
	struct json *j = json_new(NULL);

	diag_forget(0);
	{
		DIAG_SCOPE("volume %s", "root");
		assert_int_equal(diag_fail(DIAG_TAMPERED, EUCLEAN, "block %d", 7), -EUCLEAN);
		diag_state("nothing was opened");
		diag_next("holdfast verify");
	}
	assert_int_equal(diag_fail(DIAG_BUSY, EBUSY, "in use"), -EBUSY);
	json_failures(j, "failures");
	diag_forget(0);
	prints(j, "{\"failures\":[{\"code\":\"HF-TAMPERED\",\"scope\":\"volume root\","
		  "\"text\":\"block 7\",\"state\":\"nothing was opened\","
		  "\"next\":\"holdfast verify\"},{\"code\":\"HF-BUSY\",\"scope\":\"\","
		  "\"text\":\"in use\"}]}\n");
}

static void nothing_comes_of_nothing(void **state)
{
	json_text(NULL, "a", "b");
	json_number(NULL, "a", 1);
	json_flag(NULL, "a", true);
	json_hex(NULL, "a", (const uint8_t *)"x", 1);
	assert_null(json_child(NULL, "a"));
	assert_null(json_list(NULL, "a"));
	assert_null(json_print(NULL, false));
	assert_null(json_free(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values_of_every_kind),
	    cmocka_unit_test(without_an_event_it_is_an_object),
	    cmocka_unit_test(bytes_that_are_no_utf8_are_shown),
	    cmocka_unit_test(a_finding_has_all_its_fields),
	    cmocka_unit_test(failures_have_codes_and_what_to_do),
	    cmocka_unit_test(nothing_comes_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
