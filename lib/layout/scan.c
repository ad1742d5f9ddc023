/* SPDX-License-Identifier: Apache-2.0 */
/* A first look at a layout's text: comments, strings, braces and ${NAME}, nothing else. */
#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "layout/scan.h"

#define DEPTH_MAX 8

/* An option that was given a value. */
struct given {
	const char *name; /* in the text */
	size_t len;
	unsigned line, depth;
};

struct scan {
	const char *name;
	const char *text, *end, *at;
	unsigned line;
	const struct setting *settings;
	size_t n_settings;
	struct scanned *ret;
	char last; /* significant character before: '=' makes a brace a list */
	struct {
		unsigned line;
		bool list;
	} open[DEPTH_MAX];
	unsigned depth;
	const char *word; /* the last plain word, where it began */
	size_t word_len;
	ARRAY(struct given) given; /* in the sections that are open */
};

static int fail(const struct scan *s, unsigned line, const char *what)
{
	return diag_fail(DIAG_LAYOUT_SYNTAX, EINVAL, "%s:%u: %s", s->name, line, what);
}

static bool starts(const struct scan *s, const char *with)
{
	size_t n = strlen(with);

	return (size_t)(s->end - s->at) >= n && memcmp(s->at, with, n) == 0;
}

/* Copies one character through, and counts lines. */
static void take(struct scan *s)
{
	if (*s->at == '\n')
		s->line++;
	text_add_bytes(&s->ret->text, s->at++, 1);
}

/* Comments are blanked out, so that nothing in them can trouble libconfuse. */
static void skip(struct scan *s)
{
	if (*s->at == '\n')
		take(s);
	else
		s->at++;
}

static void skip_line(struct scan *s)
{
	while (s->at < s->end && *s->at != '\n')
		skip(s);
}

static int skip_comment(struct scan *s)
{
	unsigned line = s->line;

	s->at += 2;
	while (s->at < s->end && !starts(s, "*/"))
		skip(s);
	if (s->at == s->end)
		return fail(s, line, "a comment begins here with /* and never ends; write */");
	s->at += 2;
	text_add_bytes(&s->ret->text, " ", 1);
	return 0;
}

static const char *setting_value(const struct scan *s, const char *name, size_t len)
{
	for (size_t i = 0; i < s->n_settings; i++) {
		if (strlen(s->settings[i].name) == len &&
		    memcmp(s->settings[i].name, name, len) == 0)
			return s->settings[i].value;
	}
	return NULL;
}

/* In quotes anything printable may stand; outside, only what cannot be taken for syntax. */
static int put_value(struct scan *s, const char *name, int len, const char *value, bool quoted)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789._-";

	for (const char *c = value; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return diag_fail(DIAG_LAYOUT_VALUE, EINVAL,
					 "%s:%u: ${%.*s} has a control character in its value",
					 s->name, s->line, len, name);
		if (!quoted && !strchr(plain, *c))
			return diag_fail(
			    DIAG_LAYOUT_VALUE, EINVAL,
			    "%s:%u: the value of ${%.*s} needs quotes; write \"${%.*s}\"", s->name,
			    s->line, len, name, len, name);
		if (*c == '"' || *c == '\\')
			text_add(&s->ret->text, "\\");
		text_add_bytes(&s->ret->text, c, 1);
	}
	if (strstr(value, "${"))
		return diag_fail(DIAG_LAYOUT_VALUE, EINVAL,
				 "%s:%u: ${%.*s} stands for another ${…}", s->name, s->line, len,
				 name);
	return *value || quoted ? 0
				: diag_fail(DIAG_LAYOUT_VALUE, EINVAL, "%s:%u: ${%.*s} is empty",
					    s->name, s->line, len, name);
}

static int replace(struct scan *s, bool quoted)
{
	static const char name_characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					      "0123456789_-";
	const char *name = s->at + 2;
	const char *close = name;
	const char *value;
	int len;

	while (close < s->end && strchr(name_characters, *close) && *close)
		close++;
	if (close == s->end || close == name || *close != '}')
		return fail(s, s->line, "${ is not closed; write ${NAME}");
	len = (int)(close - name);
	value = setting_value(s, name, (size_t)len);
	if (!value)
		return diag_fail(DIAG_LAYOUT_UNKNOWN, EINVAL,
				 "%s:%u: ${%.*s} has no value; give --set %.*s=VALUE", s->name,
				 s->line, len, name, len, name);
	s->at = close + 1;
	return put_value(s, name, len, value, quoted);
}

