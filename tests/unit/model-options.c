/* SPDX-License-Identifier: Apache-2.0 */
/* Options: every type read, its canonical text, and what is refused with which words. */
#include <errno.h>
#include <string.h>

#include "lib/check.h"
#include "model/option.h"

static const char *const words[] = {"sha256", "sha512", NULL};
static struct arena arena;

static int set_up(void **state)
{
	arena = (struct arena){0};
	return 0;
}

static int tear_down(void **state)
{
	arena_free(&arena);
	return 0;
}

/* A value that is taken. */
static struct option_value take(const struct option_spec *spec, const char *text)
{
	struct option_value v;
	const char *why = "";

	if (option_parse(spec, &text, 1, &arena, &v, &why) != 0)
		fail_msg("\"%s\": %s", text, why);
	assert_true(v.given && v.present);
	return v;
}

/* A value that is refused; @says is in the reason, and the result is left alone. */
static void refuse(const struct option_spec *spec, const char *text, const char *says)
{
	struct option_value v = {.number = 77};
	const char *why = NULL;

	if (option_parse(spec, &text, 1, &arena, &v, &why) != -EINVAL)
		fail_msg("\"%s\" is taken", text);
	assert_non_null(why);
	if (!strstr(why, says))
		fail_msg("\"%s\": \"%s\" does not say \"%s\"", text, why, says);
	assert_int_equal(v.number, 77);
	assert_false(v.present);
}

static void flags_have_three_spellings(void **state)
{
	static const struct option_spec s = {"flag", OPTION_FLAG};
	static const char *const yes[] = {"true", "yes", "on"}, *const no[] = {"false", "no",
									       "off"};

	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(take(&s, yes[i]).number, 1);
		assert_string_equal(take(&s, yes[i]).text, "true");
		assert_int_equal(take(&s, no[i]).number, 0);
		assert_string_equal(take(&s, no[i]).text, "false");
	}
	refuse(&s, "1", "\"1\"");
	refuse(&s, "True", "\"True\"");
	refuse(&s, "", "\"\"");
}

static void numbers_are_decimal_and_bounded(void **state)
{
	static const struct option_spec s = {"number", OPTION_NUMBER, .min = 2, .max = 24};
	static const struct option_spec any = {"any", OPTION_NUMBER};

	assert_int_equal(take(&s, "2").number, 2);
	assert_int_equal(take(&s, "24").number, 24);
	assert_string_equal(take(&s, "007").text, "7"); /* one value, one text */
	refuse(&s, "1", "the least is 2");
	refuse(&s, "25", "the most is 24");
	refuse(&s, "", "missing");
	refuse(&s, "-3", "\"-3\"");
	refuse(&s, "0x10", "\"0x10\"");
	refuse(&s, "3 ", "\"3 \"");
	assert_int_equal(take(&any, "18446744073709551615").number, UINT64_MAX);
	refuse(&any, "18446744073709551616", "64 bits");
	refuse(&any, "184467440737095516150", "64 bits");
}

static void sizes_have_units_and_words(void **state)
{
	static const char *const fill[] = {"auto", "fill", NULL};
	static const struct option_spec s = {"size", OPTION_SIZE, .min = 512, .max = 4096,
					     .power_of_2 = true};
	static const struct option_spec w = {"size", OPTION_SIZE, .words = fill};

	assert_int_equal(take(&s, "512").number, 512);
	assert_int_equal(take(&s, "4K").number, 4096);
	assert_string_equal(take(&s, "4096").text, "4K");
	assert_false(take(&s, "4K").is_word);
	refuse(&s, "511", "the least is 512");
	refuse(&s, "8K", "the most is 4K");
	refuse(&s, "1536", "power of 2");
	refuse(&s, "4k", "\"4k\"");
	refuse(&s, "4 K", "\"4 K\"");
	refuse(&w, "17179869184T", "64 bits");
	assert_true(take(&w, "fill").is_word);
	assert_int_equal(take(&w, "fill").number, 1);
	assert_int_equal(take(&w, "auto").number, 0);
	assert_int_equal(take(&w, "1G").number, 1 << 30);
	refuse(&w, "rest", "\"auto\" or \"fill\"");
}

