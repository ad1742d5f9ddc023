/* SPDX-License-Identifier: Apache-2.0 */
/* The counters E and R, which make erasing and rotating final: they only grow. All speak. */
#ifndef HOLDFAST_KEYSTORE_TPM2_COUNTER_H
#define HOLDFAST_KEYSTORE_TPM2_COUNTER_H

#include "keystore/tpm2/context.h"

int tpm2_counter_read(struct keystore_session *s, enum tpm2_which which, uint64_t *ret);
/* Counts up by one and reads it back; the readings around the count are authenticated. */
int tpm2_counter_count(struct keystore_session *s, enum tpm2_which which, uint64_t *ret_before,
		       uint64_t *ret_after);
/* Makes the counter unless it is there. Needs the owner's authorisation. */
int tpm2_counter_prepare(struct keystore_session *s, enum tpm2_which which);

#endif
