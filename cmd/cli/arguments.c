/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines: long and short options from tables, and the help that the tables give. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/text.h"
#include "cmd/cli/command.h"
#include "report/renderer.h"

static const struct flag always[] = {
    {"quiet", 'q', NULL, "No progress, no notes. Warnings and errors are still printed."},
    {"log", 0, "FILE", "Appends every message to FILE, with the time."},
    {"help", 'h', NULL, "Shows the options of the command, and examples."},
    {0},
};

const struct flag *common_flags(void)
{
	static struct flag flags[FLAGS_MAX + 1];
	size_t n = 0;

	if (flags[0].name)
		return flags;
	for (const struct renderer *const *r = renderer_registry; *r; r++) {
		if ((*r)->help && n < FLAGS_MAX / 2)
			flags[n++] = (struct flag){.name = (*r)->name, .help = (*r)->help};
	}
	for (const struct flag *f = always; f->name; f++)
		flags[n++] = *f;
	return flags;
}

/* --- reading words --- */

static const struct flag *find(const struct flag *flags, const char *name, size_t len, char letter)
{
	for (; flags && flags->name; flags++) {
		if (letter ? flags->letter == letter
			   : strlen(flags->name) == len && memcmp(flags->name, name, len) == 0)
			return flags;
	}
	return NULL;
}

static int unknown(const struct command *command, const char *word)
{
	const char *names[2 * FLAGS_MAX], *near;
	size_t n = 0;
	int r;

	for (const struct flag *f = command->flags; f && f->name && n < FLAGS_MAX; f++)
		names[n++] = f->name;
	for (const struct flag *f = common_flags(); f->name && n < 2 * FLAGS_MAX - 1; f++)
		names[n++] = f->name;
	names[n] = NULL;
	near = strncmp(word, "--", 2) == 0 ? text_nearest(word + 2, names) : NULL;
	r = diag_fail(DIAG_USAGE, EINVAL, "%s: no option %s%s%s%s", command->name, word,
		      near ? "; did you mean --" : "", near ? near : "", near ? "?" : "");
	diag_next("holdfast %s --help", command->name);
	return r;
}

static int add_flag(struct call *c, const struct flag *f, const char *value)
{
	if (c->n_flags == VALUES_MAX)
		return diag_fail(DIAG_USAGE, E2BIG, "too many options");
	c->flags[c->n_flags].flag = f;
	c->flags[c->n_flags++].value = value ? value : "";
	return 0;
}

/* One word that begins with '-'; may take the next one as its value. */
static int parse_flag(struct call *c, const char *word, char **argv, int argc, int *at)
{
	bool is_long = word[1] == '-';
	const char *name = word + (is_long ? 2 : 1), *equals = is_long ? strchr(name, '=') : NULL;
	size_t len = equals ? (size_t)(equals - name) : strlen(name);
	const struct flag *f = find(c->command->flags, name, len, is_long ? 0 : *name);
	const char *value = equals ? equals + 1 : NULL;

	if (!f)
		f = find(common_flags(), name, len, is_long ? 0 : *name);
	if (!f)
		return unknown(c->command, word);
	if (!is_long && name[1])
		value = name + 1;
	if (f->value && !value && *at + 1 < argc)
		value = argv[++*at];
	if (f->value && !value)
		return diag_fail(DIAG_USAGE, EINVAL, "%s: --%s needs %s", c->command->name, f->name,
				 f->value);
	if (!f->value && value)
		return diag_fail(DIAG_USAGE, EINVAL, "%s: --%s takes no value", c->command->name,
				 f->name);
	return add_flag(c, f, value);
}

static int check_count(const struct call *c)
{
	int r;

	if (c->n_args >= c->command->min_args && c->n_args <= c->command->max_args)
		return 0;
	r = diag_fail(DIAG_USAGE, EINVAL, "usage: holdfast %s %s", c->command->name,
		      c->command->synopsis);
	diag_next("holdfast %s --help", c->command->name);
	return r;
}

/* --- what goes together --- */

static const struct flag *flag_of(const struct call *c, const char *name, size_t len)
{
	const struct flag *f = find(c->command->flags, name, len, 0);

	return f ? f : find(common_flags(), name, len, 0);
}

/* "--output FILE" */
static void add_form(const struct flag *f, struct text *to)
{
	text_add(to, "--%s%s%s", f->name, f->value ? " " : "", f->value ? f->value : "");
}

