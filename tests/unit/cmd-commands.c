/* SPDX-License-Identifier: Apache-2.0 */
/* The command tables: what they say of each other is true, examples are valid, lines fit. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "cmd/cli/help.h"
#include "cmd/cli/commands.h"
#include "cmd/registry.h"
#include "lib/check.h"

#define COLUMNS 80
#define WORDS   32

static bool has_option(const struct command *c, const char *name, size_t len)
{
	const struct flag *const tables[] = {c->flags, common_flags()};

	for (size_t i = 0; i < 2; i++) {
		for (const struct flag *f = tables[i]; f && f->name; f++) {
			if (strlen(f->name) == len && memcmp(f->name, name, len) == 0)
				return true;
		}
	}
	return false;
}

/* Whether every name in "one two" is an option of @c. */
static bool all_known(const struct command *c, const char *names)
{
	while (names && *names) {
		size_t len = strcspn(names, " ");

		if (!has_option(c, names, len))
			return false;
		names += len + (names[len] == ' ');
	}
	return true;
}

static void options_name_options_of_their_command(void **state)
{
	for (const struct command *const *c = command_registry; *c; c++) {
		assert_true(all_known(*c, (*c)->one_of));
		for (const struct flag *f = (*c)->flags; f && f->name; f++) {
			assert_true(all_known(*c, f->needs));
			assert_true(all_known(*c, f->excludes));
		}
	}
}

static void no_option_is_there_twice(void **state)
{
	for (const struct command *const *c = command_registry; *c; c++) {
		for (const struct flag *f = (*c)->flags; f && f->name; f++) {
			for (const struct flag *g = f + 1; g->name; g++) {
				assert_string_not_equal(f->name, g->name);
				assert_false(f->letter && f->letter == g->letter);
			}
			for (const struct flag *g = common_flags(); g->name; g++) {
				assert_string_not_equal(f->name, g->name);
				assert_false(f->letter && f->letter == g->letter);
			}
		}
	}
}

/* One line of examples, through the option table as main does it. */
static void parse_example(const struct command *c, char *line)
{
	char *words[WORDS], *at = NULL;
	struct call call;
	int n = 0, used = 0;

	for (char *w = strtok_r(line, " ", &at); w && n < WORDS; w = strtok_r(NULL, " ", &at))
		words[n++] = w;
	assert_string_equal(words[0], "holdfast");
	if (!c->run) { /* a group shows its actions */
		const struct command *action =
		    command_find(command_registry, n - 1, (const char *const *)words + 1, &used);

		assert_true(command_is_in(action, c));
		c = action;
	}
	assert_ptr_equal(
	    command_find(command_registry, n - 1, (const char *const *)words + 1, &used), c);
	diag_forget(0);
	if (call_parse(c, n - 1 - used, words + 1 + used, &call) != 0)
		fail_msg("%s: %s", c->name, diag_count() ? diag_get(0)->text : "help");
}

static void every_example_is_a_valid_command_line(void **state)
{
	for (const struct command *const *c = command_registry; *c; c++) {
		char *text = strdup((*c)->example), *at = NULL;
		size_t n = 0;

		for (char *line = strtok_r(text, "\n", &at); line;
		     line = strtok_r(NULL, "\n", &at)) {
			parse_example(*c, line);
			n++;
		}
		assert_true(n >= 1);
		free(text);
	}
}

/* In characters: UTF-8's continuation bytes are none. */
static size_t columns(const char *s, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)s[i] & 0xc0) != 0x80;
	return n;
}

static void help_fits_into_80_columns(void **state)
{
	for (const struct command *const *c = command_registry;; c++) {
		struct text text = {0};

		help_text(command_registry, *c, &text);
		assert_false(text.failed);
		for (const char *s = text.s; *s;) {
			size_t len = strcspn(s, "\n");

			if (columns(s, len) > COLUMNS)
				fail_msg("too long: %.*s", (int)len, s);
			s += len + (s[len] == '\n');
		}
		text_free(&text);
		if (!*c)
			break;
	}
}

