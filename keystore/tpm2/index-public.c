/* SPDX-License-Identifier: Apache-2.0 */
/* NV indices: two counters and the anchor, and what each must look like. */
#include "keystore/tpm2/index-public.h"

static const struct {
	TPM2_HANDLE handle;
	const char *text;
	UINT16 bytes;
} indices[] = {
    [TPM2_ERASE] = {0x018b4f01, "erase counter", 8},
    [TPM2_ROTATION] = {0x018b4f02, "rotation counter", 8},
    [TPM2_ANCHOR] = {0x018b4f03, "anchor", TPM2_ANCHOR_BYTES},
    [TPM2_ANCHOR_NEXT] = {0x018b4f04, "next anchor", TPM2_ANCHOR_BYTES},
};

TPM2_HANDLE tpm2_index_handle(enum tpm2_which which)
{
	return indices[which].handle;
}

const char *tpm2_index_text(enum tpm2_which which)
{
	return indices[which].text;
}

bool tpm2_index_is_anchor(enum tpm2_which which)
{
	return which == TPM2_ANCHOR || which == TPM2_ANCHOR_NEXT;
}

TPM2B_NV_PUBLIC tpm2_index_public(enum tpm2_which which, const TPM2B_DIGEST *policy, bool written)
{
	TPMA_NV attributes = TPMA_NV_AUTHREAD | TPMA_NV_NO_DA;

	if (!tpm2_index_is_anchor(which))
		attributes |= TPMA_NV_AUTHWRITE | TPM2_NT_COUNTER << TPMA_NV_TPM2_NT_SHIFT;
	else
		attributes |= policy && policy->size ? TPMA_NV_POLICYWRITE : TPMA_NV_AUTHWRITE;
	return (TPM2B_NV_PUBLIC){
	    .nvPublic = {.nvIndex = indices[which].handle,
			 .nameAlg = TPM2_ALG_SHA256,
			 .attributes = attributes | (written ? TPMA_NV_WRITTEN : 0),
			 .authPolicy = policy ? *policy : (TPM2B_DIGEST){0},
			 .dataSize = indices[which].bytes}};
}
