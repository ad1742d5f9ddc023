/* SPDX-License-Identifier: Apache-2.0 */
/* Results: what programs read as JSON, what people read as words, from one tree. */
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/text.h"
#include "lib/check.h"
#include "report/describe.h"
#include "report/json.h"
#include "report/words.h"

static void assert_words(const struct result *r, const char *expected)
{
	struct text text = {0};

	words_print(r, &text);
	assert_false(text.failed);
	assert_string_equal(text.s ? text.s : "", expected);
	text_free(&text);
}

static void assert_json(const struct result *r, const char *expected)
{
	struct text text = {0};

	json_print(r, false, &text);
	assert_false(text.failed);
	assert_string_equal(text.s, expected);
	text_free(&text);
}

static void every_kind_of_value_is_json(void **state)
{
	static const uint8_t bytes[] = {0x00, 0xab, 0xff};
	const struct uuid nil = {{0}}, uuid = {{1, 2, 3, 4}};
	struct result *r = result_new(EVENT_RESULT), *list, *object;

	result_text(r, "text", "a \"word\"/");
	result_text(r, "none", NULL);
	result_word(r, "word", "short", "a long form");
	result_hex(r, "hex", bytes, sizeof(bytes));
	result_uuid(r, "uuid", &uuid);
	result_uuid(r, "nil", &nil);
	result_number(r, "number", UINT64_MAX);
	result_bytes(r, "bytes", 65536);
	result_flag(r, "flag", true);
	result_aside(r, "aside", "%d", 1);
	result_say(r, "a sentence");
	list = result_list(r, "list");
	result_number(list, NULL, 1);
	object = result_object(list, NULL);
	result_flag(object, "inner", false);
	result_list(r, "empty");
	assert_json(r, "{\"event\":\"result\",\"text\":\"a \\\"word\\\"/\",\"none\":null,"
		       "\"word\":\"short\",\"hex\":\"00abff\","
		       "\"uuid\":\"01020304-0000-0000-0000-000000000000\",\"nil\":null,"
		       "\"number\":18446744073709551615,\"bytes\":65536,\"flag\":true,"
		       "\"list\":[1,{\"inner\":false}],\"empty\":[]}\n");
	result_free(r);
}

static void what_is_no_utf8_is_shown_as_bytes(void **state)
{
	struct result *r = result_new(EVENT_NOTE);

	result_text(r, "good", "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x94\x91");
	result_text(r, "stray", "a\x80\xff");
	result_text(r, "overlong", "\xc0\xaf \xe0\x9f\xbf \xf0\x8f\xbf\xbf");
	result_text(r, "surrogate", "\xed\xa0\x80");
	result_text(r, "cut", "\xe2\x82");
	assert_json(
	    r, "{\"event\":\"note\",\"good\":\"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x94\x91\","
	       "\"stray\":\"a\\\\x80\\\\xff\","
	       "\"overlong\":\"\\\\xc0\\\\xaf \\\\xe0\\\\x9f\\\\xbf \\\\xf0\\\\x8f\\\\xbf\\\\xbf\","
	       "\"surrogate\":\"\\\\xed\\\\xa0\\\\x80\",\"cut\":\"\\\\xe2\\\\x82\"}\n");
	result_free(r);
}

static void what_a_terminal_would_obey_is_shown_as_bytes(void **state)
{
	struct result *r = result_new(EVENT_NOTE);

	result_text(r, "name",
		    "\x1b[2Jgood\r\x7f\x01 \xc2\x9b"
		    "1m \xc2\xa0");
	result_text(r, "lines", "a\n\tb");
	result_say(r, "{name} {lines}");
	assert_words(r, "\\x1b[2Jgood\\x0d\\x7f\\x01 \\xc2\\x9b1m \xc2\xa0 a\n\tb\n");
	result_free(r);
}

