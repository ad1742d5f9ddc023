/* SPDX-License-Identifier: Apache-2.0 */
/* Parsing LUKS2's JSON, and reading its members by type. All silent. */
#ifndef HOLDFAST_USERSPACE_LUKS2_JSON_H
#define HOLDFAST_USERSPACE_LUKS2_JSON_H

#include <json-c/json_object.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The object that @area begins with, and where it ends. 0, -EUCLEAN, -ENOMEM. */
int luks2_json_parse(const char *area, size_t len, struct json_object **ret, size_t *ret_end);
/* Checks that a JSON area, of which nothing is known yet, is one object and zeroes to its end. 0,
 * -EUCLEAN with a static text, -ENOMEM. */
int luks2_json_check(const char *area, size_t len, const char **ret_why);

/* Member @key of an object; NULL: it has none, or of another type. */
struct json_object *luks2_json_member(struct json_object *o, const char *key, enum json_type type);
bool luks2_json_has(struct json_object *o, const char *key);
/* The text of a string; NULL: a NUL is in it. */
const char *luks2_json_text(struct json_object *o);
/* True if @s has only printable ASCII, and no space. */
bool luks2_json_printable(const char *s);
/* A decimal number. */
bool luks2_json_number(const char *s, uint64_t *ret);
bool luks2_json_list_has(struct json_object *list, const char *word);

/* These read member @key, and return false if it is missing, of another type or out of range. */
bool luks2_json_word(struct json_object *o, const char *key, char *ret, size_t room);
/* A size or an offset: LUKS2 has them as decimal numbers in strings. */
bool luks2_json_u64(struct json_object *o, const char *key, uint64_t *ret);
bool luks2_json_u32(struct json_object *o, const char *key, uint32_t *ret);
bool luks2_json_base64(struct json_object *o, const char *key, uint8_t *ret, size_t max,
		       size_t *ret_len);

#endif
