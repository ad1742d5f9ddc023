/* SPDX-License-Identifier: Apache-2.0 */
/* The sealed secret of the TPM keystore as bytes. docs/formats/vault.md */
#ifndef HOLDFAST_KEYSTORE_TPM2_BLOB_H
#define HOLDFAST_KEYSTORE_TPM2_BLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

#define TPM2_BLOB_SALT_BYTES 32
#define TPM2_BLOB_AREA_MAX   512 /* of a TPM2B_PUBLIC or TPM2B_PRIVATE */

struct tpm2_blob {
	bool pin;
	bool import; /* made where the TPM was not: has a seed, and is used once */
	uint32_t argon_memory_kib, argon_passes; /* with a PIN */
	uint8_t salt[TPM2_BLOB_SALT_BYTES];
	uint8_t srk_name[34];     /* of the storage key that it is sealed under */
	uint64_t erase, rotation; /* E and R that it waits for */
	uint8_t pcr_digest[32];   /* what the PCRs held when it was sealed: to tell why */
	const uint8_t *public, *private, *seed; /* marshalled; into the bytes given */
	size_t public_len, private_len, seed_len;
};
/* 0, or -EINVAL for anything that is not understood to the last byte. Silent. */
int tpm2_blob_decode(const uint8_t *bytes, size_t len, struct tpm2_blob *ret);
void tpm2_blob_encode(const struct tpm2_blob *b, struct text *to);

#endif