static void words_are_those_of_the_table(void **state)
{
	static const struct option_spec s = {"hash", OPTION_WORD, .words = words};
	static const struct option_spec p = {"cipher", OPTION_WORD, .words = words,
					     .or_prefix = "capi:", .max = 10};

	assert_int_equal(take(&s, "sha512").number, 1);
	assert_true(take(&s, "sha512").is_word);
	refuse(&s, "sha51", "\"sha512\"?");
	refuse(&s, "whirlpool", "\"sha256\" or \"sha512\"");
	refuse(&s, "", "\"sha256\" or \"sha512\"");
	refuse(&s, "capi:x", "\"capi:x\"");
	assert_string_equal(take(&p, "capi:xts").text, "capi:xts");
	assert_false(take(&p, "capi:xts").is_word);
	assert_int_equal(take(&p, "capi:12345").number, UINT64_MAX);
	refuse(&p, "capi:123456", "6 to 10 bytes");
	refuse(&p, "capi:", "6 to 10 bytes");
	refuse(&p, "capi:a b", "space");
	refuse(&p, "capi:\x7f", "printable");
}

static void uuids_are_made_canonical(void **state)
{
	static const struct option_spec s = {"seed", OPTION_UUID};
	struct option_value v = take(&s, "0FC63DAF-8483-4772-8E79-3D69D8477DE4");

	assert_string_equal(v.text, "0fc63daf-8483-4772-8e79-3d69d8477de4");
	assert_int_equal(v.n_bytes, 16);
	assert_memory_equal(v.bytes,
			    "\x0f\xc6\x3d\xaf\x84\x83\x47\x72\x8e\x79\x3d\x69\xd8\x47\x7d\xe4", 16);
	refuse(&s, "0fc63daf-8483-4772-8e79-3d69d8477de", "UUID");
	refuse(&s, "", "UUID");
}

static void hexadecimal_has_a_length(void **state)
{
	static const struct option_spec s = {"salt", OPTION_HEX, .min = 1, .max = 4};
	static const struct option_spec none = {"salt", OPTION_HEX, .max = 4};
	struct option_value v = take(&s, "AbCd");

	assert_string_equal(v.text, "abcd");
	assert_int_equal(v.n_bytes, 2);
	assert_memory_equal(v.bytes, "\xab\xcd", 2);
	assert_int_equal(take(&s, "00112233").n_bytes, 4);
	refuse(&s, "0011223344", "1 to 4 bytes");
	refuse(&s, "", "1 to 4 bytes");
	refuse(&s, "-", "1 to 4 bytes");
	refuse(&s, "abc", "1 to 4 bytes");
	refuse(&s, "xy", "1 to 4 bytes");
	assert_string_equal(take(&none, "").text, "-");
	assert_string_equal(take(&none, "-").text, "-");
	assert_int_equal(take(&none, "-").n_bytes, 0);
}

static void texts_and_paths(void **state)
{
	static const struct option_spec s = {"label", OPTION_TEXT, .max = 4};
	static const struct option_spec path = {"source", OPTION_PATH, .max = 4};

	assert_string_equal(take(&s, "four").text, "four");
	assert_null(take(&s, "four").path);
	refuse(&s, "fives", "4 bytes");
	refuse(&s, "", "empty");
	assert_string_equal(take(&path, "some/where").path, "some/where");
	refuse(&path, "", "empty");
}

static int parse_list(const struct option_spec *s, const char *const *texts, size_t n,
		      struct option_value *ret, const char **ret_why)
{
	return option_parse(s, texts, n, &arena, ret, ret_why);
}

