/* SPDX-License-Identifier: Apache-2.0 */
/* AES-XTS on sectors, and LUKS's anti-forensic stripes. */
#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "base/hex.h"
#include "crypto/af.h"
#include "crypto/cipher.h"
#include "lib/check.h"

static void hex(const char *text, uint8_t *ret)
{
	assert_ok(hex_decode(text, ret, strlen(text) / 2));
}

/* IEEE 1619-2007, annex B: vectors 2, 3 (AES-128) and the start of 10 (AES-256, 512 bytes). */
static void xts_vectors(void **state)
{
	static const struct {
		const char *key, *plain, *coded;
		uint64_t sector;
	} vectors[] = {
	    {"1111111111111111111111111111111122222222222222222222222222222222",
	     "4444444444444444444444444444444444444444444444444444444444444444",
	     "c454185e6a16936e39334038acef838bfb186fff7480adc4289382ecd6d394f0", 0x3333333333},
	    {"fffefdfcfbfaf9f8f7f6f5f4f3f2f1f022222222222222222222222222222222",
	     "4444444444444444444444444444444444444444444444444444444444444444",
	     "af85336b597afc1a900b2eb21ec949d292df4c047e0b21532186a5971a227a89", 0x3333333333},
	};

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		_cleanup_cipher_ struct cipher *c = NULL;
		uint8_t key[32], plain[32], coded[32], out[32], iv[CIPHER_IV_BYTES];

		hex(vectors[i].key, key);
		hex(vectors[i].plain, plain);
		hex(vectors[i].coded, coded);
		cipher_iv_plain64(vectors[i].sector, iv);
		assert_ok(cipher_new("aes-xts", key, sizeof(key), &c));
		assert_ok(cipher_encrypt(c, iv, plain, sizeof(plain), out));
		assert_memory_equal(out, coded, sizeof(out));
		assert_ok(cipher_decrypt(c, iv, out, sizeof(out), out)); /* in place */
		assert_memory_equal(out, plain, sizeof(out));
	}
}

static void xts_256_vector(void **state)
{
	_cleanup_cipher_ struct cipher *c = NULL;
	uint8_t key[64], sector[512], first[16], iv[CIPHER_IV_BYTES];

	hex("2718281828459045235360287471352662497757247093699959574966967627"
	    "3141592653589793238462643383279502884197169399375105820974944592",
	    key);
	hex("1c3b3a102f770386e4836c99e370cf9b", first);
	for (size_t i = 0; i < sizeof(sector); i++)
		sector[i] = (uint8_t)i;
	cipher_iv_plain64(0xff, iv);
	assert_ok(cipher_new("aes-xts", key, sizeof(key), &c));
	assert_ok(cipher_encrypt(c, iv, sector, sizeof(sector), sector));
	assert_memory_equal(sector, first, sizeof(first));
	assert_ok(cipher_decrypt(c, iv, sector, sizeof(sector), sector));
	for (size_t i = 0; i < sizeof(sector); i++)
		assert_int_equal(sector[i], (uint8_t)i);
}

static void plain64_is_little_endian(void **state)
{
	static const uint8_t expected[16] = {8, 7, 6, 5, 4, 3, 2, 1};
	uint8_t iv[CIPHER_IV_BYTES];

	memset(iv, 0xff, sizeof(iv));
	cipher_iv_plain64(0x0102030405060708, iv);
	assert_memory_equal(iv, expected, sizeof(iv));
}

static void keys_and_ciphers_that_there_are_not(void **state)
{
	uint8_t key[64] = {0}, iv[CIPHER_IV_BYTES] = {0}, few[15] = {0};
	struct cipher *c = NULL;

	assert_int_equal(cipher_new("aes-xts", key, 64, &c), -EINVAL); /* halves are the same */
	key[0] = 1;
	assert_int_equal(cipher_new("aes-xts", key, 48, &c), -ENOTSUP);
	assert_int_equal(cipher_new("rot13", key, 64, &c), -ENOTSUP);
	assert_null(c);
	assert_int_equal(diag_count(), 3);
	diag_forget(0);
	assert_ok(cipher_new("aes-xts", key, 64, &c));
	assert_int_equal(cipher_encrypt(c, iv, few, sizeof(few), few), -EIO);
	cipher_free(c);
}

/* By an independent program: pieces[i][j] = 7i + 13j, key 0, 1, 2 … */
static void af_makes_the_last_piece(void **state)
{
	static const struct {
		const char *hash, *last;
	} vectors[] = {
	    {"sha256",
	     "9ee3a0fab39e1a5840beb1054d19c537679a6515b3e7e9ac7a2c881b0904b55ba7609eade6194c7d"},
	    {"sha512",
	     "e0333a4c9fa75e6f49dbdac47a9e4238e2d01a7aba469a73056da3e53256a680e5cb80aa7444b607"},
	};

	for (size_t v = 0; v < sizeof(vectors) / sizeof(vectors[0]); v++) {
		uint8_t key[40], got[40], last[40], pieces[5 * 40];

		for (size_t i = 0; i < sizeof(pieces); i++)
			pieces[i] = (uint8_t)(i / 40 * 7 + i % 40 * 13);
		for (size_t i = 0; i < sizeof(key); i++)
			key[i] = (uint8_t)i;
		hex(vectors[v].last, last);
		assert_ok(af_split(vectors[v].hash, key, sizeof(key), 5, pieces));
		assert_memory_equal(pieces + 160, last, sizeof(last));
		assert_ok(af_merge(vectors[v].hash, pieces, sizeof(key), 5, got));
		assert_memory_equal(got, key, sizeof(key));
		pieces[3] ^= 1; /* any bit counts */
		assert_ok(af_merge(vectors[v].hash, pieces, sizeof(key), 5, got));
		assert_memory_not_equal(got, key, sizeof(key));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(xts_vectors),
	    cmocka_unit_test(xts_256_vector),
	    cmocka_unit_test(plain64_is_little_endian),
	    cmocka_unit_test(keys_and_ciphers_that_there_are_not),
	    cmocka_unit_test(af_makes_the_last_piece),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
