/* SPDX-License-Identifier: Apache-2.0 */
/* Every layer kind that there is: one line each. */
#include "layer/registry.h"

const struct layer_ops *const layer_registry[] = {
    &layer_partition, &layer_verity, &layer_integrity, &layer_crypt, &layer_filesystem,
    &layer_image,     NULL,
};

const char *const layer_planned[] = {
    "ubi", "ubifs", "directory", "files", NULL,
};
