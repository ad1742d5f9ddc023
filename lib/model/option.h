/* SPDX-License-Identifier: Apache-2.0 */
/* Options: one table drives parsing, checks, `--help`, `layers` and the manual. */
#ifndef HOLDFAST_MODEL_OPTION_H
#define HOLDFAST_MODEL_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/text.h"

enum option_type {
	OPTION_TEXT,   /* text */
	OPTION_FLAG,   /* true, false */
	OPTION_NUMBER, /* a decimal number between min and max */
	OPTION_SIZE,   /* bytes between min and max ("64M"), or one of words */
	OPTION_WORD,   /* one of words */
	OPTION_LIST,   /* {"a", "b"}: min to max entries */
	OPTION_PATH,   /* a file or directory, relative to the layout file */
	OPTION_UUID,   /* a UUID */
	OPTION_HEX,    /* min to max bytes in hexadecimal; "-" or "" is none */
};

/* Tables end with an entry whose name is NULL. All text is static. */
struct option_spec {
	const char *name;
	enum option_type type;
	const char *fallback; /* default, as written in a layout; NULL: there is none */
	uint64_t min, max;    /* see option_type; max 0: no bound */
	bool power_of_2;
	bool required;
	const char *const *words; /* NULL-terminated */
	const char *or_prefix; /* WORD: or text without spaces, up to max bytes, that begins so */
	const char *help;      /* one sentence without a final full stop */
	const char *not_built; /* set: any value other than the fallback is refused, saying this */
};

struct where {
	const char *file; /* NULL: not from a file (a vault record, a probe) */
	unsigned line;
};

/* A value, parsed. Everything it points to lives in the layout's arena. */
struct option_value {
	bool given;         /* written down, or taken from the fallback? */
	bool present;       /* there is a value at all */
	struct where where; /* of the value, or of the section when not given */
	const char *text;   /* canonical; two spellings of one value have the same (LIST: "a,b") */
	uint64_t number; /* FLAG, NUMBER, SIZE; SIZE given as a word: index in words, is_word set */
	bool is_word;
	const uint8_t *bytes; /* HEX, UUID */
	size_t n_bytes;
	const char *const *list;
	size_t n_list;
	const char *path; /* PATH: as to be opened (layout's directory prepended) */
};

/*
 * Reads @texts (one, or LIST: @n of them) for @spec. 0, or -EINVAL with *@ret_why set to what is
 * wrong and what to write instead (arena text, no full stop); says nothing through diag.
 */
int option_parse(const struct option_spec *spec, const char *const *texts, size_t n,
		 struct arena *arena, struct option_value *ret, const char **ret_why);

size_t option_count(const struct option_spec *specs);
int option_index(const struct option_spec *specs, const char *name); /* -1: not there */

/* One paragraph an option, for --help, `layers` and the manual. */
void option_describe(const struct option_spec *specs, struct text *to);
/* What values look like, in a few words: "512 … 4096, a power of 2". */
void option_describe_values(const struct option_spec *spec, struct text *to);

#endif
