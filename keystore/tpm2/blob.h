/* SPDX-License-Identifier: Apache-2.0 */
/* A secret that a TPM sealed, as the vault holds it. Pure and silent. */
#ifndef HOLDFAST_KEYSTORE_TPM2_BLOB_H
#define HOLDFAST_KEYSTORE_TPM2_BLOB_H

#include "keystore/tpm2/digest.h"
#include "keystore/tpm2/pin.h"

#define TPM2_BLOB_MAX     8192
#define TPM2_BLOB_VERSION 1

struct tpm2_blob {
	struct tpm2_boot boot;
	struct tpm2_pin pin;
	struct tpm2_counters counters; /* the values at which it opens */
	TPM2B_NAME srk;                /* the storage key that it is sealed under */
	TPM2B_PUBLIC object;
	TPM2B_PRIVATE private;
	TPM2B_ENCRYPTED_SECRET seed; /* size not 0: @private must be imported, once */
};

/* 0, or -EUCLEAN: @bytes are no blob of ours, or their parts contradict each other. */
int tpm2_blob_decode(const uint8_t *bytes, size_t len, struct tpm2_blob *ret);
/* 0, or -EUCLEAN: a part cannot be encoded, and nothing was added. to->failed: out of memory. */
int tpm2_blob_encode(const struct tpm2_blob *b, struct text *to);

#endif
