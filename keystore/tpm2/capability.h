/* SPDX-License-Identifier: Apache-2.0 */
/* What a TPM tells about itself. Not authenticated. All speak. */
#ifndef HOLDFAST_KEYSTORE_TPM2_CAPABILITY_H
#define HOLDFAST_KEYSTORE_TPM2_CAPABILITY_H

#include "keystore/tpm2/context.h"

int tpm2_property(struct keystore_session *s, TPM2_PT property, uint32_t *ret);
/* The first handles of @type that are in use. */
int tpm2_handles(struct keystore_session *s, TPM2_HT type, TPML_HANDLE *ret);

#endif