/* Calls @visit for each option that @names ("one two") names, until it gives other than 0. */
static int each_name(const struct call *c, const char *names,
		     int (*visit)(const struct call *c, const struct flag *f, void *ctx), void *ctx)
{
	int r = 0;

	for (const char *at = names; at && *at && r == 0;) {
		size_t len = strcspn(at, " ");
		const struct flag *f = flag_of(c, at, len);

		r = f ? visit(c, f, ctx) : 0;
		at += len + (at[len] == ' ');
	}
	return r;
}

static int is_given(const struct call *c, const struct flag *f, void *ctx)
{
	*(const struct flag **)ctx = f;
	return call_has(c, f->name);
}

struct alternatives {
	struct text text;
	size_t n, of;
};

static int count_form(const struct call *c, const struct flag *f, void *ctx)
{
	((struct alternatives *)ctx)->of++;
	return 0;
}

static int list_form(const struct call *c, const struct flag *f, void *ctx)
{
	struct alternatives *a = ctx;

	if (a->n)
		text_add(&a->text, a->n + 1 < a->of ? ", " : " or ");
	add_form(f, &a->text);
	a->n++;
	return 0;
}

static int check_one_of(const struct call *c)
{
	struct alternatives a = {.n = 0};
	const struct flag *f;
	int r;

	if (!c->command->one_of || each_name(c, c->command->one_of, is_given, &f))
		return 0;
	each_name(c, c->command->one_of, count_form, &a);
	each_name(c, c->command->one_of, list_form, &a);
	r = diag_fail(DIAG_USAGE, EINVAL, "%s needs %s", c->command->name, a.text.s);
	text_free(&a.text);
	return r;
}

static int check_required(const struct call *c)
{
	for (const struct flag *f = c->command->flags; f && f->name; f++) {
		if (f->required && !call_has(c, f->name))
			return diag_fail(DIAG_USAGE, EINVAL, "%s needs --%s%s%s", c->command->name,
					 f->name, f->value ? " " : "", f->value ? f->value : "");
	}
	return 0;
}

static int refuse(const struct call *c, const struct flag *f, const char *how,
		  const struct flag *other)
{
	_cleanup_text_ struct text form = {0};
	int r;

	add_form(other, &form);
	r = diag_fail(DIAG_USAGE, EINVAL, "%s: --%s %s %s%s%s", c->command->name, f->name, how,
		      form.s, f->why ? ": " : "", f->why ? f->why : "");
	if (f->next)
		diag_next("%s", f->next);
	return r;
}

/* What the option table says of the options that were given. 0 or -EINVAL having spoken. */
static int call_check(const struct call *c)
{
	int r = check_one_of(c);

	if (r >= 0)
		r = check_required(c);
	for (size_t i = 0; i < c->n_flags && r >= 0; i++) {
		const struct flag *f = c->flags[i].flag, *other = NULL;

		if (f->needs && !each_name(c, f->needs, is_given, &other) && other)
			r = refuse(c, f, "goes only with", other);
		else if (each_name(c, f->excludes, is_given, &other))
			r = refuse(c, f, "does not go with", other);
	}
	return r;
}

int call_parse(const struct command *command, int argc, char **argv, struct call *ret)
{
	bool only_args = false;
	int r = 0;

	*ret = (struct call){.command = command};
	for (int i = 0; i < argc && r >= 0; i++) {
		if (!only_args && strcmp(argv[i], "--") == 0)
			only_args = true;
		else if (!only_args && argv[i][0] == '-' && argv[i][1])
			r = parse_flag(ret, argv[i], argv, argc, &i);
		else if (ret->n_args == ARGS_MAX)
			r = diag_fail(DIAG_USAGE, E2BIG, "too many arguments");
		else
			ret->args[ret->n_args++] = argv[i];
	}
	if (r >= 0 && call_has(ret, "help"))
		return 1;
	if (r >= 0)
		r = check_count(ret);
	return r < 0 ? r : call_check(ret);
}

const char *call_value(const struct call *c, const char *name)
{
	const char *value = NULL;

	for (size_t i = 0; i < c->n_flags; i++) {
		if (strcmp(c->flags[i].flag->name, name) == 0)
			value = c->flags[i].value;
	}
	return value;
}

bool call_has(const struct call *c, const char *name)
{
	return call_value(c, name) != NULL;
}

size_t call_values(const struct call *c, const char *name, const char **ret, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_flags && n < max; i++) {
		if (strcmp(c->flags[i].flag->name, name) == 0)
			ret[n++] = c->flags[i].value;
	}
	return n;
}
