/* SPDX-License-Identifier: Apache-2.0 */
/* Every layer kind that there is. */
#ifndef HOLDFAST_LAYER_REGISTRY_H
#define HOLDFAST_LAYER_REGISTRY_H

#include "model/layer.h"

/* One line per kind, in the order of `holdfast layers`: KIND(x) is struct layer_ops layer_x. */
#define LAYER_KINDS(KIND)                                                                          \
	KIND(partition)                                                                            \
	KIND(verity)                                                                               \
	KIND(integrity)                                                                            \
	KIND(crypt)                                                                                \
	KIND(filesystem)                                                                           \
	KIND(image)

#define DECLARE(name) extern const struct layer_ops layer_##name;
LAYER_KINDS(DECLARE)
#undef DECLARE

extern const struct layer_ops *const layer_registry[]; /* ends with NULL */
extern const char *const layer_planned[];              /* kinds of the design, not built yet */

#endif
