/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the trusted application share. */
#ifndef HOLDFAST_KEYSTORE_TA_H
#define HOLDFAST_KEYSTORE_TA_H

#include <stdbool.h>
#include <tee_internal_api.h>

#include "keystore/tee/ta/holdfast-ta.h"

#define TA_EPOCH_BYTES 16

/* A command as it is worked on, all of it in the trusted application's own memory: what is shared
 * with the normal world can change at any time. */
struct ta_call {
	uint32_t storage, flags;
	uint8_t in[TA_REQUEST_MAX];
	uint8_t out[TA_REPLY_MAX];
	TEE_Result why; /* with TA_STORAGE and TA_TROUBLE */
};

/* The counters and the anchor. */
struct ta_state {
	uint8_t epoch[TA_EPOCH_BYTES];
	uint64_t erase, rotation;
	bool anchored;
	uint64_t sequence;
	uint8_t digest[32];
};

/* All return an enum ta_verdict. */

/* state.c */
uint32_t state_read(uint32_t storage, struct ta_state *ret, TEE_Result *ret_why);
/* Makes all three anew, with a new epoch, where one of them is missing: what was sealed before
 * never opens again. */
uint32_t state_prepare(uint32_t storage, TEE_Result *ret_why);
/* Each is one write into one object: it happened, or it did not. */
uint32_t state_write_erase(uint32_t storage, const struct ta_state *s, TEE_Result *ret_why);
uint32_t state_write_rotation(uint32_t storage, const struct ta_state *s, TEE_Result *ret_why);
uint32_t state_write_anchor(uint32_t storage, const struct ta_state *s, TEE_Result *ret_why);

/* seal.c */
uint32_t device_identity(uint8_t ret[static 32], TEE_Result *ret_why);
/* @blob has all but identity, nonce, sealed and tag. */
uint32_t blob_seal(struct ta_blob_disk *blob, const uint8_t secret[static TA_SECRET_BYTES],
		   TEE_Result *ret_why);
/* That it is ours and whole; says nothing about the counters. */
uint32_t blob_open(const struct ta_blob_disk *blob, uint8_t ret[static TA_SECRET_BYTES],
		   TEE_Result *ret_why);

#endif
