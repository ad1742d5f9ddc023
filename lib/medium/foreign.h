/* SPDX-License-Identifier: Apache-2.0 */
/* What libblkid recognises on a bare target, and taking it away. lib/medium only. */
#ifndef HOLDFAST_MEDIUM_FOREIGN_H
#define HOLDFAST_MEDIUM_FOREIGN_H

#include "base/arena.h"
#include "base/io.h"
#include "model/layout.h"

/* *@ret: "ext4", "a dos partition table", in @arena; NULL: nothing. 0, or -errno with a
 * message: a target that cannot be read does not count as empty. */
int foreign_find(struct io *target, struct arena *arena, const char **ret);
/* Zeroes the signatures that libblkid goes by, except in @spare; idempotent, not flushed. */
int foreign_clear(struct io *target, const struct extent *spare);

#endif