static void lists_have_entries_that_differ(void **state)
{
	static const struct option_spec s = {"slots", OPTION_LIST, .min = 1, .max = 3};
	static const struct option_spec of_words = {"hashes", OPTION_LIST, .words = words};
	static const char *const abc[] = {"a", "b", "c", "d"}, *const twice[] = {"a", "b", "a"};
	static const char *const known[] = {"sha512", "sha256"}, *const odd[] = {"sha256", "md5"};
	struct option_value v;
	const char *why;

	assert_int_equal(parse_list(&s, abc, 3, &v, &why), 0);
	assert_int_equal(v.n_list, 3);
	assert_string_equal(v.list[2], "c");
	assert_string_equal(v.text, "a,b,c");
	assert_int_equal(parse_list(&s, abc, 4, &v, &why), -EINVAL);
	assert_non_null(strstr(why, "4 entries; 1 to 3"));
	assert_int_equal(parse_list(&s, abc, 0, &v, &why), -EINVAL);
	assert_non_null(strstr(why, "0 entries; 1 to 3"));
	assert_int_equal(parse_list(&s, twice, 3, &v, &why), -EINVAL);
	assert_non_null(strstr(why, "\"a\""));
	assert_int_equal(parse_list(&of_words, known, 2, &v, &why), 0);
	assert_string_equal(v.text, "sha512,sha256"); /* in the order given */
	assert_int_equal(parse_list(&of_words, odd, 2, &v, &why), -EINVAL);
	assert_non_null(strstr(why, "\"md5\""));
}

static void one_value_is_no_list(void **state)
{
	static const struct option_spec s = {"label", OPTION_TEXT};
	static const char *const two[] = {"a", "b"};
	struct option_value v;
	const char *why;

	assert_int_equal(option_parse(&s, two, 2, &arena, &v, &why), -EINVAL);
	assert_non_null(strstr(why, "a list of 2"));
	assert_int_equal(option_parse(&s, two, 0, &arena, &v, &why), -EINVAL);
	assert_non_null(strstr(why, "a list of 0"));
}

static void what_is_not_built_takes_its_default_only(void **state)
{
	static const struct option_spec s = {"fec", OPTION_NUMBER, "0", .not_built = "comes later"};
	static const struct option_spec without = {"trust", OPTION_PATH, .not_built = "later, too"};
	const char *two = "2", *path = "x";
	struct option_value v;
	const char *why;

	assert_int_equal(take(&s, "0").number, 0);
	assert_int_equal(take(&s, "00").number, 0);
	assert_int_equal(option_parse(&s, &two, 1, &arena, &v, &why), -ENOSYS);
	assert_string_equal(why, "comes later");
	assert_int_equal(option_parse(&without, &path, 1, &arena, &v, &why), -ENOSYS);
	assert_string_equal(why, "later, too");
}

static void options_are_found_by_name(void **state)
{
	static const struct option_spec table[] = {{"one", OPTION_FLAG}, {"two", OPTION_FLAG}, {0}};

	assert_int_equal(option_count(table), 2);
	assert_int_equal(option_count(NULL), 0);
	assert_int_equal(option_index(table, "two"), 1);
	assert_int_equal(option_index(table, "tw"), -1);
	assert_int_equal(option_index(NULL, "one"), -1);
}

static void tables_are_described(void **state)
{
	static const struct option_spec table[] = {
	    {"size", OPTION_SIZE, "4K", 512, 4096, .power_of_2 = true, .help = "How large"},
	    {"hash", OPTION_WORD, .words = words, .required = true, .help = "Which"},
	    {"salt", OPTION_HEX, .max = 8, .help = "Salt", .not_built = "later"},
	    {0}};
	_cleanup_text_ struct text t = {0};

	option_describe(table, &t);
	assert_string_equal(t.s, "  size: 512 to 4K, a power of 2 (default 4K)\n      How large\n"
				 "  hash: sha256, sha512 (required)\n      Which\n"
				 "  salt: hexadecimal, 0 to 8 bytes\n      Salt\n"
				 "      Not built yet: later\n");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(flags_have_three_spellings),
	    TEST(numbers_are_decimal_and_bounded),
	    TEST(sizes_have_units_and_words),
	    TEST(words_are_those_of_the_table),
	    TEST(uuids_are_made_canonical),
	    TEST(hexadecimal_has_a_length),
	    TEST(texts_and_paths),
	    TEST(lists_have_entries_that_differ),
	    TEST(one_value_is_no_list),
	    TEST(what_is_not_built_takes_its_default_only),
	    TEST(options_are_found_by_name),
	    TEST(tables_are_described),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