static int parse(const char *name, const char *arguments, struct call *ret)
{
	static char text[256];
	char *words[WORDS], *at = NULL, copy[64];
	int n = 0, used;
	const struct command *c;

	snprintf(copy, sizeof(copy), "%s", name);
	for (char *w = strtok_r(copy, " ", &at); w; w = strtok_r(NULL, " ", &at))
		words[n++] = w;
	c = command_find(command_registry, n, (const char *const *)words, &used);
	assert_non_null(c);
	assert_int_equal(used, n);
	snprintf(text, sizeof(text), "%s", arguments);
	n = 0;
	for (char *w = strtok_r(text, " ", &at); w && n < WORDS; w = strtok_r(NULL, " ", &at))
		words[n++] = w;
	diag_forget(0);
	return call_parse(c, n, words, ret);
}

static void values_come_in_every_form(void **state)
{
	struct call c;

	assert_int_equal(parse("read", "t v -o a", &c), 0);
	assert_string_equal(call_value(&c, "output"), "a");
	assert_int_equal(parse("read", "-oa t v", &c), 0);
	assert_string_equal(call_value(&c, "output"), "a");
	assert_int_equal(parse("read", "--output=a t -- -v", &c), 0);
	assert_string_equal(call_value(&c, "output"), "a");
	assert_string_equal(c.args[1], "-v");
	assert_int_equal(parse("provision", "l t --replace=a --replace b", &c), 0);
	assert_string_equal(call_value(&c, "replace"), "b");
	assert_int_equal(call_values(&c, "replace", (const char *[2]){0}, 2), 2);
	assert_int_equal(parse("read", "t v", &c), -EINVAL);
	assert_int_equal(parse("read", "--help", &c), 1);
}

static void assert_refused(const char *name, const char *arguments, const char *words)
{
	struct call c;

	assert_int_equal(parse(name, arguments, &c), -EINVAL);
	assert_int_equal(diag_count(), 1);
	assert_string_equal(diag_get(0)->text, words);
	assert_int_equal(diag_get(0)->code, DIAG_USAGE);
	diag_forget(0);
}

static void what_the_table_rules_out_is_refused(void **state)
{
	assert_refused("key forget", "t v --pcr-version 3", "key forget: no option --pcr-version");
	assert_refused("read", "t v", "read needs --output FILE");
	assert_refused("key recovery", "t v",
		       "key recovery needs --output FILE, --qr or --qr-svg FILE");
	assert_refused("key escrow", "t v --to c", "key escrow: --to goes only with --output FILE");
	assert_refused("provision", "l t --from i --shared",
		       "provision: --shared does not go with --from IMAGE");
	assert_refused("verify", "t --passphrase-fd 3 --passphrase-file f",
		       "verify: --passphrase-file does not go with --passphrase-fd N");
	assert_refused("key forget", "t v w", "usage: holdfast key forget TARGET VOLUME");
	assert_refused("verify", "t --json=x", "verify: --json takes no value");
	assert_refused("verify", "t --log", "verify: --log needs FILE");
}

static void the_longest_name_is_found(void **state)
{
	const char *const words[] = {"key", "rotate", "target"};
	int used = 0;

	assert_string_equal(command_find(command_registry, 3, words, &used)->name, "key rotate");
	assert_int_equal(used, 2);
	assert_string_equal(command_find(command_registry, 1, words, &used)->name, "key");
	assert_int_equal(used, 1);
	assert_null(command_find(command_registry, 2, words + 1, &used));
	assert_int_equal(used, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(options_name_options_of_their_command),
	    cmocka_unit_test(no_option_is_there_twice),
	    cmocka_unit_test(every_example_is_a_valid_command_line),
	    cmocka_unit_test(help_fits_into_80_columns),
	    cmocka_unit_test(values_come_in_every_form),
	    cmocka_unit_test(what_the_table_rules_out_is_refused),
	    cmocka_unit_test(the_longest_name_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
