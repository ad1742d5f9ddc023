/* SPDX-License-Identifier: Apache-2.0 */
/* HMAC, PBKDF2 and scrypt against published vectors; what they refuse. */
#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "base/hex.h"
#include "crypto/kdf.h"
#include "crypto/mac.h"
#include "lib/check.h"

static void assert_hex(const uint8_t *bytes, size_t len, const char *expected)
{
	char hex[2 * 64 + 1];

	hex_encode(bytes, len, hex);
	assert_string_equal(hex, expected);
}

/* RFC 4231, cases 1, 2 and 6: a short key, a text as key, a key longer than a block. */
static void hmac_is_that_of_rfc_4231(void **state)
{
	static const char longer[] = "Test Using Larger Than Block-Size Key - Hash Key First";
	_cleanup_mac_ struct mac *one = NULL, *two = NULL, *six = NULL;
	uint8_t key[131], out[MAC_MAX_BYTES];

	memset(key, 0x0b, 20);
	assert_ok(mac_new("hmac(sha256)", key, 20, &one));
	assert_ok(mac_add(one, "Hi There", 8));
	assert_ok(mac_finish(one, out));
	assert_hex(out, 32, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	assert_ok(mac_new("hmac(sha512)", (const uint8_t *)"Jefe", 4, &two));
	assert_ok(mac_add(two, "what do ya want for nothing?", 28));
	assert_ok(mac_finish(two, out));
	assert_hex(out, 64,
		   "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a"
		   "994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737");
	memset(key, 0xaa, 131);
	assert_ok(mac_new("hmac(sha256)", key, 131, &six));
	assert_ok(mac_add(six, longer, sizeof(longer) - 1));
	assert_ok(mac_finish(six, out));
	assert_hex(out, 32, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

/* Used again and again, in pieces and at once, it is the same as new. */
static void a_mac_is_used_again(void **state)
{
	const struct mac_piece pieces[] = {{"Hi", 2}, {"", 0}, {" There", 6}};
	_cleanup_mac_ struct mac *m = NULL;
	uint8_t key[20], first[32], again[32];

	memset(key, 0x0b, 20);
	assert_ok(mac_new("hmac(sha256)", key, 20, &m));
	assert_ok(mac_run(m, pieces, 3, first));
	assert_hex(first, 32, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	assert_ok(mac_run(m, pieces, 1, again));
	assert_memory_not_equal(first, again, 32);
	assert_ok(mac_run(m, pieces, 0, again));
	assert_memory_not_equal(first, again, 32);
	assert_ok(mac_run(m, pieces, 3, again));
	assert_memory_equal(first, again, 32);
}

/* HMAC("", ""), as Wikipedia has it and Python gives it. */
static void a_key_may_be_empty(void **state)
{
	_cleanup_mac_ struct mac *m = NULL;
	uint8_t out[32];

	assert_ok(mac_new("hmac(sha256)", NULL, 0, &m));
	assert_ok(mac_finish(m, out));
	assert_hex(out, 32, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
	assert_ok(mac_finish(m, out));
	assert_hex(out, 32, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void macs_that_are_not_there(void **state)
{
	static const char *const names[] = {
	    "", "hmac(", "hmac()", "hmac(md5)", "hmac(sha256", "sha256", "cmac(aes)"};
	struct mac *m;

	assert_int_equal(mac_bytes("hmac(sha256)"), 32);
	assert_int_equal(mac_bytes("hmac(sha512)"), 64);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(mac_bytes(names[i]), 0);
		assert_int_equal(mac_new(names[i], (const uint8_t *)"k", 1, &m), -ENOTSUP);
		assert_int_equal(diag_count(), 1);
		diag_forget(0);
	}
}

/* RFC 7914, section 11. */
static void pbkdf2_is_that_of_rfc_7914(void **state)
{
	uint8_t out[64];

	assert_ok(kdf_pbkdf2("sha256", "passwd", 6, (const uint8_t *)"salt", 4, 1, out, 64));
	assert_hex(out, 64,
		   "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
		   "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783");
	assert_ok(kdf_pbkdf2("sha256", "Password", 8, (const uint8_t *)"NaCl", 4, 80000, out, 64));
	assert_hex(out, 64,
		   "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56"
		   "a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d");
}

/* RFC 7914, section 12. */
static void scrypt_is_that_of_rfc_7914(void **state)
{
	uint8_t out[64];

	assert_ok(kdf_scrypt("", 0, (const uint8_t *)"", 0, 16, 1, 1, out, 64));
	assert_hex(out, 64,
		   "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
		   "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906");
	assert_ok(kdf_scrypt("password", 8, (const uint8_t *)"NaCl", 4, 1024, 8, 16, out, 64));
	assert_hex(out, 64,
		   "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
		   "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640");
}

static void parameters_that_are_refused(void **state)
{
	const uint8_t salt[1] = {0};
	uint8_t out[32];

	assert_int_equal(kdf_pbkdf2("sha256", "x", 1, salt, 1, 0, out, 32), -EINVAL);
	assert_int_equal(kdf_pbkdf2("sha256", "x", 1, salt, 1, UINT32_MAX, out, 32), -EINVAL);
	assert_int_equal(kdf_pbkdf2("md4", "x", 1, salt, 1, 1, out, 32), -EINVAL);
	assert_int_equal(kdf_scrypt("x", 1, salt, 1, 0, 8, 1, out, 32), -EINVAL);
	assert_int_equal(kdf_scrypt("x", 1, salt, 1, 1, 8, 1, out, 32), -EINVAL);
	assert_int_equal(kdf_scrypt("x", 1, salt, 1, 1000, 8, 1, out, 32), -EINVAL);
	assert_int_equal(kdf_scrypt("x", 1, salt, 1, 1024, 0, 1, out, 32), -EINVAL);
	assert_int_equal(kdf_scrypt("x", 1, salt, 1, 1024, 8, 0, out, 32), -EINVAL);
	assert_int_equal(kdf_scrypt("x", 1, salt, 1, 65536, 1, 1, out, 32), -EINVAL);
	assert_int_equal(kdf_scrypt("x", 1, salt, 1, 1ULL << 24, 8, 1, out, 32), -EINVAL);
	assert_int_equal(kdf_scrypt("x", 1, salt, 1, 1ULL << 63, 8, 1, out, 32), -EINVAL);
	assert_int_equal(kdf_scrypt("x", 1, salt, 1, 16, 8, UINT32_MAX, out, 32), -EINVAL);
	assert_int_equal(diag_count(), 12);
	diag_forget(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(hmac_is_that_of_rfc_4231),
	    cmocka_unit_test(a_mac_is_used_again),
	    cmocka_unit_test(a_key_may_be_empty),
	    cmocka_unit_test(macs_that_are_not_there),
	    cmocka_unit_test(pbkdf2_is_that_of_rfc_7914),
	    cmocka_unit_test(scrypt_is_that_of_rfc_7914),
	    cmocka_unit_test(parameters_that_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
