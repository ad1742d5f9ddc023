/* SPDX-License-Identifier: Apache-2.0 */
/* A file system out of its work file onto the medium. */
#ifndef HOLDFAST_LAYER_FILESYSTEM_COPY_H
#define HOLDFAST_LAYER_FILESYSTEM_COPY_H

#include "layer/filesystem/type.h"

/* Unless @all is wanted, what the file system does not use stays on the medium as it is. Until the
 * end nothing there is taken for a file system. Speaks. */
int filesystem_copy(const struct filesystem_type *t, struct io *from, struct io *to, bool all,
		    struct env *env);

#endif
