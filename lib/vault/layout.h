/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the device part: its records, back to a layout. */
#ifndef HOLDFAST_VAULT_LAYOUT_H
#define HOLDFAST_VAULT_LAYOUT_H

#include "model/kinds.h"
#include "model/layout.h"

struct vault;

/* A layout without a file, with volumes, extents, UUIDs and learned values; lives on its own. 1, 0
 * if no device part was committed, -errno if it is damaged beyond use. HF-NEWER,
 * -ENOTSUP: it has records that only a newer holdfast knows. */
int vault_read_layout(const struct vault *v, const struct kinds *kinds, struct layout **ret);

#endif
