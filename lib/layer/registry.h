/* SPDX-License-Identifier: Apache-2.0 */
/* Every layer kind that there is. */
#ifndef HOLDFAST_LAYER_REGISTRY_H
#define HOLDFAST_LAYER_REGISTRY_H

#include "model/layer.h"

extern const struct layer_ops layer_partition, layer_verity, layer_filesystem, layer_image,
    layer_integrity, layer_crypt;

extern const struct layer_ops *const layer_registry[]; /* NULL-terminated */
extern const char *const layer_planned[];              /* kinds of the design, not built yet */

#endif
