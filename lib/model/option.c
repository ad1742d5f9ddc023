/* SPDX-License-Identifier: Apache-2.0 */
/* Options: reading one value by its table entry, and describing the table. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/hex.h"
#include "base/overflow.h"
#include "base/uuid.h"
#include "model/option.h"

struct parse {
	const struct option_spec *spec;
	struct arena *arena;
	struct option_value *v;
	const char *why;
};

#define WRONG(p, ...) ((p)->why = arena_print((p)->arena, __VA_ARGS__), -EINVAL)

/* "a, b or c" */
static const char *join_words(const char *const *words, struct arena *arena)
{
	_cleanup_text_ struct text t = {0};

	for (size_t i = 0; words[i]; i++)
		text_add(&t, "%s\"%s\"", i == 0 ? "" : words[i + 1] ? ", " : " or ", words[i]);
	return arena_strdup(arena, t.s ? t.s : "");
}

static int find_word(const char *const *words, const char *text)
{
	for (int i = 0; words && words[i]; i++) {
		if (strcmp(words[i], text) == 0)
			return i;
	}
	return -1;
}

static bool has_prefix(const struct option_spec *s, const char *text)
{
	return s->or_prefix && strncmp(text, s->or_prefix, strlen(s->or_prefix)) == 0;
}

static int parse_prefixed(struct parse *p, const char *text)
{
	if (strlen(text) > p->spec->max || strlen(text) == strlen(p->spec->or_prefix))
		return WRONG(p, "\"%s\" has not %zu to %" PRIu64 " bytes", text,
			     strlen(p->spec->or_prefix) + 1, p->spec->max);
	for (const char *c = text; *c; c++) {
		if (*c <= ' ' || *c > '~')
			return WRONG(p,
				     "\"%s\" has a space or another character that is not "
				     "printable ASCII",
				     text);
	}
	p->v->number = UINT64_MAX; /* none of the words */
	return 0;
}

static int parse_word(struct parse *p, const char *text)
{
	int i = find_word(p->spec->words, text);
	const char *near;

	if (i < 0 && has_prefix(p->spec, text))
		return parse_prefixed(p, text);

	if (i >= 0) {
		p->v->number = (uint64_t)i;
		p->v->is_word = true;
		return 0;
	}
	near = text_nearest(text, p->spec->words);
	if (near)
		return WRONG(p, "\"%s\" is not known; did you mean \"%s\"?", text, near);
	return WRONG(p, "\"%s\" is not known; write %s", text,
		     join_words(p->spec->words, p->arena));
}

static int parse_flag(struct parse *p, const char *text)
{
	static const char *const yes[] = {"true", "yes", "on", NULL};
	static const char *const no[] = {"false", "no", "off", NULL};

	if (find_word(yes, text) < 0 && find_word(no, text) < 0)
		return WRONG(p, "\"%s\" is neither true nor false", text);
	p->v->number = find_word(yes, text) >= 0;
	p->v->text = p->v->number ? "true" : "false";
	return 0;
}

static int check_bounds(struct parse *p, const char *text)
{
	const struct option_spec *s = p->spec;
	char min[SIZE_TEXT_SIZE], max[SIZE_TEXT_SIZE];

	size_print_exact(s->min, min);
	size_print_exact(s->max, max);
	if (p->v->number < s->min)
		return WRONG(p, "%s is too small; the least is %s", text, min);
	if (s->max && p->v->number > s->max)
		return WRONG(p, "%s is too large; the most is %s", text, max);
	if (s->power_of_2 && !is_power_of_2(p->v->number))
		return WRONG(p, "%s is not a power of 2", text);
	return 0;
}

static int parse_number(struct parse *p, const char *text)
{
	uint64_t n = 0;

	if (!*text)
		return WRONG(p, "a number is missing");
	for (const char *c = text; *c; c++) {
		if (*c < '0' || *c > '9')
			return WRONG(p, "\"%s\" is not a decimal number", text);
		if (!mul_u64(n, 10, &n) || !add_u64(n, (uint64_t)(*c - '0'), &n))
			return WRONG(p, "%s does not fit into 64 bits", text);
	}
	p->v->number = n;
	p->v->text = arena_print(p->arena, "%" PRIu64, n);
	return check_bounds(p, text);
}

