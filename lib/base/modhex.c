/* SPDX-License-Identifier: Apache-2.0 */
/* Recovery keys in words: letters that stand at the same place on every Latin keyboard. */
#include <errno.h>
#include <stdbool.h>

#include "base/modhex.h"

static const char digits[] = "cbdefghijklnrtuv";

void modhex_print_key(const uint8_t key[static MODHEX_KEY_BYTES],
		      uint8_t ret[static MODHEX_KEY_TEXT])
{
	for (unsigned i = 0; i < MODHEX_KEY_BYTES; i++) {
		if (i && i % 4 == 0)
			*ret++ = '-';
		*ret++ = (uint8_t)digits[key[i] >> 4];
		*ret++ = (uint8_t)digits[key[i] & 15];
	}
}

/* Looks at all digits whatever comes, so that its time does not tell which one it was. -1: none. */
static int value_of(uint8_t c)
{
	int found = -1;

	for (int i = 0; i < 16; i++) {
		bool same = c == (uint8_t)digits[i] || c == (uint8_t)(digits[i] - 'a' + 'A');

		found = same ? i : found;
	}
	return found;
}

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

int modhex_scan_key(const uint8_t *text, size_t len, uint8_t ret[static MODHEX_KEY_BYTES])
{
	unsigned n = 0;

	while (len && is_space(text[len - 1]))
		len--;
	while (len && is_space(*text)) {
		text++;
		len--;
	}
	for (size_t i = 0; i < len; i++) {
		int value = value_of(text[i]);

		if (text[i] == '-' && n && n % 8 == 0 && i + 1 < len && text[i - 1] != '-')
			continue;
		if (value < 0 || n == 2 * MODHEX_KEY_BYTES)
			return -EINVAL;
		ret[n / 2] = (uint8_t)(n % 2 ? ret[n / 2] | value : value << 4);
		n++;
	}
	return n == 2 * MODHEX_KEY_BYTES ? 0 : -EINVAL;
}
