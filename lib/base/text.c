/* SPDX-License-Identifier: Apache-2.0 */
/* Text that grows, sizes as people write them, and the nearest word. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/overflow.h"
#include "base/text.h"

static bool make_room(struct text *t, size_t more)
{
	size_t want = t->len + more + 1, room = t->room ? t->room : 128;
	char *s;

	if (t->failed || more > SIZE_MAX / 4)
		t->failed = true;
	if (t->failed || want <= t->room)
		return !t->failed;
	while (room < want)
		room *= 2;
	s = realloc(t->s, room);
	if (!s) {
		t->failed = true;
		return false;
	}
	t->s = s;
	t->room = room;
	return true;
}

void text_add_bytes(struct text *t, const void *bytes, size_t len)
{
	if (!make_room(t, len))
		return;
	if (len)
		memcpy(t->s + t->len, bytes, len);
	t->len += len;
	t->s[t->len] = 0;
}

void text_add(struct text *t, const char *fmt, ...)
{
	va_list args, again;
	int len;

	va_start(args, fmt);
	va_copy(again, args);
	len = vsnprintf(NULL, 0, fmt, args);
	t->failed |= len < 0;
	if (len >= 0 && make_room(t, (size_t)len)) {
		vsnprintf(t->s + t->len, (size_t)len + 1, fmt, again);
		t->len += (size_t)len;
	}
	va_end(again);
	va_end(args);
}

void text_free(struct text *t)
{
	free(t->s);
	*t = (struct text){0};
}

char *text_make(const char *fmt, ...)
{
	va_list args;
	char *s;
	int len;

	va_start(args, fmt);
	len = vasprintf(&s, fmt, args);
	va_end(args);
	return len < 0 ? NULL : s;
}

int size_scan(const char *text, uint64_t *ret_bytes)
{
	static const char units[] = "KMGT";
	uint64_t number = 0;
	const char *s = text, *unit;

	if (*s < '0' || *s > '9')
		return -EINVAL;
	for (; *s >= '0' && *s <= '9'; s++) {
		if (!mul_u64(number, 10, &number) ||
		    !add_u64(number, (uint64_t)(*s - '0'), &number))
			return -ERANGE;
	}
	unit = *s ? strchr(units, *s) : NULL;
	if (unit) {
		if (!mul_u64(number, 1ULL << (10 * (unit - units + 1)), &number))
			return -ERANGE;
		s++;
		if (strcmp(s, "iB") == 0)
			s += 2;
	}
	if (*s)
		return -EINVAL;
	*ret_bytes = number;
	return 0;
}

void size_print_exact(uint64_t bytes, char ret[static SIZE_TEXT_SIZE])
{
	static const char units[] = "KMGT";
	int unit = -1;

	while (bytes && bytes % 1024 == 0 && unit < 3) {
		bytes /= 1024;
		unit++;
	}
	snprintf(ret, SIZE_TEXT_SIZE, "%" PRIu64 "%.*s", bytes, unit >= 0,
		 units + (unit >= 0 ? unit : 0));
}

void size_print(uint64_t bytes, char ret[static SIZE_TEXT_SIZE])
{
	static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double value = (double)bytes;
	int unit = 0;

	while (value >= 1024 && unit < 6) {
		value /= 1024;
		unit++;
	}
	snprintf(ret, SIZE_TEXT_SIZE, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

/* Levenshtein distance of words that are shorter than 32 characters; else a large number. */
static unsigned distance(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);
	unsigned row[33];

	if (la > 31 || lb > 31)
		return 99;
	for (unsigned j = 0; j <= lb; j++)
		row[j] = j;
	for (unsigned i = 1; i <= la; i++) {
		unsigned corner = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= lb; j++) {
			unsigned best = corner + (a[i - 1] != b[j - 1]);

			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			corner = row[j];
			row[j] = best;
		}
	}
	return row[lb];
}

const char *text_nearest(const char *text, const char *const *words)
{
	const char *best = NULL;
	unsigned best_distance = 3;

	for (; *words; words++) {
		unsigned d = distance(text, *words);

		if (d < best_distance && d < strlen(text)) {
			best = *words;
			best_distance = d;
		}
	}
	return best;
}
