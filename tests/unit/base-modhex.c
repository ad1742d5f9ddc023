/* SPDX-License-Identifier: Apache-2.0 */
/* Recovery keys in words: printed, and read back as people type them. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/modhex.h"
#include "lib/check.h"

static int scan(const char *text, uint8_t *ret)
{
	return modhex_scan_key((const uint8_t *)text, strlen(text), ret);
}

static void print(const uint8_t *key, char *ret)
{
	modhex_print_key(key, (uint8_t *)ret);
	ret[MODHEX_KEY_TEXT] = 0;
}

static void what_is_printed_is_read(void **state)
{
	uint8_t key[MODHEX_KEY_BYTES], again[MODHEX_KEY_BYTES];
	char text[MODHEX_KEY_TEXT + 1], bare[MODHEX_KEY_TEXT + 1];
	size_t n = 0;

	for (int i = 0; i < MODHEX_KEY_BYTES; i++)
		key[i] = (uint8_t)(i * 37 + 1);
	print(key, text);
	assert_ok(scan(text, again));
	assert_memory_equal(key, again, sizeof(key));
	for (size_t i = 0; text[i]; i++) {
		if (text[i] != '-')
			bare[n++] = (char)toupper(text[i]);
	}
	bare[n] = 0;
	assert_int_equal(n, 64);
	assert_ok(scan(bare, again));
	assert_memory_equal(key, again, sizeof(key));
}

static void digits_are_those_of_modhex(void **state)
{
	uint8_t key[MODHEX_KEY_BYTES] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};
	char text[MODHEX_KEY_TEXT + 1];

	print(key, text);
	assert_memory_equal(text, "cbdefghi-jklnrtuv-cccccccc-", 27);
}

static void anything_else_is_refused(void **state)
{
	uint8_t key[MODHEX_KEY_BYTES] = {0};
	char text[MODHEX_KEY_TEXT + 2];

	assert_int_equal(scan("", key), -EINVAL);
	assert_int_equal(scan("cbdefghi-jklnrtuv", key), -EINVAL);
	print(key, text);
	text[3] = 'a';
	assert_int_equal(scan(text, key), -EINVAL);
	print(key, text);
	text[MODHEX_KEY_TEXT - 1] = 0;
	assert_int_equal(scan(text, key), -EINVAL);
	print(key, text);
	strcpy(text + MODHEX_KEY_TEXT, "c");
	assert_int_equal(scan(text, key), -EINVAL);
	print(key, text);
	text[4] = '-';
	assert_int_equal(scan(text, key), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_printed_is_read),
	    cmocka_unit_test(digits_are_those_of_modhex),
	    cmocka_unit_test(anything_else_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