static void assert_pattern(const char *pattern, const char *expected)
{
	struct result *r = result_new(EVENT_RESULT), *list;

	result_text(r, "name", "root");
	result_text(r, "empty", "");
	result_text(r, "none", NULL);
	result_word(r, "state", "b", "for people");
	result_number(r, "one", 1);
	result_number(r, "two", 2);
	result_number(r, "zero", 0);
	result_bytes(r, "size", 3 << 20);
	result_flag(r, "yes", true);
	result_flag(r, "no", false);
	result_aside(r, "aside", "%d %%", 7);
	list = result_list(r, "list");
	result_text(list, NULL, "a");
	result_word(list, NULL, "b", "bee");
	result_say(r, pattern);
	assert_words(r, expected);
	result_free(r);
}

static void patterns_take_values(void **state)
{
	assert_pattern("plain", "plain\n");
	assert_pattern("{name}: {state}", "root: for people\n");
	assert_pattern("{one}, {size}, {=size}", "1, 3.0 MiB, 3145728\n");
	assert_pattern("{yes} {no} {aside}", "yes no 7 %\n");
	assert_pattern("{list}", "a, bee\n");
	assert_pattern("<{none}{empty}{unknown}>", "<>\n");
}

static void patterns_pad_and_choose(void **state)
{
	assert_pattern("<{name,6}|{name,-6}|{name,2}>", "<  root|root  |root>\n");
	assert_pattern("<{none|-,-3}|{zero|nil}|{name|x}>", "<-  |nil|root>\n");
	assert_pattern("{yes?on, and so}{no?off}{zero?z}{one?o}{name?n}{none?x}", "on, and soon\n");
	assert_pattern("{yes!a}{no!b}{zero!c}{name!d}{empty!e}{unknown!f}", "bcef\n");
	assert_pattern("block{one#}, block{two#}, block{zero#}", "block, blocks, blocks\n");
}

static void parts_without_a_value_are_dropped(void **state)
{
	assert_pattern("a[: {name}][: {none}][: {empty}][: {unknown}]", "a: root\n");
	assert_pattern("[{zero} and {no}]", "0 and no\n");
	assert_pattern("[{name}{none}]end", "end\n");
	assert_pattern("[{name}{no?x}]", "root\n");
}

static void sentences_see_what_they_are_a_part_of(void **state)
{
	struct result *r = result_new(EVENT_RESULT), *list, *object;

	list = result_list(r, "list");
	for (unsigned i = 1; i <= 2; i++) {
		object = result_object(list, NULL);
		result_number(object, "number", i);
		result_say(object, "{target}: {number}");
	}
	list = result_list(r, "texts");
	result_text(list, NULL, "x");
	result_say(list, "lost: {}");
	result_say(list, "again: {}");
	result_text(list, NULL, "y");
	result_say(list, "lost: {}");
	result_text(r, "target", "t.img"); /* added last, as the session does */
	assert_words(r, "t.img: 1\nt.img: 2\nlost: x\nagain: x\nlost: y\n");
	result_free(r);
}

static void a_pattern_is_never_a_value(void **state)
{
	struct result *r = result_new(EVENT_RESULT);

	result_text(r, "name", "{secret}[{name}]");
	result_text(r, "secret", "s");
	result_say(r, "<{name}>");
	assert_words(r, "<{secret}[{name}]>\n");
	result_free(r);
}

static void nothing_is_added_to_nothing(void **state)
{
	result_text(NULL, "a", "b");
	result_say(NULL, "c");
	result_aside(NULL, "a", "b");
	assert_null(result_list(NULL, "a"));
	assert_null(result_object(NULL, "a"));
	assert_null(result_free(NULL));
}

/* --- what renderers print, and where --- */

struct printed {
	struct text of[OUTPUT_PROGRESS + 1];
};

static void keep(void *ctx, enum output_stream stream, const char *text, size_t len)
{
	text_add_bytes(&((struct printed *)ctx)->of[stream], text, len);
}

