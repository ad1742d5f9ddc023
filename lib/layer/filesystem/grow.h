/* SPDX-License-Identifier: Apache-2.0 */
/* Growing an ext4 in place. */
#ifndef HOLDFAST_LAYER_FILESYSTEM_GROW_H
#define HOLDFAST_LAYER_FILESYSTEM_GROW_H

#include "base/env.h"
#include "base/io.h"

/* filesystem_type.grow() of ext4. */
int filesystem_grow_ext4(struct io *place, uint64_t old_bytes, struct env *env);

#endif
