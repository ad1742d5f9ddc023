/* SPDX-License-Identifier: Apache-2.0 */
/* systemd's TPM tokens: what is taken is written again as what says the same. */
#include <stdlib.h>
#include <string.h>

#include "userspace/luks2/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct tpm2_token one, two;
	struct text text = {0};
	const char *why;

	if (tpm2_token_decode((const char *)data, size, &one, &why) < 0)
		return 0;
	tpm2_token_encode(&one, &text);
	if (text.failed || tpm2_token_decode(text.s, text.len, &two, &why) < 0 ||
	    memcmp(&one, &two, sizeof(one)) != 0)
		abort();
	text_free(&text);
	return 0;
}
