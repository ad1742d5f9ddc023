/* SPDX-License-Identifier: Apache-2.0 */
/* Every kind of medium that there is. */
#ifndef HOLDFAST_MEDIUM_REGISTRY_H
#define HOLDFAST_MEDIUM_REGISTRY_H

#include "model/medium.h"

extern const struct medium_ops medium_gpt, medium_raw;

extern const struct medium_ops *const medium_registry[]; /* NULL-terminated */

#endif
