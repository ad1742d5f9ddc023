/* SPDX-License-Identifier: Apache-2.0 */
/* UUIDs in text order and in GPT order. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "base/uuid.h"

void uuid_print(const struct uuid *u, char ret[static UUID_TEXT_SIZE])
{
	char hex[33];

	hex_encode(u->b, sizeof(u->b), hex);
	snprintf(ret, UUID_TEXT_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
		 hex + 20);
}

int uuid_scan(const char *text, struct uuid *ret)
{
	char hex[33];
	size_t n = 0;

	if (strlen(text) != UUID_TEXT_SIZE - 1)
		return -EINVAL;
	for (size_t i = 0; i < UUID_TEXT_SIZE - 1; i++) {
		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (text[i] != '-')
				return -EINVAL;
			continue;
		}
		hex[n++] = text[i];
	}
	hex[n] = 0;
	return hex_decode(hex, ret->b, sizeof(ret->b));
}

bool uuid_equal(const struct uuid *a, const struct uuid *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

bool uuid_is_nil(const struct uuid *u)
{
	static const struct uuid nil;

	return uuid_equal(u, &nil);
}

void uuid_set_version(struct uuid *u)
{
	u->b[6] = (uint8_t)((u->b[6] & 0x0f) | 0x40);
	u->b[8] = (uint8_t)((u->b[8] & 0x3f) | 0x80);
}

/* Its own inverse: the first three fields are little-endian on a GPT. */
static void swap_fields(const uint8_t *from, uint8_t *to)
{
	static const uint8_t order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
	uint8_t out[16];

	for (int i = 0; i < 16; i++)
		out[i] = from[order[i]];
	memcpy(to, out, sizeof(out));
}

void uuid_from_gpt(const uint8_t bytes[static 16], struct uuid *ret)
{
	swap_fields(bytes, ret->b);
}
