/* SPDX-License-Identifier: Apache-2.0 */
/* The sealed secret of keystore tee as it stands in a vault: read without a TEE, and described. */
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "keystore/registry.h"
#include "keystore/tee/blob.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tee_blob b;
	struct text words = {0};
	int r = tee_blob_decode(data, size, &b);

	if (r == 0 && (b.storage < TA_RPMB || b.storage > TA_REE || size != 148))
		abort();
	keystore_tee.describe(NULL, data, size, &words);
	if ((words.len > 0) != (r == 0))
		abort();
	text_free(&words);
	diag_forget(0);
	return 0;
}