static int parse_size(struct parse *p, const char *text)
{
	char exact[SIZE_TEXT_SIZE];
	int r, word = find_word(p->spec->words, text);

	if (word >= 0)
		return parse_word(p, text);
	r = size_scan(text, &p->v->number);
	if (r == -ERANGE)
		return WRONG(p, "%s does not fit into 64 bits", text);
	if (r < 0)
		return WRONG(p,
			     "\"%s\" is not a size; write bytes, or a number with K, M, G or T "
			     "(powers of 1024, no space between)%s%s",
			     text, p->spec->words ? ", or " : "",
			     p->spec->words ? join_words(p->spec->words, p->arena) : "");
	size_print_exact(p->v->number, exact);
	p->v->text = arena_strdup(p->arena, exact);
	return check_bounds(p, text);
}

static int parse_uuid(struct parse *p, const char *text)
{
	char canonical[UUID_TEXT_SIZE];
	struct uuid *u = arena_new(p->arena, struct uuid);

	if (!u || uuid_scan(text, u) < 0)
		return WRONG(p,
			     "\"%s\" is not a UUID; write it like "
			     "0fc63daf-8483-4772-8e79-3d69d8477de4",
			     text);
	uuid_print(u, canonical);
	p->v->bytes = u->b;
	p->v->n_bytes = sizeof(u->b);
	p->v->text = arena_strdup(p->arena, canonical);
	return 0;
}

static int parse_hex(struct parse *p, const char *text)
{
	const struct option_spec *s = p->spec;
	size_t room = s->max ? s->max : 65536, n = 0;
	const char *digits = strcmp(text, "-") == 0 ? "" : text;
	uint8_t *bytes = arena_alloc(p->arena, strlen(digits) / 2 + 1);
	char *canonical = arena_alloc(p->arena, strlen(digits) + 1);

	if (!bytes || !canonical || strlen(digits) / 2 > room ||
	    hex_decode_upto(digits, bytes, room, &n) < 0 || n < s->min)
		return WRONG(p, "\"%s\" is not %" PRIu64 " to %zu bytes in hexadecimal", text,
			     s->min, room);
	hex_encode(bytes, n, canonical);
	p->v->bytes = bytes;
	p->v->n_bytes = n;
	p->v->text = n ? canonical : "-";
	return 0;
}

static int parse_list(struct parse *p, const char *const *texts, size_t n)
{
	const char **list = arena_alloc(p->arena, (n + 1) * sizeof(*list));
	_cleanup_text_ struct text joined = {0};

	if (!list)
		return -ENOMEM;
	if (n < p->spec->min || (p->spec->max && n > p->spec->max))
		return WRONG(p, "%zu entries; %" PRIu64 " to %" PRIu64 " are possible", n,
			     p->spec->min, p->spec->max);
	for (size_t i = 0; i < n; i++) {
		if (p->spec->words && find_word(p->spec->words, texts[i]) < 0)
			return parse_word(p, texts[i]);
		for (size_t j = 0; j < i; j++) {
			if (strcmp(texts[i], texts[j]) == 0)
				return WRONG(p, "\"%s\" stands twice", texts[i]);
		}
		list[i] = arena_strdup(p->arena, texts[i]);
		if (!list[i])
			return -ENOMEM;
		text_add(&joined, "%s%s", i ? "," : "", texts[i]);
	}
	p->v->list = list;
	p->v->n_list = n;
	p->v->text = arena_strdup(p->arena, joined.s ? joined.s : "");
	return 0;
}