static void assert_printed(struct printed *p, enum output_stream stream, const char *expected)
{
	assert_string_equal(p->of[stream].s ? p->of[stream].s : "", expected);
	text_free(&p->of[stream]);
	p->of[stream] = (struct text){0};
}

static struct result *example(enum event event)
{
	struct result *r = result_new(event);

	result_text(r, "text", "t");
	result_say(r, "{event}: {text}");
	return r;
}

static void words_go_where_people_read_them(void **state)
{
	static const struct {
		enum event event;
		bool when_quiet;
		enum output_stream stream;
		const char *text;
	} cases[] = {
	    {EVENT_STEP, false, OUTPUT_MESSAGE, "step: t\n"},
	    {EVENT_NOTE, false, OUTPUT_MESSAGE, "note: t\n"},
	    {EVENT_WARNING, true, OUTPUT_MESSAGE, "warning: t\n"},
	    {EVENT_PROGRESS, false, OUTPUT_PROGRESS, "progress: t"},
	};
	struct printed p = {0};
	struct output out = {.put = keep, .ctx = &p};
	struct result *r;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		r = example(cases[i].event);
		out.quiet = false;
		renderer_words.event(&out, r);
		assert_printed(&p, cases[i].stream, cases[i].text);
		out.quiet = true;
		renderer_words.event(&out, r);
		assert_printed(&p, cases[i].stream, cases[i].when_quiet ? cases[i].text : "");
		result_free(r);
	}
	r = example(EVENT_FINDING);
	renderer_words.finding(&out, r);
	renderer_words.end(&out, r);
	assert_printed(&p, OUTPUT_RESULT, "finding: t\nfinding: t\n");
	assert_printed(&p, OUTPUT_MESSAGE, "");
	result_free(r);
}

static void json_has_every_event_as_a_line(void **state)
{
	static const char line[] = "{\"event\":\"note\",\"text\":\"t\"}\n";
	struct printed p = {0};
	struct output out = {.put = keep, .ctx = &p, .quiet = true};
	struct result *r = example(EVENT_NOTE);

	renderer_json.event(&out, r);
	assert_printed(&p, OUTPUT_RESULT, line);
	assert_printed(&p, OUTPUT_MESSAGE, "");
	out.quiet = false;
	renderer_json.event(&out, r);
	assert_printed(&p, OUTPUT_RESULT, line);
	assert_printed(&p, OUTPUT_MESSAGE, "note: t\n");
	result_free(r);
	r = example(EVENT_STEP);
	renderer_json.event(&out, r);
	assert_printed(&p, OUTPUT_RESULT, "{\"event\":\"step\",\"text\":\"t\"}\n");
	assert_printed(&p, OUTPUT_MESSAGE, "");
	result_free(r);
}

static void failures_tell_where_what_now_and_next(void **state)
{
	struct printed p = {0};
	struct output out = {.put = keep, .ctx = &p};
	struct result *r = result_new(EVENT_RESULT);
	const struct result *failures;

	diag_fail(DIAG_USAGE, 22, "key list: no option --x");
	{
		DIAG_SCOPE("volume %s", "data");
		diag_fail(DIAG_TAMPERED, 84, "does not verify");
		diag_state("nothing was changed");
		diag_next("holdfast verify");
	}
	describe_failures(r, "key list");
	diag_forget(0);
	failures = result_find(r, "failures");
	assert_non_null(failures);
	for (const struct result *f = failures->first; f; f = f->next)
		renderer_json.failure(&out, f);
	assert_printed(&p, OUTPUT_MESSAGE,
		       "holdfast: key list: no option --x\n"
		       "holdfast: key list: volume data: does not verify\n"
		       "  now:  nothing was changed\n"
		       "  next: holdfast verify\n");
	assert_words(r, "");
	assert_json(
	    r, "{\"event\":\"result\",\"failures\":["
	       "{\"code\":\"HF-USAGE\",\"scope\":\"\",\"text\":\"key list: no option --x\"},"
	       "{\"code\":\"HF-TAMPERED\",\"scope\":\"volume data\",\"text\":\"does not verify\","
	       "\"state\":\"nothing was changed\",\"next\":\"holdfast verify\"}]}\n");
	result_free(r);
}

