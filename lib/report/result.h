/* SPDX-License-Identifier: Apache-2.0 */
/* What a command has to say, as data: a small tree of typed values, which renderers turn into
 * words, JSON and the like. */
#ifndef HOLDFAST_REPORT_RESULT_H
#define HOLDFAST_REPORT_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/uuid.h"

enum value_kind {
	VALUE_TEXT,
	VALUE_HEX,    /* text: digits */
	VALUE_UUID,   /* text; NULL for the nil UUID */
	VALUE_NUMBER, /* a count */
	VALUE_BYTES,  /* a size; people read "64.0 MiB" */
	VALUE_FLAG,
	VALUE_LIST,
	VALUE_OBJECT,
	VALUE_ASIDE,    /* text for sentences only: programs find the fact elsewhere in the tree */
	VALUE_SENTENCE, /* for people: text is a pattern over the values around it */
};

/* What is reported: the result at the end of a run, or something on the way. */
enum event {
	EVENT_RESULT,
	EVENT_PROGRESS,
	EVENT_STEP,
	EVENT_STEP_DONE,
	EVENT_STEP_SKIPPED,
	EVENT_NOTE,
	EVENT_WARNING,
	EVENT_FINDING,
};

struct result_memory;

/* A value, or a list or object with its values in the order in which they were added. */
struct result {
	enum value_kind kind;
	const char *key;   /* NULL: an element of a list, or a sentence */
	const char *text;  /* NULL: there is none */
	const char *words; /* what people read in place of text, or NULL */
	uint64_t number;   /* of VALUE_FLAG: 0 or 1 */
	const struct result *parent, *first, *next, *before;
	struct result *last;
	struct result_memory *memory;
};

/*
 * A tree begins with result_new(): an object whose first value, "event", is the event's name. All
 * functions copy what they are given, except patterns. They accept @to NULL and then do nothing;
 * out of memory they do nothing either, and result_failed() is true from then on. Give @key NULL
 * where @to is a list.
 */
struct result *result_new(enum event event);
struct result *result_free(struct result *root);
void result_freep(struct result **root);
#define _cleanup_result_ __attribute__((cleanup(result_freep)))
enum event result_event(const struct result *r);
bool result_failed(const struct result *r);

/* @value NULL: there is none. What is no UTF-8 in it, or a control character (but for line breaks
 * and tabs), becomes
 * "\xNN": it may come from a medium that somebody prepared. */
void result_text(struct result *to, const char *key, const char *value);
/* One of several states: @name is for programs, @words are what people read. */
void result_word(struct result *to, const char *key, const char *name, const char *words);
void result_hex(struct result *to, const char *key, const uint8_t *bytes, size_t len);
void result_uuid(struct result *to, const char *key, const struct uuid *u);
void result_number(struct result *to, const char *key, uint64_t value);
void result_bytes(struct result *to, const char *key, uint64_t value);
void result_flag(struct result *to, const char *key, bool value);
struct result *result_list(struct result *to, const char *key);
struct result *result_object(struct result *to, const char *key);
void result_aside(struct result *to, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * A sentence that people read at this place; @pattern lives as long as the program. Values
 * of @to, or of what @to is a part of, fill its braces:
 *
 *	{key}		the value as people read it; of a list its texts, with commas
 *	{=key}		a size as a number of bytes
 *	{}		the value before the sentence: for elements of a list
 *	{key,9}		padded to 9 columns, {key,-9} on the right
 *	{key|text}	text where the value is nothing: absent, empty, 0, false
 *	{key?text}	text unless the value is nothing
 *	{key!text}	text where the value is nothing
 *	{key#}		"s" unless the number is 1
 *	[ ... ]		dropped as a whole where a {key} in it is absent or empty
 *
 * A line break follows.
 */
void result_say(struct result *to, const char *pattern);

/* The value of @key in @in itself; NULL: there is none. */
const struct result *result_find(const struct result *in, const char *key);

#endif
