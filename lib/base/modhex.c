/* SPDX-License-Identifier: Apache-2.0 */
/* Recovery keys in words: letters that stand at the same place on every Latin keyboard. */
#include "base/modhex.h"

void modhex_print_key(const uint8_t key[static MODHEX_KEY_BYTES],
		      uint8_t ret[static MODHEX_KEY_TEXT])
{
	static const char digits[] = "cbdefghijklnrtuv";

	for (unsigned i = 0; i < MODHEX_KEY_BYTES; i++) {
		if (i && i % 4 == 0)
			*ret++ = '-';
		*ret++ = (uint8_t)digits[key[i] >> 4];
		*ret++ = (uint8_t)digits[key[i] & 15];
	}
}
