/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes ↔ lowercase hexadecimal text. */
#include <errno.h>
#include <string.h>

#include "base/hex.h"

void hex_encode(const uint8_t *bytes, size_t len, char *ret)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		*ret++ = digits[bytes[i] >> 4];
		*ret++ = digits[bytes[i] & 15];
	}
	*ret = 0;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int decode(const char *text, uint8_t *ret, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (digit(text[2 * i]) < 0 || digit(text[2 * i + 1]) < 0)
			return -EINVAL;
	}
	for (size_t i = 0; i < len; i++)
		ret[i] = (uint8_t)(digit(text[2 * i]) << 4 | digit(text[2 * i + 1]));
	return 0;
}

int hex_decode(const char *text, uint8_t *ret, size_t len)
{
	return strlen(text) == 2 * len ? decode(text, ret, len) : -EINVAL;
}

int hex_decode_upto(const char *text, uint8_t *ret, size_t max, size_t *ret_len)
{
	size_t digits = strlen(text);

	if (digits % 2 || digits / 2 > max || decode(text, ret, digits / 2) < 0)
		return -EINVAL;
	*ret_len = digits / 2;
	return 0;
}
