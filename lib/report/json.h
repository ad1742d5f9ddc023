/* SPDX-License-Identifier: Apache-2.0 */
/* Results as JSON. The only caller of json-c in reports. */
#ifndef HOLDFAST_REPORT_JSON_H
#define HOLDFAST_REPORT_JSON_H

#include "base/text.h"
#include "report/renderer.h"

extern const struct renderer renderer_json; /* JSON Lines */

/* One line with its line break, or (@pretty) several; to->failed where memory ran out. */
void json_print(const struct result *r, bool pretty, struct text *to);

#endif
