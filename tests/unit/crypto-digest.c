/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes and HKDF against published vectors. */
#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "base/hex.h"
#include "crypto/digest.h"
#include "crypto/kdf.h"
#include "crypto/random.h"
#include "lib/check.h"

/* FIPS 180-2, appendix B. */
static void sha256_of_abc(void **state)
{
	uint8_t digest[32];
	char hex[65];

	assert_ok(digest_sha256("abc", 3, digest));
	hex_encode(digest, 32, hex);
	assert_string_equal(hex,
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_int_equal(digest_bytes("sha256"), 32);
	assert_int_equal(digest_bytes("sha512"), 64);
	assert_int_equal(digest_bytes("md5"), 0);
}

static void a_running_hash_is_the_same(void **state)
{
	uint8_t one[64], two[64];
	struct digest *d;

	assert_ok(digest_new("sha256", &d));
	assert_ok(digest_add(d, "a", 1));
	assert_ok(digest_add(d, "bc", 2));
	assert_ok(digest_finish(d, one));
	assert_ok(digest_sha256("abc", 3, two));
	assert_memory_equal(one, two, 32);
	assert_ok(digest_reset(d));
	assert_ok(digest_add(d, "abc", 3));
	assert_ok(digest_finish(d, one));
	assert_memory_equal(one, two, 32);
	digest_free(d);
	assert_int_equal(digest_new("nonsense", &d), -ENOTSUP);
	diag_forget(0);
}

/* The salt stands before the block, or behind it; strides leave gaps alone. */
static void blocks_are_hashed_with_their_salt(void **state)
{
	uint8_t out[2][40], expected[32];
	struct block_digest *d;

	memset(out, 0xee, sizeof(out));
	assert_ok(block_digest_new("sha256", (const uint8_t *)"a", 1, true, &d));
	assert_ok(block_digest_run(d, (const uint8_t *)"bcbc", 2, 2, out[0], 40));
	assert_ok(digest_sha256("abc", 3, expected));
	assert_memory_equal(out[0], expected, 32);
	assert_memory_equal(out[1], expected, 32);
	assert_int_equal(out[0][32], 0xee);
	block_digest_free(d);
	assert_ok(block_digest_new("sha256", (const uint8_t *)"c", 1, false, &d));
	assert_ok(block_digest_run(d, (const uint8_t *)"ab", 2, 1, out[0], 40));
	assert_memory_equal(out[0], expected, 32);
	block_digest_free(d);
}

/* Fields are length-prefixed: where one ends and the next begins counts. */
static void fields_do_not_run_together(void **state)
{
	const struct kdf_field a[] = {{"a", 1}, {"bc", 2}}, b[] = {{"ab", 2}, {"c", 1}};
	uint8_t one[16], two[16], again[16], key[32] = {1};

	assert_ok(kdf_hkdf(key, 32, a, 2, one, 16));
	assert_ok(kdf_hkdf(key, 32, b, 2, two, 16));
	assert_ok(kdf_hkdf(key, 32, a, 2, again, 16));
	assert_memory_not_equal(one, two, 16);
	assert_memory_equal(one, again, 16);
	key[0] = 2;
	assert_ok(kdf_hkdf(key, 32, a, 2, again, 16));
	assert_memory_not_equal(one, again, 16);
}

static void random_bytes_differ(void **state)
{
	uint8_t a[32], b[32];

	assert_ok(random_bytes(a, 32));
	assert_ok(random_bytes(b, 32));
	assert_memory_not_equal(a, b, 32);
	assert_true(digest_equal(a, a, 32));
	assert_false(digest_equal(a, b, 32));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sha256_of_abc),
	    cmocka_unit_test(a_running_hash_is_the_same),
	    cmocka_unit_test(blocks_are_hashed_with_their_salt),
	    cmocka_unit_test(fields_do_not_run_together),
	    cmocka_unit_test(random_bytes_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
