/* SPDX-License-Identifier: Apache-2.0 */
/* Parsing LUKS2's JSON, and reading its members by type. */
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <string.h>

#include "base/base64.h"
#include "base/overflow.h"
#include "userspace/luks2/json.h"

/* --- parsing --- */

int luks2_json_parse(const char *area, size_t len, struct json_object **ret, size_t *ret_end)
{
	struct json_tokener *t = len <= INT_MAX ? json_tokener_new() : NULL;
	struct json_object *o;

	if (!t)
		return -ENOMEM;
	o = json_tokener_parse_ex(t, area, (int)len);
	*ret_end = json_tokener_get_parse_end(t);
	json_tokener_free(t);
	if (!json_object_is_type(o, json_type_object)) {
		json_object_put(o);
		return -EUCLEAN;
	}
	*ret = o;
	return 0;
}

int luks2_json_check(const char *area, size_t len, const char **ret_why)
{
	struct json_object *o;
	size_t end;
	int r;

	*ret_why = "its JSON cannot be parsed";
	if (len == 0 || area[0] != '{')
		return -EUCLEAN;
	r = luks2_json_parse(area, len, &o, &end);
	if (r < 0)
		return r;
	json_object_put(o);
	*ret_why = "its JSON has no end";
	if (end >= len)
		return -EUCLEAN;
	*ret_why = "there is something after its JSON";
	for (; end < len; end++) {
		if (area[end])
			return -EUCLEAN;
	}
	return 0;
}

/* --- members --- */

struct json_object *luks2_json_member(struct json_object *o, const char *key, enum json_type type)
{
	struct json_object *m;

	return json_object_is_type(o, json_type_object) && json_object_object_get_ex(o, key, &m) &&
		       json_object_is_type(m, type)
		   ? m
		   : NULL;
}

bool luks2_json_has(struct json_object *o, const char *key)
{
	return json_object_object_get_ex(o, key, NULL);
}

const char *luks2_json_text(struct json_object *o)
{
	const char *s = o ? json_object_get_string(o) : NULL;

	return s && strlen(s) == (size_t)json_object_get_string_len(o) ? s : NULL;
}

bool luks2_json_printable(const char *s)
{
	for (; *s; s++) {
		if (*s <= 0x20 || *s > 0x7e)
			return false;
	}
	return true;
}

bool luks2_json_word(struct json_object *o, const char *key, char *ret, size_t room)
{
	const char *s = luks2_json_text(luks2_json_member(o, key, json_type_string));

	if (!s || !*s || strlen(s) >= room || !luks2_json_printable(s))
		return false;
	memcpy(ret, s, strlen(s) + 1);
	return true;
}

bool luks2_json_number(const char *s, uint64_t *ret)
{
	uint64_t x = 0;

	if (!s || !*s)
		return false;
	for (; *s; s++) {
		if (*s < '0' || *s > '9' || !mul_u64(x, 10, &x) ||
		    !add_u64(x, (uint64_t)(*s - '0'), &x))
			return false;
	}
	*ret = x;
	return true;
}

/* Sizes and offsets are decimal numbers in strings. */
bool luks2_json_u64(struct json_object *o, const char *key, uint64_t *ret)
{
	return luks2_json_number(luks2_json_text(luks2_json_member(o, key, json_type_string)), ret);
}

bool luks2_json_u32(struct json_object *o, const char *key, uint32_t *ret)
{
	struct json_object *m = luks2_json_member(o, key, json_type_int);
	int64_t x = m ? json_object_get_int64(m) : -1;

	if (x < 0 || x > UINT32_MAX)
		return false;
	*ret = (uint32_t)x;
	return true;
}

bool luks2_json_base64(struct json_object *o, const char *key, uint8_t *ret, size_t max,
		       size_t *ret_len)
{
	const char *s = luks2_json_text(luks2_json_member(o, key, json_type_string));

	return s && base64_decode(s, ret, max, ret_len) == 0;
}

bool luks2_json_list_has(struct json_object *list, const char *word)
{
	size_t n = list ? json_object_array_length(list) : 0;

	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		const char *s =
		    json_object_is_type(o, json_type_string) ? luks2_json_text(o) : NULL;

		if (s && strcmp(s, word) == 0)
			return true;
	}
	return false;
}
