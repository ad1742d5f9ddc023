/* SPDX-License-Identifier: Apache-2.0 */
/* The dm-verity superblock: what is accepted encodes to the same bytes, and has a tree or none. */
#include <string.h>

#include "format/verity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t again[VERITY_SUPERBLOCK_BYTES];
	struct verity_params p;
	struct verity_tree t;
	const char *why;

	if (verity_decode(data, size, &p, &why) < 0)
		return 0;
	verity_encode(&p, again);
	if (memcmp(again, data, sizeof(again)) != 0)
		__builtin_trap();
	verity_tree(&p, 32, &t);
	verity_tree(&p, 64, &t);
	return 0;
}