static int parse_one(struct parse *p, const char *text)
{
	switch (p->spec->type) {
	case OPTION_FLAG:
		return parse_flag(p, text);
	case OPTION_NUMBER:
		return parse_number(p, text);
	case OPTION_SIZE:
		return parse_size(p, text);
	case OPTION_WORD:
		return parse_word(p, text);
	case OPTION_UUID:
		return parse_uuid(p, text);
	case OPTION_HEX:
		return parse_hex(p, text);
	case OPTION_TEXT:
	case OPTION_PATH:
	case OPTION_LIST:
		break;
	}
	if (!*text)
		return WRONG(p, "it is empty");
	if (p->spec->max && p->spec->type == OPTION_TEXT && strlen(text) > p->spec->max)
		return WRONG(p, "\"%s\" is longer than %" PRIu64 " bytes", text, p->spec->max);
	return 0;
}

int option_parse(const struct option_spec *spec, const char *const *texts, size_t n,
		 struct arena *arena, struct option_value *ret, const char **ret_why)
{
	struct option_value v = {.present = true, .given = true};
	struct parse p = {.spec = spec, .arena = arena, .v = &v};
	int r;

	if (spec->type == OPTION_LIST) {
		r = parse_list(&p, texts, n);
	} else if (n != 1) {
		r = WRONG(&p, "one value is wanted, not a list of %zu", n);
	} else {
		v.text = arena_strdup(arena, texts[0]);
		r = v.text ? parse_one(&p, texts[0]) : -ENOMEM;
	}
	if (r >= 0 && spec->not_built && (!spec->fallback || strcmp(v.text, spec->fallback) != 0)) {
		p.why = spec->not_built;
		r = -ENOSYS;
	}
	if (r < 0) {
		*ret_why = p.why ? p.why : "out of memory";
		return r;
	}
	if (spec->type == OPTION_PATH)
		v.path = v.text;
	*ret = v;
	return 0;
}

size_t option_count(const struct option_spec *specs)
{
	size_t n = 0;

	while (specs && specs[n].name)
		n++;
	return n;
}

int option_index(const struct option_spec *specs, const char *name)
{
	for (int i = 0; specs && specs[i].name; i++) {
		if (strcmp(specs[i].name, name) == 0)
			return i;
	}
	return -1;
}

static void describe_bounds(const struct option_spec *s, const char *what, struct text *to)
{
	char min[SIZE_TEXT_SIZE], max[SIZE_TEXT_SIZE];

	size_print_exact(s->min, min);
	size_print_exact(s->max, max);
	if (s->max)
		text_add(to, "%s to %s%s", min, max, s->power_of_2 ? ", a power of 2" : "");
	else if (s->min)
		text_add(to, "%s, at least %s", what, min);
	else
		text_add(to, "%s", what);
}

void option_describe_values(const struct option_spec *spec, struct text *to)
{
	static const char *const names[] = {
	    [OPTION_TEXT] = "text", [OPTION_FLAG] = "true or false", [OPTION_NUMBER] = "number",
	    [OPTION_SIZE] = "size", [OPTION_LIST] = "{\"…\", …}",    [OPTION_PATH] = "path",
	    [OPTION_UUID] = "UUID", [OPTION_HEX] = "hexadecimal",    [OPTION_WORD] = NULL,
	};

	if (spec->type == OPTION_SIZE || spec->type == OPTION_NUMBER)
		describe_bounds(spec, names[spec->type], to);
	else if (spec->type == OPTION_HEX)
		text_add(to, "hexadecimal, %" PRIu64 " to %" PRIu64 " bytes", spec->min, spec->max);
	else if (names[spec->type])
		text_add(to, "%s", names[spec->type]);
	for (size_t i = 0; spec->words && spec->words[i]; i++)
		text_add(to, "%s%s", i || names[spec->type] ? ", " : "", spec->words[i]);
	if (spec->or_prefix)
		text_add(to, ", %s…", spec->or_prefix);
}

void option_describe(const struct option_spec *specs, struct text *to)
{
	for (; specs && specs->name; specs++) {
		text_add(to, "  %s: ", specs->name);
		option_describe_values(specs, to);
		if (specs->required)
			text_add(to, " (required)");
		else if (specs->fallback)
			text_add(to, " (default %s)", specs->fallback);
		text_add(to, "\n      %s\n", specs->help);
		if (specs->not_built)
			text_add(to, "      Not built yet: %s\n", specs->not_built);
	}
}
