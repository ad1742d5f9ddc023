/* SPDX-License-Identifier: Apache-2.0 */
/* Authenticated encryption: published vectors, tampering with every input, contexts used again. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/diag.h"
#include "base/hex.h"
#include "crypto/aead.h"
#include "crypto/cipher.h"
#include "crypto/mac.h"
#include "crypto/random.h"
#include "lib/check.h"

#define AUTHENC "authenc(hmac(sha256),xts(aes))"
#define LEN(a)  (sizeof(a) / sizeof((a)[0]))

static const struct vector {
	const char *algorithm, *key, *iv, *ad, *plain, *cipher, *tag;
} vectors[] = {
    /* AEGIS-128 of the CAESAR paper; all the others are in crypto-aegis128. */
    {"aegis128", "00010000000000000000000000000000", "00000200000000000000000000000000", "00010203",
     "00000000000000000000000000000000", "2b78f5c1618da39afbb2920f5dae02b0",
     "74759cd0e19314650d6c635b563d80fd"},
    /* McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 4 and 16. */
    {"aes-gcm", "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
     "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
     "5bc94fbc3221a5db94fae95ae7121a47"},
    {"aes-gcm", "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
     "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
     "76fc6ece0f4e1768cddf8853bb2d551b"},
    /* The same, test case 13: nothing at all. */
    {"aes-gcm", "0000000000000000000000000000000000000000000000000000000000000000",
     "000000000000000000000000", "", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    /* RFC 8439, section 2.8.2. */
    {"chacha20-poly1305", "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
     "070000004041424344454647", "50515253c0c1c2c3c4c5c6c7",
     "4c616469657320616e642047656e746c656d656e206f662074686520636c6173"
     "73206f66202739393a204966204920636f756c64206f6666657220796f75206f"
     "6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73"
     "637265656e20776f756c642062652069742e",
     "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
     "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
     "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
     "3ff4def08e4b7a9de576d26586cec64b6116",
     "1ae10b594f09e26a7e902ecbd0600691"},
};

static size_t decode(const char *hex, uint8_t ret[static 256])
{
	size_t len = 0;

	assert_ok(hex_decode_upto(hex, ret, 256, &len));
	return len;
}

static void vectors_hold(void **state)
{
	for (size_t i = 0; i < LEN(vectors); i++) {
		const struct vector *v = &vectors[i];
		uint8_t key[256], iv[256], ad[256], plain[256], cipher[256], tag[256];
		uint8_t out[256], out_tag[AEAD_TAG_MAX];
		size_t key_len = decode(v->key, key), ad_len = decode(v->ad, ad);
		size_t len = decode(v->plain, plain);
		_cleanup_aead_ struct aead *a = NULL;

		assert_ok(aead_new(v->algorithm, key, key_len, &a));
		assert_int_equal(decode(v->iv, iv), aead_iv_bytes(a));
		assert_int_equal(decode(v->cipher, cipher), len);
		assert_int_equal(decode(v->tag, tag), aead_tag_bytes(a));
		/* Twice with the same context; the second time in place. */
		for (int again = 0; again < 2; again++) {
			memset(out, 0xee, sizeof(out));
			memcpy(out, plain, again ? len : 0);
			assert_int_equal(
			    aead_encrypt(a, iv, ad, ad_len, again ? out : plain, len, out, out_tag),
			    0);
			assert_memory_equal(out, cipher, len);
			assert_memory_equal(out_tag, tag, aead_tag_bytes(a));
			assert_int_equal(out[len], 0xee);
			assert_int_equal(
			    aead_decrypt(a, iv, ad, ad_len, again ? out : cipher, len, out, tag),
			    0);
			assert_memory_equal(out, plain, len);
			assert_int_equal(out[len], 0xee);
		}
	}
}

