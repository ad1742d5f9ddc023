/* SPDX-License-Identifier: Apache-2.0 */
/* Trees of values. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/hex.h"
#include "base/text.h"
#include "report/result.h"

struct result_memory {
	struct arena arena;
	enum event event;
	bool failed;
};

static const char *const event_names[] = {
    [EVENT_RESULT] = "result",       [EVENT_PROGRESS] = "progress",         [EVENT_STEP] = "step",
    [EVENT_STEP_DONE] = "step-done", [EVENT_STEP_SKIPPED] = "step-skipped", [EVENT_NOTE] = "note",
    [EVENT_WARNING] = "warning",     [EVENT_FINDING] = "finding",
};

struct result *result_new(enum event event)
{
	struct result_memory *memory = calloc(1, sizeof(*memory));
	struct result *root;

	if (!memory)
		return NULL;
	root = arena_new(&memory->arena, struct result);
	if (!root) {
		free(memory);
		return NULL;
	}
	memory->event = event;
	root->kind = VALUE_OBJECT;
	root->memory = memory;
	result_text(root, "event", event_names[event]);
	return root;
}

struct result *result_free(struct result *root)
{
	struct result_memory *memory = root ? root->memory : NULL;

	if (memory)
		arena_free(&memory->arena);
	free(memory);
	return NULL;
}

void result_freep(struct result **root)
{
	result_free(*root);
}

enum event result_event(const struct result *r)
{
	return r->memory->event;
}

bool result_failed(const struct result *r)
{
	return r->memory->failed;
}

static struct result *add(struct result *to, enum value_kind kind, const char *key)
{
	struct result *value;

	if (!to)
		return NULL;
	value = arena_new(&to->memory->arena, struct result);
	if (value && key)
		value->key = arena_strdup(&to->memory->arena, key);
	if (!value || (key && !value->key)) {
		to->memory->failed = true;
		return NULL;
	}
	value->kind = kind;
	value->memory = to->memory;
	value->parent = to;
	value->before = to->last;
	if (to->last)
		to->last->next = value;
	else
		to->first = value;
	to->last = value;
	return value;
}

static const char *copy(struct result *of, const char *s)
{
	const char *there = s ? arena_strdup(&of->memory->arena, s) : NULL;

	of->memory->failed |= s && !there;
	return there;
}

/* What a terminal would obey, or what would hide a line from who reads it. */
static bool is_control(const unsigned char *s)
{
	return (s[0] < ' ' && s[0] != '\n' && s[0] != '\t') || s[0] == 0x7f ||
	       (s[0] == 0xc2 && s[1] >= 0x80 && s[1] < 0xa0);
}

/* How many bytes of a well-formed UTF-8 character start at @s; 0: none. */
static size_t utf8_character(const unsigned char *s)
{
	size_t n = s[0] < 0x80                   ? 1
		   : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
		   : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
		   : s[0] >= 0xf0 && s[0] < 0xf5 ? 4
						 : 0;

	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	if (n == 3 && ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] >= 0xa0)))
		return 0;
	if (n == 4 && ((s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] >= 0x90)))
		return 0;
	return n;
}

static void set_text(struct result *value, const char *text)
{
	_cleanup_text_ struct text clean = {0};

	if (!value || !text)
		return;
	for (const char *s = text; *s;) {
		size_t n = utf8_character((const unsigned char *)s);

		if (is_control((const unsigned char *)s))
			n = 0;
		if (n)
			text_add_bytes(&clean, s, n);
		else
			text_add(&clean, "\\x%02x", (unsigned char)*s);
		s += n ? n : 1;
	}
	value->memory->failed |= clean.failed;
	value->text = copy(value, clean.s ? clean.s : "");
}

void result_text(struct result *to, const char *key, const char *value)
{
	set_text(add(to, VALUE_TEXT, key), value);
}

void result_word(struct result *to, const char *key, const char *name, const char *words)
{
	struct result *value = add(to, VALUE_TEXT, key);

	set_text(value, name);
	if (value)
		value->words = copy(value, words);
}

void result_hex(struct result *to, const char *key, const uint8_t *bytes, size_t len)
{
	struct result *value = add(to, VALUE_HEX, key);
	char *text = value ? arena_alloc(&value->memory->arena, 2 * len + 1) : NULL;

	if (text)
		hex_encode(bytes, len, text);
	else if (value)
		value->memory->failed = true;
	if (value)
		value->text = text;
}

void result_uuid(struct result *to, const char *key, const struct uuid *u)
{
	char text[UUID_TEXT_SIZE];

	uuid_print(u, text);
	set_text(add(to, VALUE_UUID, key), uuid_is_nil(u) ? NULL : text);
}

static void add_number(struct result *to, enum value_kind kind, const char *key, uint64_t number)
{
	struct result *value = add(to, kind, key);

	if (value)
		value->number = number;
}

void result_number(struct result *to, const char *key, uint64_t value)
{
	add_number(to, VALUE_NUMBER, key, value);
}

void result_bytes(struct result *to, const char *key, uint64_t value)
{
	add_number(to, VALUE_BYTES, key, value);
}

void result_flag(struct result *to, const char *key, bool value)
{
	add_number(to, VALUE_FLAG, key, value);
}

struct result *result_list(struct result *to, const char *key)
{
	return add(to, VALUE_LIST, key);
}

struct result *result_object(struct result *to, const char *key)
{
	return add(to, VALUE_OBJECT, key);
}

void result_aside(struct result *to, const char *key, const char *fmt, ...)
{
	struct result *value = add(to, VALUE_ASIDE, key);
	char *text = NULL;
	va_list args;

	if (!value)
		return;
	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	value->memory->failed |= !text;
	set_text(value, text);
	free(text);
}

void result_say(struct result *to, const char *pattern)
{
	struct result *value = add(to, VALUE_SENTENCE, NULL);

	if (value)
		value->text = pattern;
}

const struct result *result_find(const struct result *in, const char *key)
{
	for (const struct result *v = in->first; v; v = v->next) {
		if (v->key && strcmp(v->key, key) == 0)
			return v;
	}
	return NULL;
}
