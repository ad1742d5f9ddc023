/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that is given back all at once: what a layout or a plan is made of. */
#ifndef HOLDFAST_BASE_ARENA_H
#define HOLDFAST_BASE_ARENA_H

#include <stddef.h>

struct arena {
	struct arena_piece *pieces;
};

/* Zeroed, aligned for any type; NULL when out of memory. */
void *arena_alloc(struct arena *a, size_t size);
char *arena_strdup(struct arena *a, const char *s);
char *arena_print(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void arena_free(struct arena *a);
#define arena_new(a, type) ((type *)arena_alloc((a), sizeof(type)))

#endif
