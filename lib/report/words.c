/* SPDX-License-Identifier: Apache-2.0 */
/* Words: sentences made of their patterns and the values around them. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report/words.h"

/* A {…} of a pattern, taken apart. */
struct slot {
	bool exact; /* {=key} */
	char how;   /* | ? ! #, or 0 */
	const char *key, *text;
	size_t key_len, text_len;
	int width;
};

static const char *read_slot(const char *s, struct slot *ret)
{
	const char *end = s + strcspn(s, "}");
	size_t n;

	*ret = (struct slot){.exact = *s == '='};
	s += ret->exact;
	ret->key = s;
	ret->key_len = strcspn(s, "|?!#,}");
	s += ret->key_len;
	if (*s != ',' && *s != '}') {
		ret->how = *s++;
		n = ret->how == '|' ? strcspn(s, ",}") : (size_t)(end - s);
		ret->text = s;
		ret->text_len = n;
		s += n;
	}
	if (*s == ',')
		ret->width = atoi(s + 1);
	return *end ? end + 1 : end;
}

/* What @slot of the sentence @at names, in its object or in one further out. */
static const struct result *find(const struct result *at, const struct slot *slot)
{
	const struct result *before = at->before;

	if (slot->key_len == 0) {
		while (before && before->kind == VALUE_SENTENCE)
			before = before->before;
		return before;
	}
	for (const struct result *in = at->parent; in; in = in->parent) {
		for (const struct result *v = in->first; v; v = v->next) {
			if (v->key && strlen(v->key) == slot->key_len &&
			    memcmp(v->key, slot->key, slot->key_len) == 0)
				return v;
		}
	}
	return NULL;
}

static void add_value(const struct result *v, bool exact, struct text *to)
{
	char size[SIZE_TEXT_SIZE];

	switch (v->kind) {
	case VALUE_BYTES:
		if (!exact) {
			size_print(v->number, size);
			text_add(to, "%s", size);
			break;
		}
		/* fallthrough */
	case VALUE_NUMBER:
		text_add(to, "%" PRIu64, v->number);
		break;
	case VALUE_FLAG:
		text_add(to, v->number ? "yes" : "no");
		break;
	case VALUE_LIST:
		for (const struct result *e = v->first; e; e = e->next) {
			if (e != v->first)
				text_add(to, ", ");
			add_value(e, exact, to);
		}
		break;
	default:
		text_add(to, "%s", v->words ? v->words : v->text ? v->text : "");
	}
}

/* Absent, empty, 0 or false. */
static bool is_nothing(const struct result *v)
{
	if (!v)
		return true;
	switch (v->kind) {
	case VALUE_NUMBER:
	case VALUE_BYTES:
	case VALUE_FLAG:
		return v->number == 0;
	case VALUE_LIST:
	case VALUE_OBJECT:
		return !v->first;
	default:
		return !v->text || !*v->text;
	}
}

/* False where a [...] around it is to be dropped. */
static bool add_slot(const struct result *at, const struct slot *slot, struct text *to)
{
	const struct result *v = find(at, slot);
	_cleanup_text_ struct text text = {0};
	bool nothing = is_nothing(v);

	if (slot->how == '#')
		text_add(&text, v && v->number == 1 ? "" : "s");
	else if (slot->how && (slot->how == '?') != nothing)
		text_add_bytes(&text, slot->text, slot->text_len);
	else if (v && (!slot->how || slot->how == '|'))
		add_value(v, slot->exact, &text);
	to->failed |= text.failed;
	text_add(to, "%*s", slot->width, text.s ? text.s : "");
	return slot->how || text.len;
}

static const char *add_pattern(const struct result *at, const char *s, char until, bool *complete,
			       struct text *to)
{
	while (*s && *s != until) {
		size_t plain = strcspn(s, until ? "{]" : "{[");
		struct slot slot;

		text_add_bytes(to, s, plain);
		s += plain;
		if (*s == '{') {
			s = read_slot(s + 1, &slot);
			*complete &= add_slot(at, &slot, to);
		} else if (*s == '[') {
			_cleanup_text_ struct text part = {0};
			bool whole = true;

			s = add_pattern(at, s + 1, ']', &whole, &part);
			s += *s == ']';
			if (whole && part.s)
				text_add_bytes(to, part.s, part.len);
			to->failed |= part.failed;
		}
	}
	return s;
}

static void add_sentence(const struct result *at, struct text *to)
{
	bool complete = true;

	add_pattern(at, at->text, 0, &complete, to);
	text_add(to, "\n");
}

void words_print(const struct result *r, struct text *to)
{
	for (const struct result *v = r->first; v; v = v->next) {
		if (v->kind == VALUE_SENTENCE)
			add_sentence(v, to);
		else
			words_print(v, to);
	}
}

static void put(const struct output *to, enum output_stream stream, const struct text *text)
{
	if (text->s && !text->failed)
		to->put(to->ctx, stream, text->s, text->len);
}

void words_event(const struct output *to, const struct result *r)
{
	bool progress = result_event(r) == EVENT_PROGRESS;
	_cleanup_text_ struct text text = {0};

	if (to->quiet && result_event(r) != EVENT_WARNING)
		return;
	words_print(r, &text);
	if (progress && text.len)
		text.len--; /* the line is not ended: the next one replaces it */
	put(to, progress ? OUTPUT_PROGRESS : OUTPUT_MESSAGE, &text);
}

static void result(const struct output *to, const struct result *r)
{
	_cleanup_text_ struct text text = {0};

	words_print(r, &text);
	put(to, OUTPUT_RESULT, &text);
}

static void add_part(const struct result *object, const char *key, const char *before,
		     struct text *to)
{
	const struct result *v = result_find(object, key);

	if (v && v->text && *v->text)
		text_add(to, "%s%s", before, v->text);
}

void words_failure(const struct output *to, const struct result *failure)
{
	_cleanup_text_ struct text text = {0};

	add_part(failure, "by", "holdfast: ", &text);
	add_part(failure, "scope", text.len ? ": " : "holdfast: ", &text);
	add_part(failure, "text", text.len ? ": " : "holdfast: ", &text);
	add_part(failure, "state", "\n  now:  ", &text);
	add_part(failure, "next", "\n  next: ", &text);
	text_add(&text, "\n");
	put(to, OUTPUT_MESSAGE, &text);
}

const struct renderer renderer_words = {
    .name = "words",
    .progress_ms = 200,
    .on_terminal = true,
    .event = words_event,
    .finding = result,
    .failure = words_failure,
    .end = result,
};
