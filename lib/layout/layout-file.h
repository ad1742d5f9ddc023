/* SPDX-License-Identifier: Apache-2.0 */
/* The layout file → model. Every mistake is told with file, line and what to write instead. */
#ifndef HOLDFAST_LAYOUT_LAYOUT_FILE_H
#define HOLDFAST_LAYOUT_LAYOUT_FILE_H

#include "model/kinds.h"
#include "model/layer.h"
#include "model/medium.h"

/* A `--set NAME=VALUE`. */
struct setting {
	const char *name, *value;
};

/* Reads, checks types and options, expands slots. 0 or -errno; reports *all* mistakes that it can
 * tell apart through diag, in the order of their lines. */
int layout_read_file(const char *path, const struct setting *settings, size_t n_settings,
		     const struct kinds *kinds, struct layout **ret);
/* The same from memory; @dir is what relative paths start at. For tests and fuzzing. */
int layout_read_text(const char *name, const char *text, size_t len, const char *dir,
		     const struct setting *settings, size_t n_settings, const struct kinds *kinds,
		     struct layout **ret);

#endif
