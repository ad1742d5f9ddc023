/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Lines: one object an event. The only caller of json-c. */
#ifndef HOLDFAST_REPORT_JSON_H
#define HOLDFAST_REPORT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/layout.h"
#include "model/plan.h"
#include "model/report.h"

/* An object or array under construction. All calls take NULL and then do nothing; where memory runs
 * out, json_print() tells. */
struct json;

struct json *json_new(const char *event); /* {"event": …} */
struct json *json_free(struct json *j);
void json_freep(struct json **j);
#define _cleanup_json_ __attribute__((cleanup(json_freep)))

void json_text(struct json *j, const char *key,
	       const char *value); /* NULL: null; bad UTF-8 mended */
void json_number(struct json *j, const char *key, uint64_t value);
void json_flag(struct json *j, const char *key, bool value);
void json_hex(struct json *j, const char *key, const uint8_t *bytes, size_t len);
/* Children belong to @j. In an array give @key NULL. */
struct json *json_child(struct json *j, const char *key);
struct json *json_list(struct json *j, const char *key);

/* One line with its newline, or (@pretty) several; NULL when out of memory. Caller frees. */
char *json_print(struct json *j, bool pretty);

/* --- what the program has to say --- */
void json_plan(struct json *j, const struct plan *plan);
void json_layout(struct json *j, const struct layout *layout);
void json_finding(struct json *j, const struct finding *f);
void json_failures(struct json *j, const char *key); /* every diag record so far */

#endif
