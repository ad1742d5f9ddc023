/* SPDX-License-Identifier: Apache-2.0 */
/* Every backend that there is. */
#ifndef HOLDFAST_KEYSTORE_REGISTRY_H
#define HOLDFAST_KEYSTORE_REGISTRY_H

#include "model/key.h"

/* One line per backend, in the order of `holdfast layers`: BACKEND(x) is struct keystore_ops
 * keystore_x. */
#define KEYSTORE_BACKENDS(BACKEND)                                                                 \
	BACKEND(file)                                                                              \
	BACKEND(tee)                                                                               \
	BACKEND(tpm2)                                                                              \
	BACKEND(trusted)

#define DECLARE(name) extern const struct keystore_ops keystore_##name;
KEYSTORE_BACKENDS(DECLARE)
#undef DECLARE

extern const struct keystore_ops *const keystore_registry[]; /* ends with NULL */

#endif