/* The cipher's key comes first; HMAC over associated data and ciphertext, not over the IV. */
static void authenc_is_xts_and_hmac(void **state)
{
	for (size_t key_len = 64; key_len <= 96; key_len += 32) {
		uint8_t key[96], iv[16], ad[24], plain[512], out[512], expected[512];
		uint8_t tag[AEAD_TAG_MAX], expected_tag[32];
		const struct mac_piece pieces[] = {{ad, 24}, {expected, 512}};
		_cleanup_aead_ struct aead *a = NULL;
		_cleanup_cipher_ struct cipher *c = NULL;
		_cleanup_mac_ struct mac *m = NULL;

		assert_ok(random_bytes(key, sizeof(key)));
		assert_ok(random_bytes(iv, sizeof(iv)));
		assert_ok(random_bytes(ad, sizeof(ad)));
		assert_ok(random_bytes(plain, sizeof(plain)));
		assert_ok(aead_new(AUTHENC, key, key_len, &a));
		assert_ok(cipher_new("aes-xts", key, key_len - 32, &c));
		assert_ok(mac_new("hmac(sha256)", key + key_len - 32, 32, &m));
		assert_int_equal(aead_encrypt(a, iv, ad, 24, plain, 512, out, tag), 0);
		assert_ok(cipher_encrypt(c, iv, plain, 512, expected));
		assert_memory_equal(out, expected, 512);
		assert_ok(mac_run(m, pieces, 2, expected_tag));
		assert_int_equal(aead_tag_bytes(a), 32);
		assert_memory_equal(tag, expected_tag, 32);
		assert_int_equal(aead_decrypt(a, iv, ad, 24, out, 512, out, tag), 0);
		assert_memory_equal(out, plain, 512);
	}
}

static const struct {
	const char *algorithm;
	size_t key_len;
} all[] = {
    {"aegis128", 16},          {"aes-gcm", 16}, {"aes-gcm", 32},
    {"chacha20-poly1305", 32}, {AUTHENC, 64},   {AUTHENC, 96},
};

struct sealed {
	uint8_t iv[16], ad[24], text[4096], tag[AEAD_TAG_MAX]; /* without padding */
};

static int open_sealed(struct aead *a, const struct sealed *s, uint8_t *out)
{
	return aead_decrypt(a, s->iv, s->ad, sizeof(s->ad), s->text, sizeof(s->text), out, s->tag);
}

/* One flipped bit in anything, and nothing comes out; the context is as good as before. */
static void tampering_is_noticed(void **state)
{
	static uint8_t plain[4096], out[4096], zero[4096];
	struct sealed good = {0}, bad;

	assert_ok(random_bytes(plain, sizeof(plain)));
	for (size_t i = 0; i < LEN(all); i++) {
		_cleanup_aead_ struct aead *a = NULL;
		uint8_t key[96];

		assert_ok(random_bytes(key, sizeof(key)));
		assert_ok(random_bytes(&good, sizeof(good)));
		assert_ok(aead_new(all[i].algorithm, key, all[i].key_len, &a));
		assert_int_equal(aead_encrypt(a, good.iv, good.ad, sizeof(good.ad), plain, 4096,
					      good.text, good.tag),
				 0);
		for (size_t at = 0; at < sizeof(bad); at += at < sizeof(good.iv) ? 5 : 7) {
			size_t in_tag = at - offsetof(struct sealed, tag);
			bool unused = at < sizeof(bad.iv) ? at >= aead_iv_bytes(a)
							  : at >= offsetof(struct sealed, tag) &&
								in_tag >= aead_tag_bytes(a);

			/* The IV of XTS is authenticated as part of dm-crypt's associated data. */
			if (strcmp(all[i].algorithm, AUTHENC) == 0 && at < sizeof(bad.iv))
				continue;
			bad = good;
			((uint8_t *)&bad)[at] ^= (uint8_t)(1 << at % 8);
			memset(out, 0xee, sizeof(out));
			assert_int_equal(open_sealed(a, &bad, out), unused ? 0 : -EBADMSG);
			assert_memory_equal(out, unused ? plain : zero, 4096);
		}
		assert_int_equal(open_sealed(a, &good, good.text), 0);
		assert_memory_equal(good.text, plain, 4096);
	}
}

