/* SPDX-License-Identifier: Apache-2.0 */
/* Every backend that there is. */
#ifndef HOLDFAST_KEYSTORE_REGISTRY_H
#define HOLDFAST_KEYSTORE_REGISTRY_H

#include "model/key.h"

extern const struct keystore_ops keystore_file;
extern const struct keystore_ops keystore_tee;
extern const struct keystore_ops keystore_tpm2;
extern const struct keystore_ops keystore_trusted;

extern const struct keystore_ops *const keystore_registry[]; /* NULL-terminated */

#endif
