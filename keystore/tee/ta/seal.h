/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing under a key of this device. All return an enum ta_verdict; *@ret_why is the TEE's result
 * that led to it. */
#ifndef HOLDFAST_KEYSTORE_TEE_TA_SEAL_H
#define HOLDFAST_KEYSTORE_TEE_TA_SEAL_H

#include <tee_internal_api.h>

#include "keystore/tee/ta/holdfast-ta.h"

/* Public; the same as long as the hardware unique key is. */
uint32_t device_identity(uint8_t ret[static 32], TEE_Result *ret_why);
/* Fills in identity, nonce, sealed and tag; the caller has set the rest of @blob. */
uint32_t blob_seal(struct ta_blob_disk *blob, const uint8_t secret[static TA_SECRET_BYTES],
		   TEE_Result *ret_why);
/* TA_DONE if @blob is ours and unchanged. Does not look at the counters. @ret is zero otherwise. */
uint32_t blob_open(const struct ta_blob_disk *blob, uint8_t ret[static TA_SECRET_BYTES],
		   TEE_Result *ret_why);

#endif
