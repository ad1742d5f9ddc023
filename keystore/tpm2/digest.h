/* SPDX-License-Identifier: Apache-2.0 */
/* Policy digests, computed here as the TPM computes them. Pure and silent; false: a bug. */
#ifndef HOLDFAST_KEYSTORE_TPM2_DIGEST_H
#define HOLDFAST_KEYSTORE_TPM2_DIGEST_H

#include "keystore/tpm2/boot.h"

/* The values of E and R at which a secret opens. */
struct tpm2_counters {
	uint64_t erase, rotation;
};

TPM2B_DIGEST tpm2_digest_zero(void); /* of a policy session that has just begun */
/* Extends @d by PolicyPCR; *@ret_values is the digest over the PCRs' values. */
bool tpm2_digest_pcr(const struct tpm2_boot *b, TPM2B_DIGEST *d, TPM2B_DIGEST *ret_values);
/* The boot part alone: who may write the anchor. */
bool tpm2_digest_boot(const struct tpm2_boot *b, TPM2B_DIGEST *ret);
/* The policy that a device secret is sealed under. */
bool tpm2_digest_seal(const struct tpm2_boot *b, const struct tpm2_counters *c, bool pin,
		      TPM2B_DIGEST *ret);
/* Boot and PIN, and no counter: the policy that systemd seals under. */
bool tpm2_digest_systemd(const struct tpm2_boot *b, bool pin, TPM2B_DIGEST *ret);
/* What a PCR policy's key signs: policy digest @approved, for version @version. */
bool tpm2_digest_signed(const TPM2B_DIGEST *approved, uint32_t version, TPM2B_DIGEST *ret);

/* policyRef of PolicyAuthorize: empty for version 0. */
TPM2B_NONCE tpm2_policy_ref(uint32_t version);
/* A counter's value as PolicyNV compares it. */
TPM2B_OPERAND tpm2_policy_operand(uint64_t value);

#endif
