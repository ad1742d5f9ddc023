/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes, UUIDs, hexadecimal: what is read prints to something that reads the same. */
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/text.h"
#include "base/uuid.h"

static void check(int ok)
{
	if (!ok)
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const words[] = {"verity", "partition", NULL};
	char *text = malloc(size + 1), exact[SIZE_TEXT_SIZE], uuid[UUID_TEXT_SIZE];
	uint8_t bytes[64];
	uint64_t n, again;
	struct uuid u, v;
	size_t len;

	memcpy(text, data, size);
	text[size] = 0;
	if (size_scan(text, &n) == 0) {
		size_print_exact(n, exact);
		check(size_scan(exact, &again) == 0 && again == n);
		size_print(n, exact);
	}
	if (uuid_scan(text, &u) == 0) {
		uuid_print(&u, uuid);
		check(uuid_scan(uuid, &v) == 0 && uuid_equal(&u, &v));
	}
	hex_decode_upto(text, bytes, sizeof(bytes), &len);
	text_nearest(text, words);
	free(text);
	return 0;
}