static int scan_string(struct scan *s, char quote)
{
	unsigned line = s->line;

	take(s);
	while (s->at < s->end && *s->at != quote) {
		int r = 0;

		if (*s->at == '\n')
			return fail(s, line, "a string begins here and does not end on its line");
		if (quote == '"' && starts(s, "${"))
			r = replace(s, true);
		else if (*s->at == '\\' && s->at + 1 < s->end && s->at[1] != '\n')
			take(s), take(s);
		else
			take(s);
		if (r < 0)
			return r;
	}
	if (s->at == s->end)
		return fail(s, line, "a string begins here and never ends");
	take(s);
	s->last = quote;
	return 0;
}

static int open_brace(struct scan *s)
{
	if (s->depth == DEPTH_MAX)
		return fail(s, s->line, "sections are nested too deeply");
	s->open[s->depth].line = s->line;
	s->open[s->depth++].list = s->last == '=';
	return 0;
}

/* libconfuse takes the last of several values without a word. */
static int give(struct scan *s)
{
	const struct given new = {s->word, s->word_len, s->line, s->depth};

	if (!s->word)
		return fail(s, s->line, "a = without a name before it");
	array_each (g, &s->given) {
		if (g->depth == s->depth && g->len == s->word_len &&
		    memcmp(g->name, s->word, g->len) == 0)
			return diag_fail(
			    DIAG_LAYOUT_REPEATED, EINVAL,
			    "%s:%u: \"%.*s\" has a value already, from line %u; take one "
			    "away",
			    s->name, s->line, (int)g->len, g->name, g->line);
	}
	return array_add(&s->given, new) < 0 ? diag_no_memory() : 0;
}

static int close_brace(struct scan *s)
{
	if (s->depth == 0)
		return fail(s, s->line, "a } without a section or list that it closes");
	while (s->given.n && s->given.v[s->given.n - 1].depth == s->depth)
		s->given.n--;
	s->depth--;
	if (!s->open[s->depth].list && array_add(&s->ret->opened, s->open[s->depth].line) < 0)
		return diag_no_memory();
	return 0;
}

static void note_word(struct scan *s, char c)
{
	static const char ends[] = " \t\r\n{}=,;";

	if (strchr(ends, c))
		return;
	if (s->at == s->text || strchr(ends, s->at[-1])) {
		s->word = s->at;
		s->word_len = 0;
	}
	s->word_len = s->word ? (size_t)(s->at - s->word) + 1 : 0;
}

static int scan_plain(struct scan *s)
{
	char c = *s->at;
	int r = 0;

	if (c == '{')
		r = open_brace(s);
	else if (c == '}')
		r = close_brace(s);
	else if (c == '=')
		r = give(s);
	else if (((unsigned char)c < ' ' && !strchr("\t\n\r", c)) || c == 0x7f)
		return fail(s, s->line, "a control character; layouts are plain text");
	else if (c == '+' && s->at + 1 < s->end && s->at[1] == '=')
		return fail(s, s->line, "+= has no meaning in a layout; write one list");
	else if (c == '(' || c == ')')
		return fail(s, s->line, "( and ) have no meaning in a layout; use quotes");
	note_word(s, c);
	if (!strchr(" \t\r\n", c))
		s->last = c;
	if (r >= 0 && c == '\r')
		skip(s);
	else if (r >= 0)
		take(s);
	return r;
}

static int scan_one(struct scan *s)
{
	if (*s->at == 0)
		return fail(s, s->line, "a NUL byte; layouts are plain text");
	if (*s->at == '#' || starts(s, "//")) {
		skip_line(s);
		return 0;
	}
	if (starts(s, "/*"))
		return skip_comment(s);
	if (*s->at == '"' || *s->at == '\'')
		return scan_string(s, *s->at);
	if (starts(s, "${")) {
		s->last = 'x';
		return replace(s, false);
	}
	return scan_plain(s);
}

int scan_text(const char *name, const char *text, size_t len, const struct setting *settings,
	      size_t n_settings, struct scanned *ret)
{
	struct scan s = {
	    .name = name,
	    .text = text,
	    .at = text,
	    .end = text + len,
	    .line = 1,
	    .settings = settings,
	    .n_settings = n_settings,
	    .ret = ret,
	};

	int r = 0;

	while (s.at < s.end && r >= 0)
		r = scan_one(&s);
	array_free(&s.given);
	if (r < 0)
		return r;
	if (s.depth > 0)
		return fail(&s, s.open[s.depth - 1].line,
			    s.open[s.depth - 1].list
				? "a list begins here and never ends; write }"
				: "a section begins here and never ends; write }");
	return ret->text.failed ? diag_no_memory() : 0;
}

void scanned_free(struct scanned *s)
{
	text_free(&s->text);
	array_free(&s->opened);
}
