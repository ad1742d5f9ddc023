/* SPDX-License-Identifier: Apache-2.0 */
/* LUKS2's binary header and the JSON that we write. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/hex.h"
#include "format/luks2.h"
#include "lib/check.h"

/* A header of cryptsetup 2.6.1 (luksFormat --label root --subsystem test), with salts and checksum
 * that can be told apart. */
static void theirs(bool second, uint8_t ret[static LUKS2_BINARY_BYTES])
{
	static const char salt[] =
	    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	    "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f";

	memset(ret, 0, LUKS2_BINARY_BYTES);
	memcpy(ret, second ? "SKUL\xba\xbe\0\x02" : "LUKS\xba\xbe\0\x02", 8);
	ret[14] = 0x40; /* 16 KiB */
	ret[23] = 3;    /* sequence */
	memcpy(ret + 24, "root", 4);
	memcpy(ret + 72, "sha256", 6);
	assert_ok(hex_decode(salt, ret + 104, 64));
	memcpy(ret + 168, "01234567-89ab-4def-8123-456789abcdef", 36);
	memcpy(ret + 208, "test", 4);
	ret[262] = second ? 0x40 : 0;
	memset(ret + 448, 0x5a, 32);
}

static void reads_both_copies(void **state)
{
	uint8_t bytes[LUKS2_BINARY_BYTES], again[LUKS2_BINARY_BYTES];
	struct luks2_binary h;
	char uuid[UUID_TEXT_SIZE];
	const char *why;

	for (int second = 0; second < 2; second++) {
		theirs(second, bytes);
		assert_ok(luks2_decode(bytes, sizeof(bytes), &h, &why));
		assert_int_equal(h.second, second);
		assert_int_equal(h.header_bytes, 16384);
		assert_int_equal(h.sequence, 3);
		assert_int_equal(h.offset_bytes, second ? 16384 : 0);
		assert_string_equal(h.label, "root");
		assert_string_equal(h.subsystem, "test");
		assert_string_equal(h.checksum_algorithm, "sha256");
		uuid_print(&h.uuid, uuid);
		assert_string_equal(uuid, "01234567-89ab-4def-8123-456789abcdef");
		assert_int_equal(h.salt[63], 63);
		assert_int_equal(h.checksum[31], 0x5a);
		luks2_encode(&h, again);
		assert_memory_equal(again, bytes, sizeof(bytes));
	}
}

