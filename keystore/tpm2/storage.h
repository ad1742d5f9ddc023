/* SPDX-License-Identifier: Apache-2.0 */
/* The storage key, under which everything is sealed. All speak. */
#ifndef HOLDFAST_KEYSTORE_TPM2_STORAGE_H
#define HOLDFAST_KEYSTORE_TPM2_STORAGE_H

#include "keystore/tpm2/context.h"
#include "model/key.h"

/* Fills s->srk and its name. 0 also if there is no storage key: s->srk stays ESYS_TR_NONE. */
int tpm2_storage_find(struct keystore_session *s);
/* HF-KEYSTORE-FOREIGN unless the storage key has @name, which @k was sealed under. */
int tpm2_storage_compare(const struct keystore *k, const struct keystore_session *s,
			 const TPM2B_NAME *name);
/* Makes it, or checks that the one at its handle is the owner's. Needs the owner's authorisation.
 */
int tpm2_storage_prepare(struct keystore_session *s);

#endif
