/* SPDX-License-Identifier: Apache-2.0 */
/* Names of TPM objects and NV indices. */
#include <string.h>
#include <tss2/tss2_mu.h>

#include "base/endian.h"
#include "crypto/digest.h"
#include "keystore/tpm2/name.h"
#include "model/layout.h"

static bool name_of(const uint8_t *bytes, size_t len, TPM2B_NAME *ret)
{
	const be16_t algorithm = be16_make(TPM2_ALG_SHA256);
	TPM2B_NAME name = {.size = sizeof(algorithm) + SHA256_BYTES};

	memcpy(name.name, &algorithm, sizeof(algorithm));
	if (digest_sha256(bytes, len, name.name + sizeof(algorithm)) < 0)
		return false;
	*ret = name;
	return true;
}

bool tpm2_object_name(const TPM2B_PUBLIC *p, TPM2B_NAME *ret)
{
	uint8_t bytes[sizeof(TPMT_PUBLIC)];
	size_t len = 0;

	return p->publicArea.nameAlg == TPM2_ALG_SHA256 &&
	       Tss2_MU_TPMT_PUBLIC_Marshal(&p->publicArea, bytes, sizeof(bytes), &len) ==
		   TSS2_RC_SUCCESS &&
	       name_of(bytes, len, ret);
}

bool tpm2_index_name(const TPM2B_NV_PUBLIC *p, TPM2B_NAME *ret)
{
	uint8_t bytes[sizeof(TPMS_NV_PUBLIC)];
	size_t len = 0;

	return p->nvPublic.nameAlg == TPM2_ALG_SHA256 &&
	       Tss2_MU_TPMS_NV_PUBLIC_Marshal(&p->nvPublic, bytes, sizeof(bytes), &len) ==
		   TSS2_RC_SUCCESS &&
	       name_of(bytes, len, ret);
}

bool tpm2_same_name(const TPM2B_NAME *a, const TPM2B_NAME *b)
{
	return a->size == b->size && memcmp(a->name, b->name, a->size) == 0;
}

bool tpm2_same_digest(const TPM2B_DIGEST *a, const TPM2B_DIGEST *b)
{
	return a->size == b->size && memcmp(a->buffer, b->buffer, a->size) == 0;
}