/* What is changed in a good header, and what is said of it. */
static const struct {
	size_t at, len;
	const char *bytes;
	int error;
	const char *why;
} wrongs[] = {
    {0, 1, "X", -ENODATA, "no LUKS header"},
    {5, 1, "X", -ENODATA, "no LUKS header"},
    {0, 6, "SKUL\xba\xbe", -EUCLEAN, "impossible place"},
    {7, 1, "\1", -EUCLEAN, "another version"},
    {7, 1, "\3", -EUCLEAN, "another version"},
    {14, 1, "\x20", -EUCLEAN, "impossible size"},
    {14, 1, "\x60", -EUCLEAN, "impossible size"},
    {13, 2, "\x80\0", -EUCLEAN, "impossible size"},
    {8, 8, "\xff\xff\xff\xff\xff\xff\xff\xff", -EUCLEAN, "impossible size"},
    {262, 1, "\x40", -EUCLEAN, "impossible place"},
    {24, 48, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", -EUCLEAN, "no end"},
    {208, 48, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", -EUCLEAN, "no end"},
    {72, 32, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", -EUCLEAN, "no end"},
    {168, 40, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", -EUCLEAN, "no end"},
    {168, 1, "x", -EUCLEAN, "no UUID"},
    {168, 1, "\0", -EUCLEAN, "no UUID"},
};

static void refuses_what_is_wrong(void **state)
{
	uint8_t bytes[LUKS2_BINARY_BYTES];

	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		struct luks2_binary h = {.sequence = 77};
		const char *why = NULL;

		theirs(false, bytes);
		memcpy(bytes + wrongs[i].at, wrongs[i].bytes, wrongs[i].len);
		assert_int_equal(luks2_decode(bytes, sizeof(bytes), &h, &why), wrongs[i].error);
		assert_non_null(strstr(why, wrongs[i].why));
		assert_int_equal(h.sequence, 77); /* left alone */
	}
	theirs(false, bytes);
	for (size_t len = 0; len < sizeof(bytes); len += 511) {
		struct luks2_binary h;
		const char *why;

		assert_int_equal(luks2_decode(bytes, len, &h, &why), -ENODATA);
	}
}

static void long_labels_are_cut_where_they_fit(void **state)
{
	uint8_t bytes[LUKS2_BINARY_BYTES];
	struct luks2_binary h, again;
	const char *why;

	theirs(false, bytes);
	assert_ok(luks2_decode(bytes, sizeof(bytes), &h, &why));
	memset(h.label, 'l', sizeof(h.label));
	luks2_encode(&h, bytes);
	assert_ok(luks2_decode(bytes, sizeof(bytes), &again, &why));
	assert_int_equal(strlen(again.label), 47);
}

static struct luks2_description description(void)
{
	return (struct luks2_description){
	    .encryption = "aes-gcm-random",
	    .integrity = "aead",
	    .sector_bytes = 4096,
	    .key_bytes = 32,
	    .segment_offset_bytes = 16 * 1024 * 1024,
	    .digest_iterations = 1000,
	};
}

static void json_without_keyslots(void **state)
{
	_cleanup_text_ struct text t = {0};
	struct luks2_description d = description();

	luks2_json(&d, &t);
	assert_string_equal(
	    t.s, "{\"keyslots\":{},\"tokens\":{},\"segments\":{\"0\":{\"type\":\"crypt\","
		 "\"offset\":\"16777216\",\"size\":\"dynamic\",\"iv_tweak\":\"0\","
		 "\"encryption\":\"aes-gcm-random\",\"sector_size\":4096,\"integrity\":{"
		 "\"type\":\"aead\",\"journal_encryption\":\"none\","
		 "\"journal_integrity\":\"none\"}}},\"digests\":{\"0\":{\"type\":\"pbkdf2\","
		 "\"keyslots\":[],\"segments\":[\"0\"],\"hash\":\"sha256\",\"iterations\":1000,"
		 "\"salt\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\","
		 "\"digest\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}},"
		 "\"config\":{\"json_size\":\"12288\",\"keyslots_size\":\"16744448\"}}");
}

static void json_with_keyslots(void **state)
{
	struct luks2_keyslot slots[2] = {
	    {.number = 0,
	     .key_bytes = 64,
	     .area_offset_bytes = 32768,
	     .area_bytes = 258048,
	     .iterations = 1000},
	    {.number = 3,
	     .key_bytes = 64,
	     .area_offset_bytes = 290816,
	     .area_bytes = 258048,
	     .iterations = 2000},
	};
	_cleanup_text_ struct text t = {0};
	struct luks2_description d = description();

	d.integrity = NULL;
	d.keyslots = slots;
	d.n_keyslots = 2;
	luks2_json(&d, &t);
	assert_non_null(strstr(t.s, "{\"keyslots\":{\"0\":{\"type\":\"luks2\",\"key_size\":64,"
				    "\"af\":{\"type\":\"luks1\",\"stripes\":4000,"
				    "\"hash\":\"sha256\"},\"area\":{\"type\":\"raw\","
				    "\"offset\":\"32768\",\"size\":\"258048\","
				    "\"encryption\":\"aes-xts-plain64\",\"key_size\":64},"
				    "\"kdf\":{\"type\":\"pbkdf2\",\"hash\":\"sha256\","
				    "\"iterations\":1000,\"salt\":"));
	assert_non_null(strstr(t.s, "}},\"3\":{\"type\":\"luks2\","));
	assert_non_null(strstr(t.s, "\"keyslots\":[\"0\",\"3\"]"));
	assert_null(strstr(t.s, "integrity"));
}

/* Callers give words of ours; a mistake must not become another JSON. */
static void words_cannot_break_out_of_the_json(void **state)
{
	_cleanup_text_ struct text t = {0};
	struct luks2_description d = description();

	d.encryption = "a\"b\\c\n";
	luks2_json(&d, &t);
	assert_non_null(strstr(t.s, "\"encryption\":\"a\\u0022b\\u005cc\\u000a\","));
}

static void sizes_of_areas(void **state)
{
	assert_int_equal(luks2_keyslot_area_bytes(32), 131072); /* as cryptsetup has them */
	assert_int_equal(luks2_keyslot_area_bytes(64), 258048);
	assert_int_equal(luks2_keyslots_bytes(16 * 1024 * 1024), 16744448);
	assert_int_equal(luks2_keyslots_bytes(32768), 0);
	assert_int_equal(luks2_keyslots_bytes(1ULL << 40), 128 * 1024 * 1024);
	assert_int_equal(luks2_keyslots_bytes(32768 + 8191), 4096);
}

static void base64_both_ways(void **state)
{
	/* RFC 4648, section 10 */
	static const char *const vectors[][2] = {
	    {"", ""},
	    {"f", "Zg=="},
	    {"fo", "Zm8="},
	    {"foo", "Zm9v"},
	    {"foob", "Zm9vYg=="},
	    {"fooba", "Zm9vYmE="},
	    {"foobar", "Zm9vYmFy"},
	};
	static const char *const bad[] = {
	    "Z",         "Zg",     "Zg=",  "Zh==", "Zm9=", "=g==",     "Zg==Zg==",
	    "Zm9v Zg==", "Zm9v\n", "Z===", "====", "Zm-v", "Zm9vY===", NULL};
	uint8_t bytes[8];
	char text[16];
	size_t len;

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		const char *plain = vectors[i][0], *coded = vectors[i][1];

		base64_encode((const uint8_t *)plain, strlen(plain), text);
		assert_string_equal(text, coded);
		assert_ok(base64_decode(coded, bytes, sizeof(bytes), &len));
		assert_int_equal(len, strlen(plain));
		assert_memory_equal(bytes, plain, len);
	}
	for (int i = 0; bad[i]; i++)
		assert_int_equal(base64_decode(bad[i], bytes, sizeof(bytes), &len), -EINVAL);
	assert_ok(base64_decode("Zm9vYmE=", bytes, 5, &len));
	assert_int_equal(base64_decode("Zm9vYmFy", bytes, 5, &len), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_both_copies),
	    cmocka_unit_test(refuses_what_is_wrong),
	    cmocka_unit_test(long_labels_are_cut_where_they_fit),
	    cmocka_unit_test(json_without_keyslots),
	    cmocka_unit_test(json_with_keyslots),
	    cmocka_unit_test(words_cannot_break_out_of_the_json),
	    cmocka_unit_test(sizes_of_areas),
	    cmocka_unit_test(base64_both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
