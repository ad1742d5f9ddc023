/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes ↔ base64, strict. */
#include <errno.h>
#include <string.h>

#include "base/base64.h"
#include "base/cleanup.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Without a table: each line adds its number where @v is beyond what comes before it. */
static char digit(uint32_t of)
{
	int v = (int)(of & 63), c = 'A' + v;

	c += (25 - v) >> 8 & ('a' - 'Z' - 1);
	c += (51 - v) >> 8 & ('0' - 'z' - 1);
	c += (61 - v) >> 8 & ('+' - '9' - 1);
	c += (62 - v) >> 8 & ('/' - '+' - 1);
	return (char)c;
}

void base64_encode(const uint8_t *bytes, size_t len, char *ret)
{
	for (size_t i = 0; i < len; i += 3) {
		uint32_t x = (uint32_t)bytes[i] << 16;

		if (i + 1 < len)
			x |= (uint32_t)bytes[i + 1] << 8;
		if (i + 2 < len)
			x |= bytes[i + 2];
		*ret++ = digit(x >> 18);
		*ret++ = digit(x >> 12);
		*ret++ = i + 1 < len ? digit(x >> 6) : '=';
		*ret++ = i + 2 < len ? digit(x) : '=';
	}
	*ret = 0;
}

int base64_secret(const uint8_t *bytes, size_t len, struct secret **ret)
{
	_cleanup_secret_ struct secret *text = NULL, *words = NULL;
	int r = secret_new(BASE64_TEXT_SIZE(len), &text);

	if (r >= 0)
		r = secret_new(secret_len(text) - 1, &words);
	if (r < 0)
		return r;
	base64_encode(bytes, len, (char *)secret_bytes(text));
	memcpy(secret_bytes(words), secret_bytes(text), secret_len(words));
	*ret = TAKE(words);
	return 0;
}

static int value(char c)
{
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* Four characters; gives how many bytes they are (1…3), or -EINVAL. */
static int decode_group(const char *text, uint8_t bytes[static 3])
{
	int pad = text[3] != '=' ? 0 : text[2] != '=' ? 1 : 2;
	uint32_t x = 0;

	for (int i = 0; i < 4; i++) {
		int v = i < 4 - pad ? value(text[i]) : 0;

		if (v < 0)
			return -EINVAL;
		x = x << 6 | (uint32_t)v;
	}
	if (x & ((1u << 8 * pad) - 1))
		return -EINVAL;
	bytes[0] = (uint8_t)(x >> 16);
	bytes[1] = (uint8_t)(x >> 8);
	bytes[2] = (uint8_t)x;
	return 3 - pad;
}

int base64_decode(const char *text, uint8_t *ret, size_t max, size_t *ret_len)
{
	size_t len = strlen(text), n = 0;

	if (len % 4)
		return -EINVAL;
	for (size_t i = 0; i < len; i += 4) {
		uint8_t bytes[3];
		int got = decode_group(text + i, bytes);

		if (got < 0 || (got < 3 && i + 4 < len) || n + (size_t)got > max)
			return -EINVAL;
		memcpy(ret + n, bytes, (size_t)got);
		n += (size_t)got;
	}
	*ret_len = n;
	return 0;
}
