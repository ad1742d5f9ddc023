/* SPDX-License-Identifier: Apache-2.0 */
/* libconfuse's view of a layout, put in order: it tells neither order nor repeats by itself. */
#include <confuse.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "layout/document.h"
#include "layout/scan.h"

#define END "holdfast-end" /* appended option: seen at top level, the text was read to its end */

struct pending {
	const cfg_t *owner; /* the section that it stands in */
	struct node *node;
};

/* While libconfuse runs; its callbacks have no argument of ours. */
struct builder {
	const char *name;
	struct arena *arena;
	const struct grammar *grammar;
	const struct scanned *scanned;
	ARRAY(struct pending) pending;
	size_t closed; /* sections so far */
	bool ended;
	int error;
};
static _Thread_local struct builder *builder;

static int keep(struct builder *b, int r)
{
	if (r < 0 && b->error == 0)
		b->error = r;
	return r < 0 ? -1 : 0;
}

static struct node *find_pending(struct builder *b, const cfg_t *owner, const char *name)
{
	array_each (p, &b->pending) {
		if (p->owner == owner && strcmp(p->node->name, name) == 0)
			return p->node;
	}
	return NULL;
}

static int repeated(struct builder *b, const struct node *before, unsigned line)
{
	return keep(
	    b, diag_fail(DIAG_LAYOUT_REPEATED, EINVAL,
			 "%s:%u: \"%s\" stands a second time; line %u has it already, take one "
			 "away",
			 b->name, line, before->name, before->where.line));
}

static struct node *new_node(struct builder *b, const cfg_t *owner, const char *name, unsigned line)
{
	struct node *n = arena_new(b->arena, struct node);
	struct pending p = {.owner = owner, .node = n};

	if (n)
		n->name = arena_strdup(b->arena, name);
	if (!n || !n->name || array_add(&b->pending, p) < 0) {
		keep(b, diag_no_memory());
		return NULL;
	}
	n->where.file = b->name;
	n->where.line = line;
	return n;
}

/* libconfuse has read an option. */
static int on_option(cfg_t *cfg, cfg_opt_t *opt)
{
	struct builder *b = builder;
	struct node *before = find_pending(b, cfg, opt->name), *n;
	const char **values;

	if (strcmp(opt->name, END) == 0) {
		b->ended = true;
		return 0;
	}
	/* It is called for every value of a list, and at its end: the node grows with it. */
	n = before ? before : new_node(b, cfg, opt->name, (unsigned)cfg->line);
	values = arena_alloc(b->arena, (cfg_opt_size(opt) + 1) * sizeof(*values));
	if (!n || !values)
		return keep(b, -ENOMEM);
	n->n_values = cfg_opt_size(opt);
	n->values = values;
	for (unsigned i = 0; i < n->n_values; i++) {
		const char *s = cfg_opt_getnstr(opt, i);

		values[i] = arena_strdup(b->arena, s ? s : "");
	}
	return 0;
}

/* Moves what stood in @owner below its section's node. */
static void adopt(struct builder *b, const cfg_t *owner, struct node *section)
{
	struct node **tail = &section->child;
	size_t kept = 0;

	array_each (p, &b->pending) {
		if (p->owner == owner) {
			*tail = p->node;
			tail = &p->node->next;
		} else {
			b->pending.v[kept++] = *p;
		}
	}
	b->pending.n = kept;
}

/* libconfuse has read the closing brace of a section. */
static int on_section(cfg_t *cfg, cfg_opt_t *opt)
{
	struct builder *b = builder;
	unsigned line = b->closed < b->scanned->opened.n ? b->scanned->opened.v[b->closed]
							 : (unsigned)cfg->line;
	struct node *before = find_pending(b, cfg, opt->name), *n, inner = {0};
	const cfg_t *section = cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1);
	const char *title = cfg_title((cfg_t *)(uintptr_t)section);

	b->closed++;
	adopt(b, section, &inner);
	if (before && !(opt->flags & CFGF_TITLE))
		return repeated(b, before, line);
	n = new_node(b, cfg, opt->name, line);
	if (!n)
		return -1;
	n->section = true;
	n->child = inner.child;
	n->title = title ? arena_strdup(b->arena, title) : NULL;
	return 0;
}

/* --- errors of libconfuse itself --- */

static const struct grammar *grammar_of(const struct grammar *g, const char *name)
{
	const struct grammar *found = NULL;

	if (strcmp(g->name, name) == 0)
		return g;
	for (const struct grammar *s = g->sections; s && s->name && !found; s++)
		found = grammar_of(s, name);
	return found;
}

