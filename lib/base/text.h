/* SPDX-License-Identifier: Apache-2.0 */
/* Text that grows, sizes as people write them, and words in lists. */
#ifndef HOLDFAST_BASE_TEXT_H
#define HOLDFAST_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
	char *s; /* NUL-terminated once anything was added, else NULL */
	size_t len;
	size_t room;
	bool failed; /* out of memory somewhere on the way; asked once at the end */
};

void text_add(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void text_add_bytes(struct text *t, const void *bytes, size_t len);
void text_free(struct text *t);
#define _cleanup_text_ __attribute__((cleanup(text_free)))

/* asprintf that returns the string, NULL when out of memory. Caller frees. */
char *text_make(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* "64M", "8G", "4096", "1MiB"; K M G T are powers of 1024; "kB" and the like are refused.
 * 0, -EINVAL (not a size) or -ERANGE (does not fit in 64 bits). */
int size_scan(const char *text, uint64_t *ret_bytes);
#define SIZE_TEXT_SIZE 32
/* The shortest exact form that size_scan() reads back: "64M", "4097". */
void size_print_exact(uint64_t bytes, char ret[static SIZE_TEXT_SIZE]);
/* For people: "64.0 MiB". */
void size_print(uint64_t bytes, char ret[static SIZE_TEXT_SIZE]);

/* The word of @words (NULL-terminated) that @text most likely meant, or NULL: edit distance ≤ 2. */
const char *text_nearest(const char *text, const char *const *words);

#endif