/* Many messages at once are what they are one by one; each is judged for itself. */
static void many_at_once_are_the_same(void **state)
{
	enum { MANY = 11, LENGTH = 1040 };
	static uint8_t in[MANY][LENGTH], out[MANY][LENGTH], expected[LENGTH];
	uint8_t iv[MANY][16], ad[MANY][24], tag[MANY][AEAD_TAG_MAX], expected_tag[AEAD_TAG_MAX];
	struct aead_message m[MANY];
	bool good[MANY];

	for (size_t i = 0; i < LEN(all); i++) {
		_cleanup_aead_ struct aead *a = NULL;
		uint8_t key[96];

		assert_ok(random_bytes(key, sizeof(key)));
		assert_ok(random_bytes(in, sizeof(in)));
		assert_ok(random_bytes(iv, sizeof(iv)));
		assert_ok(random_bytes(ad, sizeof(ad)));
		assert_ok(aead_new(all[i].algorithm, key, all[i].key_len, &a));
		for (size_t n = 0; n <= MANY; n++) {
			for (size_t k = 0; k < n; k++)
				m[k] = (struct aead_message){iv[k], ad[k], in[k], out[k], tag[k]};
			assert_int_equal(aead_encrypt_many(a, m, n, 24, LENGTH - n), 0);
			for (size_t k = 0; k < n; k++) {
				assert_int_equal(aead_encrypt(a, iv[k], ad[k], 24, in[k],
							      LENGTH - n, expected, expected_tag),
						 0);
				assert_memory_equal(out[k], expected, LENGTH - n);
				assert_memory_equal(tag[k], expected_tag, aead_tag_bytes(a));
				m[k].in = out[k];
				out[k][7] ^= k % 3 == 1;
			}
			assert_int_equal(aead_decrypt_many(a, m, n, 24, LENGTH - n, good), 0);
			memset(expected, 0, LENGTH);
			for (size_t k = 0; k < n; k++) {
				assert_int_equal(good[k], k % 3 != 1);
				assert_memory_equal(out[k], good[k] ? in[k] : expected, LENGTH - n);
			}
		}
	}
}

static void another_key_opens_nothing(void **state)
{
	static struct sealed s;

	for (size_t i = 0; i < LEN(all); i++) {
		_cleanup_aead_ struct aead *one = NULL, *two = NULL;
		uint8_t key[96];

		assert_ok(random_bytes(key, sizeof(key)));
		assert_ok(aead_new(all[i].algorithm, key, all[i].key_len, &one));
		key[all[i].key_len - 1] ^= 1;
		assert_ok(aead_new(all[i].algorithm, key, all[i].key_len, &two));
		memset(&s, 0, sizeof(s));
		assert_int_equal(
		    aead_encrypt(one, s.iv, s.ad, sizeof(s.ad), s.text, 4096, s.text, s.tag), 0);
		assert_int_equal(open_sealed(two, &s, s.text), -EBADMSG);
	}
}

static void what_is_refused(void **state)
{
	static const struct {
		const char *algorithm;
		size_t key_len;
	} bad[] = {
	    {"aegis128", 32},          {"aegis256", 32}, {"aes-gcm", 24}, {"aes-gcm", 0},  {"", 16},
	    {"chacha20-poly1305", 16}, {AUTHENC, 32},    {AUTHENC, 48},   {"aes-xts", 64},
	};
	uint8_t key[96];
	struct aead *a;

	assert_ok(random_bytes(key, sizeof(key)));
	for (size_t i = 0; i < LEN(bad); i++) {
		assert_int_equal(aead_new(bad[i].algorithm, key, bad[i].key_len, &a), -ENOTSUP);
		assert_int_equal(diag_count(), 1);
		diag_forget(0);
	}
	memcpy(key + 32, key, 32);
	assert_int_equal(aead_new(AUTHENC, key, 96, &a),
			 -EINVAL); /* XTS with halves that are the same */
	assert_int_equal(diag_count(), 1);
	diag_forget(0);
	assert_null(aead_free(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(vectors_hold),
	    cmocka_unit_test(authenc_is_xts_and_hmac),
	    cmocka_unit_test(tampering_is_noticed),
	    cmocka_unit_test(another_key_opens_nothing),
	    cmocka_unit_test(many_at_once_are_the_same),
	    cmocka_unit_test(what_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
