/* SPDX-License-Identifier: Apache-2.0 */
/* E, R and the anchor in the TEE's storage. All return an enum ta_verdict; *@ret_why is the TEE's
 * result that led to it. */
#ifndef HOLDFAST_KEYSTORE_TEE_TA_STATE_H
#define HOLDFAST_KEYSTORE_TEE_TA_STATE_H

#include <stdbool.h>
#include <tee_internal_api.h>

#include "keystore/tee/ta/holdfast-ta.h"

#define TA_EPOCH_BYTES 16

struct ta_state {
	uint8_t epoch[TA_EPOCH_BYTES];
	uint64_t erase, rotation;
	bool anchored; /* the anchor was written */
	uint64_t sequence;
	uint8_t digest[32];
	uint64_t rotation_max, anchor_erase;
};

uint32_t state_read(uint32_t storage, struct ta_state *ret, TEE_Result *ret_why);
/* If one of the three objects is missing, makes all of them, with a new epoch: what was sealed
 * before never opens again. */
uint32_t state_prepare(uint32_t storage, TEE_Result *ret_why);
/* Each is one write into one object: after a cut it has happened or it has not. */
uint32_t state_write_erase(uint32_t storage, const struct ta_state *s, TEE_Result *ret_why);
uint32_t state_write_rotation(uint32_t storage, const struct ta_state *s, TEE_Result *ret_why);
uint32_t state_write_anchor(uint32_t storage, const struct ta_state *s, TEE_Result *ret_why);

#endif
