/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that is freed all at once: what a layout or a plan is made of. */
#ifndef HOLDFAST_BASE_ARENA_H
#define HOLDFAST_BASE_ARENA_H

#include <stddef.h>

struct arena {
	struct arena_piece *pieces;
	struct arena_exit *exits;
};

/* Zeroed, aligned for any type; NULL when out of memory. */
void *arena_alloc(struct arena *a, size_t size);
char *arena_strdup(struct arena *a, const char *s);
char *arena_print(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* @release(@what) when the arena is freed, the last one first. 0, or -ENOMEM: the caller still has
 * it. */
int arena_on_free(struct arena *a, void (*release)(void *what), void *what);
void arena_free(struct arena *a);
#define arena_new(a, type) ((type *)arena_alloc((a), sizeof(type)))

#endif
