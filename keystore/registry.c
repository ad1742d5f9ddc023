/* SPDX-License-Identifier: Apache-2.0 */
/* Every backend that there is: one line each. */
#include "keystore/registry.h"

const struct keystore_ops *const keystore_registry[] = {
    &keystore_file, &keystore_tee, &keystore_tpm2, &keystore_trusted, NULL,
};
