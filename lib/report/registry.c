/* SPDX-License-Identifier: Apache-2.0 */
/* Which formats there are: a line each. */
#include <string.h>

#include "report/renderer.h"

#define RENDERERS(X)                                                                               \
	X(words)                                                                                   \
	X(json)

#define X(name) extern const struct renderer renderer_##name;
RENDERERS(X)
#undef X

const struct renderer *const renderer_registry[] = {
#define X(name) &renderer_##name,
    RENDERERS(X)
#undef X
	NULL,
};

const struct renderer *renderer_find(const char *name)
{
	for (const struct renderer *const *r = renderer_registry; *r; r++) {
		if (strcmp((*r)->name, name) == 0)
			return *r;
	}
	return NULL;
}
