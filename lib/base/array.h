/* SPDX-License-Identifier: Apache-2.0 */
/* Growing arrays: ARRAY(struct step) steps; array_add(&steps, value). */
#ifndef HOLDFAST_BASE_ARRAY_H
#define HOLDFAST_BASE_ARRAY_H

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#define ARRAY(type)                                                                                \
	struct {                                                                                   \
		type *v;                                                                           \
		size_t n;                                                                          \
		size_t room;                                                                       \
	}

/* Makes room for one more of @size bytes. 0 or -ENOMEM. Use through array_add(). */
static inline int array_grow(void **v, size_t n, size_t *room, size_t size)
{
	size_t more = *room ? *room * 2 : 8;
	void *p;

	if (n < *room)
		return 0;
	p = reallocarray(*v, more, size);
	if (!p)
		return -ENOMEM;
	*v = p;
	*room = more;
	return 0;
}

/* Appends; 0 or -ENOMEM. Never for secrets: realloc leaves copies. */
#define array_add(a, value)                                                                        \
	(array_grow((void **)&(a)->v, (a)->n, &(a)->room, sizeof(*(a)->v))                         \
	     ? -ENOMEM                                                                             \
	     : ((a)->v[(a)->n++] = (value), 0))
#define array_each(it, a) for (__typeof__(*(a)->v) *it = (a)->v; it && it < (a)->v + (a)->n; it++)
#define array_free(a)                                                                              \
	do {                                                                                       \
		free((a)->v);                                                                      \
		(a)->v = NULL;                                                                     \
		(a)->n = (a)->room = 0;                                                            \
	} while (0)

#endif
