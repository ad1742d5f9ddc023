/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Lines: one object for each event, the result last. */
#include <json-c/json.h>

#include "report/json.h"
#include "report/words.h"

static struct json_object *convert(const struct result *r, bool *failed);

static void fill(const struct result *r, struct json_object *o, bool *failed)
{
	for (const struct result *v = r->first; v; v = v->next) {
		struct json_object *value;
		int bad;

		if (v->kind == VALUE_ASIDE || v->kind == VALUE_SENTENCE)
			continue;
		value = convert(v, failed);
		bad = v->key ? json_object_object_add(o, v->key, value)
			     : json_object_array_add(o, value);
		*failed |= bad != 0;
	}
}

/* NULL is JSON's null. */
static struct json_object *convert(const struct result *r, bool *failed)
{
	struct json_object *o;

	switch (r->kind) {
	case VALUE_NUMBER:
	case VALUE_BYTES:
		o = json_object_new_uint64(r->number);
		break;
	case VALUE_FLAG:
		o = json_object_new_boolean(r->number != 0);
		break;
	case VALUE_LIST:
		o = json_object_new_array();
		break;
	case VALUE_OBJECT:
		o = json_object_new_object();
		break;
	default:
		if (!r->text)
			return NULL;
		o = json_object_new_string(r->text);
	}
	*failed |= !o;
	if (o)
		fill(r, o, failed);
	return o;
}

void json_print(const struct result *r, bool pretty, struct text *to)
{
	const int how =
	    pretty ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED : JSON_C_TO_STRING_PLAIN;
	bool failed = result_failed(r);
	struct json_object *o = convert(r, &failed);
	const char *s =
	    failed ? NULL : json_object_to_json_string_ext(o, how | JSON_C_TO_STRING_NOSLASHESCAPE);

	if (s)
		text_add(to, "%s\n", s);
	else
		to->failed = true;
	json_object_put(o);
}

/* A line that memory did not suffice for is left out. */
static void line(const struct output *to, const struct result *r)
{
	_cleanup_text_ struct text text = {0};

	json_print(r, false, &text);
	if (text.s && !text.failed)
		to->put(to->ctx, OUTPUT_RESULT, text.s, text.len);
}

static void event(const struct output *to, const struct result *r)
{
	if (result_event(r) == EVENT_NOTE || result_event(r) == EVENT_WARNING)
		words_event(to, r);
	line(to, r);
}

const struct renderer renderer_json = {
    .name = "json",
    .help = "JSON Lines on standard output. The last line is always an object with \"event\": "
	    "\"result\", the exit status, and a stable code such as HF-GPT-FOREIGN; also after a "
	    "signal. Progress is in these lines, too; messages go to standard error.",
    .progress_ms = 2000,
    .event = event,
    .finding = line,
    .failure = words_failure,
    .end = line,
};