static void unknown(struct builder *b, const cfg_t *cfg, const char *name)
{
	const struct grammar *g = grammar_of(b->grammar, cfg->name);
	const char *words[96], *near;
	_cleanup_text_ struct text all = {0};
	size_t n = 0;

	for (size_t i = 0; g && g->options && g->options[i] && n < 95; i++)
		words[n++] = g->options[i];
	for (const struct grammar *s = g ? g->sections : NULL; s && s->name && n < 95; s++)
		words[n++] = s->name;
	words[n] = NULL;
	for (size_t i = 0; i < n; i++)
		text_add(&all, "%s%s", i ? ", " : "", words[i]);
	near = text_nearest(name, words);
	keep(b, near ? diag_fail(DIAG_LAYOUT_UNKNOWN, EINVAL,
				 "%s:%d: %s has nothing called \"%s\"; did you mean \"%s\"?",
				 b->name, cfg->line, cfg->name, name, near)
		     : diag_fail(DIAG_LAYOUT_UNKNOWN, EINVAL,
				 "%s:%d: %s has nothing called \"%s\"; there are: %s (a value with "
				 "spaces needs quotes)",
				 b->name, cfg->line, cfg->name, name, all.s ? all.s : "none"));
}

static void on_error(cfg_t *cfg, const char *fmt, va_list args)
{
	struct builder *b = builder;
	char text[512];

	if (b->error || !fmt)
		return;
	if (strstr(fmt, "no such option")) {
		unknown(b, cfg, va_arg(args, const char *));
		return;
	}
	vsnprintf(text, sizeof(text), fmt, args);
	if (strstr(fmt, "duplicate title"))
		keep(b, diag_fail(DIAG_LAYOUT_REPEATED, EINVAL, "%s:%d: %s; give it another name",
				  b->name, cfg->line, text));
	else
		keep(b,
		     diag_fail(DIAG_LAYOUT_SYNTAX, EINVAL, "%s:%d: %s", b->name, cfg->line, text));
}

/* --- the grammar in libconfuse's terms --- */

static cfg_opt_t *make_options(struct builder *b, const struct grammar *g, bool root)
{
	const cfg_opt_t end = CFG_END();
	size_t n = 0, i = 0;
	cfg_opt_t *opts;

	while (g->options && g->options[n])
		n++;
	for (const struct grammar *s = g->sections; s && s->name; s++)
		n++;
	opts = arena_alloc(b->arena, (n + 2) * sizeof(*opts));
	if (!opts)
		return NULL;
	for (size_t j = 0; g->options && g->options[j]; j++) {
		const cfg_opt_t o = CFG_STR_LIST(g->options[j], NULL, CFGF_NODEFAULT);

		opts[i] = o;
		opts[i++].validcb = on_option;
	}
	for (const struct grammar *s = g->sections; s && s->name; s++) {
		cfg_opt_t *inner = make_options(b, s, false);
		const cfg_opt_t o = CFG_SEC(
		    s->name, inner,
		    CFGF_MULTI | (s->titled ? CFGF_TITLE | CFGF_NO_TITLE_DUPES : CFGF_NONE));

		if (!inner)
			return NULL;
		opts[i] = o;
		opts[i++].validcb = on_section;
	}
	if (root) {
		const cfg_opt_t o = CFG_STR_LIST(END, NULL, CFGF_NODEFAULT);

		opts[i] = o;
		opts[i++].validcb = on_option;
	}
	opts[i] = end;
	return opts;
}

static int run(struct builder *b, const struct scanned *scanned)
{
	cfg_opt_t *opts = make_options(b, b->grammar, true);
	cfg_t *cfg = opts ? cfg_init(opts, CFGF_NONE) : NULL;
	FILE *f = fmemopen(scanned->text.s, scanned->text.len, "r");
	int r = CFG_PARSE_ERROR;

	if (cfg && f) {
		cfg_set_error_function(cfg, on_error);
		cfg->filename = strdup(b->name);
		r = cfg_parse_fp(cfg, f);
	}
	if (f)
		fclose(f);
	if (cfg)
		cfg_free(cfg);
	if (!cfg || !f)
		return diag_no_memory();
	if (b->error)
		return b->error;
	if (r != CFG_SUCCESS || !b->ended)
		return diag_fail(DIAG_LAYOUT_SYNTAX, EINVAL,
				 "%s: the text cannot be read to its end", b->name);
	return 0;
}

int document_parse(const char *name, const char *text, size_t len, const struct setting *settings,
		   size_t n_settings, const struct grammar *grammar, struct arena *arena,
		   struct node **ret)
{
	_cleanup_scanned_ struct scanned scanned = {0};
	struct builder b = {.name = name, .arena = arena, .grammar = grammar, .scanned = &scanned};
	struct node root = {0};
	int r = scan_text(name, text, len, settings, n_settings, &scanned);

	if (r < 0)
		return r;
	text_add(&scanned.text, "\n%s = yes\n", END);
	if (scanned.text.failed)
		return diag_no_memory();
	builder = &b;
	r = run(&b, &scanned);
	builder = NULL;
	if (r >= 0) { /* what is still pending stands at top level */
		array_each (p, &b.pending)
			p->owner = NULL;
		adopt(&b, NULL, &root);
		*ret = root.child;
	}
	array_free(&b.pending);
	return r;
}
