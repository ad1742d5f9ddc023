/* SPDX-License-Identifier: Apache-2.0 */
/* Every kind of medium that there is: one line each. */
#include "medium/registry.h"

const struct medium_ops *const medium_registry[] = {
    &medium_gpt,
    &medium_raw,
    NULL,
};
