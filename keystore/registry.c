/* SPDX-License-Identifier: Apache-2.0 */
/* Every backend that there is. */
#include "keystore/registry.h"

#define ENTRY(name) &keystore_##name,
const struct keystore_ops *const keystore_registry[] = {KEYSTORE_BACKENDS(ENTRY) NULL};
