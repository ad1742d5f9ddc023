/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that is freed all at once. */
#include <errno.h>
#include <stdarg.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

#define PIECE_BYTES 4096

struct arena_piece {
	struct arena_piece *next;
	size_t used, room;
	alignas(max_align_t) unsigned char bytes[];
};

struct arena_exit {
	struct arena_exit *next;
	void (*release)(void *what);
	void *what;
};

static struct arena_piece *new_piece(struct arena *a, size_t room)
{
	struct arena_piece *piece;

	if (room > SIZE_MAX / 2)
		return NULL;
	piece = calloc(1, sizeof(*piece) + room);
	if (!piece)
		return NULL;
	piece->room = room;
	piece->next = a->pieces;
	a->pieces = piece;
	return piece;
}

void *arena_alloc(struct arena *a, size_t size)
{
	size_t align = alignof(max_align_t);
	struct arena_piece *piece = a->pieces;
	void *p;

	if (size > SIZE_MAX / 4)
		return NULL;
	size = (size + align - 1) / align * align;
	if (!piece || piece->room - piece->used < size)
		piece = new_piece(a, size > PIECE_BYTES ? size : PIECE_BYTES);
	if (!piece)
		return NULL;
	p = piece->bytes + piece->used;
	piece->used += size;
	return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
	size_t size = strlen(s) + 1;
	char *copy = arena_alloc(a, size);

	return copy ? memcpy(copy, s, size) : NULL;
}

char *arena_print(struct arena *a, const char *fmt, ...)
{
	va_list args, again;
	char *s = NULL;
	int len;

	va_start(args, fmt);
	va_copy(again, args);
	len = vsnprintf(NULL, 0, fmt, args);
	if (len >= 0)
		s = arena_alloc(a, (size_t)len + 1);
	if (s)
		vsnprintf(s, (size_t)len + 1, fmt, again);
	va_end(again);
	va_end(args);
	return s;
}

int arena_on_free(struct arena *a, void (*release)(void *what), void *what)
{
	struct arena_exit *exit = arena_new(a, struct arena_exit);

	if (!exit)
		return -ENOMEM;
	*exit = (struct arena_exit){a->exits, release, what};
	a->exits = exit;
	return 0;
}

void arena_free(struct arena *a)
{
	for (; a->exits; a->exits = a->exits->next)
		a->exits->release(a->exits->what);
	while (a->pieces) {
		struct arena_piece *piece = a->pieces;

		a->pieces = piece->next;
		free(piece);
	}
}