static void formats_are_found_by_name(void **state)
{
	assert_ptr_equal(renderer_registry[0], &renderer_words);
	assert_null(renderer_registry[0]->help);
	assert_ptr_equal(renderer_find("json"), &renderer_json);
	assert_null(renderer_find("jso"));
}

/* --- findings --- */

static void findings_name_their_range(void **state)
{
	struct finding f = {.kind = FINDING_CORRUPT,
			    .volume = "root:a",
			    .layer = "verity",
			    .area = "data",
			    .offset_bytes = 4096,
			    .len_bytes = 8192,
			    .blocks = 2,
			    .text = "does not match its hash"};
	struct result *r = result_new(EVENT_FINDING);

	describe_finding(r, &f);
	assert_words(r, "corrupt: root:a: verity data, bytes 4096 to 12287 (2 blocks): does not "
			"match its hash\n");
	assert_json(r, "{\"event\":\"finding\",\"kind\":\"corrupt\",\"volume\":\"root:a\","
		       "\"layer\":\"verity\",\"area\":\"data\",\"offset\":4096,\"size\":8192,"
		       "\"blocks\":2,\"text\":\"does not match its hash\"}\n");
	result_free(r);
	f.volume = "";
	f.len_bytes = 0;
	f.blocks = 1;
	r = result_new(EVENT_FINDING);
	describe_finding(r, &f);
	assert_words(r, "corrupt: verity data: does not match its hash\n");
	result_free(r);
}

static void reports_count_what_was_found(void **state)
{
	const struct finding f = {.kind = FINDING_MENDABLE,
				  .volume = "",
				  .layer = "gpt",
				  .area = "backup header",
				  .text = "is missing"};
	struct report report;
	struct result *r = result_new(EVENT_RESULT);

	report_init(&report);
	report.volumes_checked = 1;
	report.checked_bytes = 1 << 20;
	describe_report(r, &report);
	assert_words(r, "1 volume and 1.0 MiB checked: nothing wrong\n");
	result_free(r);
	report.volumes_checked = 2;
	assert_ok(report_add(&report, &f));
	assert_ok(report_note(&report, "volume x is reserved"));
	r = result_new(EVENT_RESULT);
	describe_report(r, &report);
	assert_words(r, "note: volume x is reserved\n2 volumes and 1.0 MiB checked: 1 finding\n"
			"all of it can be mended: holdfast recovery repair\n");
	assert_json(r, "{\"event\":\"result\",\"findings\":1,\"checked\":1048576,\"volumes\":2,"
		       "\"mendable\":true,\"notes\":[\"volume x is reserved\"]}\n");
	result_free(r);
	report_free(&report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_kind_of_value_is_json),
	    cmocka_unit_test(what_is_no_utf8_is_shown_as_bytes),
	    cmocka_unit_test(what_a_terminal_would_obey_is_shown_as_bytes),
	    cmocka_unit_test(patterns_take_values),
	    cmocka_unit_test(patterns_pad_and_choose),
	    cmocka_unit_test(parts_without_a_value_are_dropped),
	    cmocka_unit_test(sentences_see_what_they_are_a_part_of),
	    cmocka_unit_test(a_pattern_is_never_a_value),
	    cmocka_unit_test(nothing_is_added_to_nothing),
	    cmocka_unit_test(words_go_where_people_read_them),
	    cmocka_unit_test(json_has_every_event_as_a_line),
	    cmocka_unit_test(failures_tell_where_what_now_and_next),
	    cmocka_unit_test(formats_are_found_by_name),
	    cmocka_unit_test(findings_name_their_range),
	    cmocka_unit_test(reports_count_what_was_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
