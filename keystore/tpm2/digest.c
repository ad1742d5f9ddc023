/* SPDX-License-Identifier: Apache-2.0 */
/* Policy digests: TPM 2.0 Library, Part 3, the Policy commands' "policyDigest_new". */
#include <stdio.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "base/endian.h"
#include "crypto/digest.h"
#include "keystore/tpm2/digest.h"
#include "keystore/tpm2/index-public.h"
#include "keystore/tpm2/name.h"

TPM2B_NONCE tpm2_policy_ref(uint32_t version)
{
	TPM2B_NONCE ref = {0};

	if (version)
		ref.size = (UINT16)snprintf((char *)ref.buffer, sizeof(ref.buffer), "holdfast:%u",
					    version);
	return ref;
}

TPM2B_OPERAND tpm2_policy_operand(uint64_t value)
{
	const be64_t v = be64_make(value);
	TPM2B_OPERAND operand = {.size = sizeof(v)};

	memcpy(operand.buffer, &v, sizeof(v));
	return operand;
}

/* digest = H(digest ‖ command ‖ a ‖ b) */
static bool extend(TPM2B_DIGEST *d, TPM2_CC command, const void *a, size_t a_len, const void *b,
		   size_t b_len)
{
	const be32_t cc = be32_make(command);
	_cleanup_digest_ struct digest *hash = NULL;

	return digest_new("sha256", &hash) >= 0 && digest_add(hash, d->buffer, d->size) >= 0 &&
	       digest_add(hash, &cc, sizeof(cc)) >= 0 && digest_add(hash, a, a_len) >= 0 &&
	       digest_add(hash, b, b_len) >= 0 && digest_finish(hash, d->buffer) >= 0;
}

TPM2B_DIGEST tpm2_digest_zero(void)
{
	return (TPM2B_DIGEST){.size = SHA256_BYTES};
}

bool tpm2_digest_signed(const TPM2B_DIGEST *approved, uint32_t version, TPM2B_DIGEST *ret)
{
	const TPM2B_NONCE ref = tpm2_policy_ref(version);
	_cleanup_digest_ struct digest *hash = NULL;
	TPM2B_DIGEST d = tpm2_digest_zero();

	if (digest_new("sha256", &hash) < 0 ||
	    digest_add(hash, approved->buffer, approved->size) < 0 ||
	    digest_add(hash, ref.buffer, ref.size) < 0 || digest_finish(hash, d.buffer) < 0)
		return false;
	*ret = d;
	return true;
}

static bool digest_values(const struct tpm2_boot *b, TPM2B_DIGEST *ret)
{
	_cleanup_digest_ struct digest *hash = NULL;
	TPM2B_DIGEST d = tpm2_digest_zero();

	if (digest_new("sha256", &hash) < 0)
		return false;
	for (unsigned i = 0; i < TPM2_PCRS; i++) {
		if (b->pcrs & 1U << i &&
		    digest_add(hash, b->values[i], tpm2_bank_bytes(b->bank)) < 0)
			return false;
	}
	if (digest_finish(hash, d.buffer) < 0)
		return false;
	*ret = d;
	return true;
}

bool tpm2_digest_pcr(const struct tpm2_boot *b, TPM2B_DIGEST *d, TPM2B_DIGEST *ret_values)
{
	const TPML_PCR_SELECTION selection = tpm2_boot_selection(b);
	uint8_t bytes[sizeof(selection)];
	TPM2B_DIGEST values;
	size_t len = 0;

	if (!digest_values(b, &values) ||
	    Tss2_MU_TPML_PCR_SELECTION_Marshal(&selection, bytes, sizeof(bytes), &len) !=
		TSS2_RC_SUCCESS ||
	    !extend(d, TPM2_CC_PolicyPCR, bytes, len, values.buffer, values.size))
		return false;
	*ret_values = values;
	return true;
}

/* PolicyAuthorize forgets what was before it, and then hashes once more with policyRef. */
static bool extend_authorize(TPM2B_DIGEST *d, const struct tpm2_boot *b)
{
	TPM2B_NAME key;

	*d = tpm2_digest_zero();
	return tpm2_object_name(&b->key, &key) &&
	       extend(d, TPM2_CC_PolicyAuthorize, key.name, key.size, NULL, 0) &&
	       tpm2_digest_signed(d, b->version, d);
}

static bool extend_boot(TPM2B_DIGEST *d, const struct tpm2_boot *b)
{
	TPM2B_DIGEST values;

	if (!b->pcrs)
		return true;
	return b->is_signed ? extend_authorize(d, b) : tpm2_digest_pcr(b, d, &values);
}

static bool extend_counter(TPM2B_DIGEST *d, enum tpm2_which which, uint64_t value)
{
	const uint8_t offset_and_operation[4] = {0, 0, 0, TPM2_EO_EQ};
	const TPM2B_NV_PUBLIC public = tpm2_index_public(which, NULL, true);
	const TPM2B_OPERAND operand = tpm2_policy_operand(value);
	uint8_t args[12], hash[SHA256_BYTES];
	TPM2B_NAME name;

	memcpy(args, operand.buffer, 8);
	memcpy(args + 8, offset_and_operation, 4);
	return tpm2_index_name(&public, &name) && digest_sha256(args, sizeof(args), hash) >= 0 &&
	       extend(d, TPM2_CC_PolicyNV, hash, sizeof(hash), name.name, name.size);
}

static bool extend_pin(TPM2B_DIGEST *d, bool pin)
{
	return !pin || extend(d, TPM2_CC_PolicyAuthValue, NULL, 0, NULL, 0);
}

bool tpm2_digest_boot(const struct tpm2_boot *b, TPM2B_DIGEST *ret)
{
	TPM2B_DIGEST d = tpm2_digest_zero();

	if (!extend_boot(&d, b))
		return false;
	*ret = d;
	return true;
}

bool tpm2_digest_seal(const struct tpm2_boot *b, const struct tpm2_counters *c, bool pin,
		      TPM2B_DIGEST *ret)
{
	TPM2B_DIGEST d = tpm2_digest_zero();

	if (!extend_boot(&d, b) || !extend_counter(&d, TPM2_ROTATION, c->rotation) ||
	    !extend_counter(&d, TPM2_ERASE, c->erase) || !extend_pin(&d, pin))
		return false;
	*ret = d;
	return true;
}

bool tpm2_digest_systemd(const struct tpm2_boot *b, bool pin, TPM2B_DIGEST *ret)
{
	TPM2B_DIGEST d = tpm2_digest_zero();

	if (!extend_boot(&d, b) || !extend_pin(&d, pin))
		return false;
	*ret = d;
	return true;
}
