/* SPDX-License-Identifier: Apache-2.0 */
/* What a TPM did not say and is read for one: the blob in the vault, signatures in a file, the
 * storage key that a token of systemd names. */
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "keystore/systemd-token/stored.h"
#include "keystore/tpm2/blob.h"
#include "keystore/tpm2/signature.h"

static void stored_key(const uint8_t *data, size_t size)
{
	static struct tpm2_token_bytes srk;
	TPM2_HANDLE handle;
	TPM2B_NAME name;

	if (size > sizeof(srk.bytes))
		return;
	memcpy(srk.bytes, data, size);
	srk.len = size;
	if (systemd_token_stored_decode(&srk, &handle, &name) &&
	    (handle >> TPM2_HR_SHIFT != TPM2_HT_PERSISTENT || name.size != 2 + SHA256_BYTES))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct tpm2_boot boot = {
	    .bank = TPM2_ALG_SHA256, .pcrs = 1U << 11, .is_signed = true};
	static struct tpm2_blob blob;
	TPM2B_PUBLIC_KEY_RSA signature;
	TPM2B_DIGEST policy = {0};
	struct text again = {0};

	/* What is understood is written the same way: nothing else can be meant by it. */
	if (tpm2_blob_decode(data, size, &blob) >= 0 &&
	    (tpm2_blob_encode(&blob, &again) < 0 ||
	     (!again.failed && (again.len != size || memcmp(again.s, data, size)))))
		abort();
	text_free(&again);
	tpm2_signature_scan((const char *)data, size, &boot, &policy, &signature);
	stored_key(data, size);
	diag_forget(0);
	return 0;
}
