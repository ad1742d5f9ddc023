/* SPDX-License-Identifier: Apache-2.0 */
/* Trusted and encrypted keys as a vault holds them. */
#include <stdlib.h>
#include <string.h>

#include "keystore/trusted/blob.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trusted_blob b;
	struct text again = {0};
	size_t bytes;

	/* There is one encoding only. */
	if (trusted_blob_decode(data, size, &b) >= 0) {
		trusted_blob_encode(b.name, b.key, b.key_bytes, &again);
		if (!again.failed && (again.len != size || memcmp(again.s, data, size)))
			abort();
	}
	text_free(&again);
	if (trusted_key_decode(data, size, &bytes) >= 0 && memchr(data, 0, size))
		abort();
	return 0;
}
