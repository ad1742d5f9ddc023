/* SPDX-License-Identifier: Apache-2.0 */
/* The file system that a layer asks for, in a work file. */
#ifndef HOLDFAST_LAYER_FILESYSTEM_MAKE_H
#define HOLDFAST_LAYER_FILESYSTEM_MAKE_H

#include "layer/filesystem/type.h"
#include "model/layer.h"

/* Indexes of the option table. */
enum {
	FILESYSTEM_TYPE,
	FILESYSTEM_SOURCE,
	FILESYSTEM_OWNER,
	FILESYSTEM_OPTIONS,
	FILESYSTEM_LABEL,
	FILESYSTEM_MOUNT,
};
enum { OWNER_KEEP, OWNER_ROOT };

const struct filesystem_type *filesystem_type_of(const struct layer *l);
/* layer_ops.survey(): an exact image is made now, because its size is needed. */
int filesystem_survey(struct layer *l, struct env *env);
/* All others, which take the size of their place. Speaks. */
int filesystem_make(const struct layer *l, const struct io *place, struct env *env,
		    struct io **ret);

#endif
