/* SPDX-License-Identifier: Apache-2.0 */
/* A layout's text as a tree of sections and options, in order, with lines. */
#ifndef HOLDFAST_LAYOUT_DOCUMENT_H
#define HOLDFAST_LAYOUT_DOCUMENT_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/array.h"
#include "layout/layout-file.h"
#include "model/option.h"

/* All in the arena that document_parse() was given. */
struct node {
	const char *name;
	const char *title; /* sections only; NULL: none */
	struct where where;
	bool section;
	const char *const *values; /* options only */
	size_t n_values;
	struct node *child; /* first of a section's, in order */
	struct node *next;
};

/* What may stand in a section; titled ones may be several. */
struct grammar {
	const char *name;
	bool titled;
	const char *const *options;     /* NULL-terminated */
	const struct grammar *sections; /* ends with an entry without name */
};

/* @root: the first top-level node. 0, or -EINVAL having spoken. */
int document_parse(const char *name, const char *text, size_t len, const struct setting *settings,
		   size_t n_settings, const struct grammar *grammar, struct arena *arena,
		   struct node **ret);

#endif
