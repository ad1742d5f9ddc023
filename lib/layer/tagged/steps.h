/* SPDX-License-Identifier: Apache-2.0 */
/* dm-integrity below a layer: steps that lay it out. */
#ifndef HOLDFAST_LAYER_TAGGED_STEPS_H
#define HOLDFAST_LAYER_TAGGED_STEPS_H

#include "layer/tagged/tags.h"

/* Written whatever the contents are: libblkid looks for VMFS after 2 MiB, and for RAIDs up
 * to 3087 sectors from the end. */
#define TAGS_FIRST_BYTES (3ULL * 1024 * 1024)
#define TAGS_LAST_BYTES  (2ULL * 1024 * 1024)

struct tag_steps {
	struct tags tags;
	/* Fills in keys and salt before they are used; NULL: there are none. */
	int (*load_keys)(const struct layer *l, struct job *job, struct tags *t);
	bool full;            /* every sector is written, not only what needs to be */
	const char *remark;   /* for the plan: "2^32 writes under one key", or NULL */
	uint64_t clear_bytes; /* before the tags: a header that is invalid from now on */
};
/* Steps before contents: clear; then fill all, or the first and last MiB. */
int tags_plan_prepare(const struct layer *l, const struct tag_steps *params, struct plan *p);
/* The step after contents: the superblock. */
int tags_plan_finish(const struct layer *l, const struct tag_steps *params, struct plan *p);
/* The steps for a layer without tags. */
int fill_plan_prepare(const struct layer *l, const struct tag_steps *params, struct plan *p);

#endif
