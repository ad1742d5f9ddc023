/* SPDX-License-Identifier: Apache-2.0 */
/* Every layer kind that there is. */
#include "layer/registry.h"

#define ENTRY(name) &layer_##name,
const struct layer_ops *const layer_registry[] = {LAYER_KINDS(ENTRY) NULL};

const char *const layer_planned[] = {
    "ubi", "ubifs", "directory", "files", NULL,
};
