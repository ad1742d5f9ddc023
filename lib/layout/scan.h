/* SPDX-License-Identifier: Apache-2.0 */
/* What libconfuse does not see: unterminated things, where sections begin, ${NAME}. */
#ifndef HOLDFAST_LAYOUT_SCAN_H
#define HOLDFAST_LAYOUT_SCAN_H

#include "base/array.h"
#include "base/text.h"
#include "layout/layout-file.h"

struct scanned {
	struct text text; /* with ${NAME} replaced */
	ARRAY(unsigned)
	opened; /* line of the n-th section to close: libconfuse knows only the end */
};

/* 0, or -EINVAL having spoken. @ret must be freed either way. */
int scan_text(const char *name, const char *text, size_t len, const struct setting *settings,
	      size_t n_settings, struct scanned *ret);
void scanned_free(struct scanned *s);
#define _cleanup_scanned_ __attribute__((cleanup(scanned_free)))

#endif
