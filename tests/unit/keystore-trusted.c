/* SPDX-License-Identifier: Apache-2.0 */
/* Backend trusted: what stands in the vault is decoded strictly. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "keystore/registry.h"
#include "keystore/trusted/blob.h"
#include "lib/check.h"
#include "lib/refused.h"

#define HEADER 48

static const uint8_t random_name[TRUSTED_RANDOM] = {0, 1, 2, 3, 0xfc, 0xfd, 0xfe, 0xff};
static const uint8_t kernel_blob[] = {0x30, 1, 2, 3};

static void make(bool has_mac, struct text *ret)
{
	char name[TRUSTED_NAME_MAX];

	trusted_name(random_name, has_mac, name);
	trusted_blob_encode(name, kernel_blob, sizeof(kernel_blob), ret);
}

static void what_it_encodes_it_decodes(void **state)
{
	for (int mac = 0; mac < 2; mac++) {
		_cleanup_text_ struct text blob = {0};
		struct trusted_blob b;

		make(mac, &blob);
		assert_ok(trusted_blob_decode((uint8_t *)blob.s, blob.len, &b));
		assert_string_equal(b.name, mac ? "holdfast-mac-00010203fcfdfeff"
						: "holdfast-00010203fcfdfeff");
		assert_int_equal(b.has_mac, mac);
		assert_int_equal(b.key_bytes, sizeof(kernel_blob));
		assert_memory_equal(b.key, kernel_blob, sizeof(kernel_blob));
		assert_int_equal(
		    keystore_trusted.references->authenticates(NULL, (uint8_t *)blob.s, blob.len),
		    mac);
	}
}

static void refuses(const struct text *blob, size_t len)
{
	struct trusted_blob b, before;

	memset(&b, 0x5a, sizeof(b));
	before = b;
	assert_int_equal(trusted_blob_decode((uint8_t *)blob->s, len, &b), -EUCLEAN);
	assert_memory_equal(&b, &before, sizeof(b));
	assert_false(keystore_trusted.references->authenticates(NULL, (uint8_t *)blob->s, len));
}

/* Magic, version, padding, the name and what follows its end. */
static void every_changed_byte_of_the_header_is_refused(void **state)
{
	_cleanup_text_ struct text blob = {0};

	make(true, &blob);
	for (size_t i = 0; i < HEADER; i++) {
		blob.s[i] ^= 0x40;
		refuses(&blob, blob.len);
		blob.s[i] ^= 0x40;
	}
}

static void a_name_without_an_end_is_refused(void **state)
{
	_cleanup_text_ struct text blob = {0};

	make(true, &blob);
	memset(blob.s + HEADER - 4, 'a', 4);
	refuses(&blob, blob.len);
}

static void another_length_is_refused(void **state)
{
	_cleanup_text_ struct text blob = {0};
	uint8_t more[TRUSTED_KEY_MAX] = {0};

	make(false, &blob);
	refuses(&blob, 0);
	refuses(&blob, HEADER);
	text_add_bytes(&blob, more, TRUSTED_KEY_MAX + 1 - sizeof(kernel_blob));
	refuses(&blob, blob.len);
}

/* --- encrypted keys --- */

static int decode_key(const char *s, size_t *ret_bytes)
{
	/* On the heap without its NUL: a byte behind it that is read is found. */
	_cleanup_free_ uint8_t *bytes = malloc(strlen(s));

	memcpy(bytes, s, strlen(s));
	return trusted_key_decode(bytes, strlen(s), ret_bytes);
}

static void what_the_kernel_writes_is_an_encrypted_key(void **state)
{
	size_t bytes = 0;

	assert_ok(decode_key("default trusted:holdfast-00010203fcfdfeff 64 0123abcdef", &bytes));
	assert_int_equal(bytes, 64);
	assert_ok(decode_key("default trusted:holdfast-mac-00 32 00", &bytes));
	assert_int_equal(bytes, 32);
}

static void anything_else_is_refused(void **state)
{
	static const char *const cases[] = {
	    "x",
	    "default trusted:",
	    "default trusted:holdfast-00",
	    "default trusted:holdfast-00 ",
	    "default trusted:holdfast-00 64",
	    "default trusted:holdfast-00 64 0g",
	    "default trusted:holdfast-00 64 00 00",
	    "default trusted:holdfast-00  00",
	    "default trusted:holdfast-00 12345678 00",
	    "default trusted:holdfast-00 64\n00",
	    "default trusted:holdfast-00 -4 00",
	    "default trusted:holdfast-00 +4 00",
	    "default trusted:holdfast-00  64 00",
	    "default trusted:holdfast-00 99999999999999999999999 00",
	    "default trusted:other-00 64 00",
	    "default trusted:holdfast-0x 64 00",
	    "default trusted:holdfast-000000000000000000000000000000000000 64 00",
	    "default user:holdfast-00 64 00",
	    "ecryptfs trusted:holdfast-00 64 00",
	};
	size_t bytes = 7;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(decode_key(cases[i], &bytes), -EUCLEAN);
	assert_int_equal(
	    trusted_key_decode((const uint8_t *)"default trusted:holdfast-0\0 6 0", 31, &bytes),
	    -EUCLEAN);
	assert_int_equal(bytes, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_it_encodes_it_decodes),
	    cmocka_unit_test(every_changed_byte_of_the_header_is_refused),
	    cmocka_unit_test(a_name_without_an_end_is_refused),
	    cmocka_unit_test(another_length_is_refused),
	    cmocka_unit_test(what_the_kernel_writes_is_an_encrypted_key),
	    cmocka_unit_test(anything_else_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
