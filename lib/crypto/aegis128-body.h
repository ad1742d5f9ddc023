/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AEGIS-128 over a state that the including file defines; included once by each variant, after:
 *
 *   AEGIS128_TARGET  attributes of every function (instruction sets)
 *   struct state     five blocks of 16 bytes, S0 … S4
 *   state_load(st, blocks)         from five blocks, one behind the other
 *   state_absorb(st, m)            S_i ← AESRound(S_{i-1}, S_i), then S0 ^= m: "StateUpdate128"
 *   state_encrypt(st, in, out)     out = in ^ z with z = S1 ^ S4 ^ (S2 & S3), then absorbs in
 *   state_decrypt(st, in, out)     out = in ^ z, then absorbs out
 *   state_keystream(st, ret)      z
 *   state_third(st, ret)          S3
 *   state_fold(st, ret)           S0 ^ S1 ^ S2 ^ S3 ^ S4
 *
 * All on blocks of 16 bytes without alignment; in and out may be the same.
 */
#include <string.h>

#include "crypto/aegis128.h"

#define BLOCK AEGIS128_BLOCK_BYTES

/* The Fibonacci numbers modulo 256. */
static const uint8_t body_const[2][BLOCK] = {
    {0x00, 0x01, 0x01, 0x02, 0x03, 0x05, 0x08, 0x0d, 0x15, 0x22, 0x37, 0x59, 0x90, 0xe9, 0x79,
     0x62},
    {0xdb, 0x3d, 0x18, 0x55, 0x6d, 0xc2, 0x2f, 0xf1, 0x20, 0x11, 0x31, 0x42, 0x73, 0xb5, 0x28,
     0xdd},
};

AEGIS128_TARGET static inline void body_xor(uint8_t *ret, const uint8_t *a, const uint8_t *b)
{
	for (int i = 0; i < BLOCK; i++)
		ret[i] = a[i] ^ b[i];
}

AEGIS128_TARGET static inline void body_init(struct state *st, const uint8_t *key,
					     const uint8_t *nonce)
{
	uint8_t mixed[BLOCK], blocks[5][BLOCK];

	body_xor(mixed, key, nonce);
	memcpy(blocks[0], mixed, BLOCK);
	memcpy(blocks[1], body_const[1], BLOCK);
	memcpy(blocks[2], body_const[0], BLOCK);
	body_xor(blocks[3], key, body_const[0]);
	body_xor(blocks[4], key, body_const[1]);
	state_load(st, blocks[0]);
	for (int i = 0; i < 5; i++) {
		state_absorb(st, key);
		state_absorb(st, mixed);
	}
}

AEGIS128_TARGET static inline void body_ad(struct state *st, const uint8_t *ad, size_t len)
{
	uint8_t last[BLOCK] = {0};

	for (; len >= BLOCK; ad += BLOCK, len -= BLOCK)
		state_absorb(st, ad);
	if (len) {
		memcpy(last, ad, len);
		state_absorb(st, last);
	}
}

AEGIS128_TARGET static inline void body_finish(struct state *st, uint64_t ad_len, uint64_t len,
					       uint8_t *ret_tag)
{
	uint8_t bits[BLOCK], block[BLOCK];

	for (int i = 0; i < 8; i++) {
		bits[i] = (uint8_t)(ad_len * 8 >> 8 * i);
		bits[8 + i] = (uint8_t)(len * 8 >> 8 * i);
	}
	state_third(st, block);
	body_xor(bits, bits, block);
	for (int i = 0; i < 7; i++)
		state_absorb(st, bits);
	state_fold(st, ret_tag);
}

AEGIS128_TARGET static void body_encrypt(const uint8_t *key, const uint8_t *nonce, const void *ad,
					 size_t ad_len, const void *in, size_t len, void *out,
					 uint8_t *ret_tag)
{
	const uint8_t *from = in;
	uint8_t *to = out, last[BLOCK] = {0};
	struct state st;
	size_t left = len;

	body_init(&st, key, nonce);
	body_ad(&st, ad, ad_len);
	for (; left >= BLOCK; from += BLOCK, to += BLOCK, left -= BLOCK)
		state_encrypt(&st, from, to);
	if (left) {
		memcpy(last, from, left);
		state_encrypt(&st, last, last);
		memcpy(to, last, left);
	}
	body_finish(&st, ad_len, len, ret_tag);
}

AEGIS128_TARGET static void body_decrypt(const uint8_t *key, const uint8_t *nonce, const void *ad,
					 size_t ad_len, const void *in, size_t len, void *out,
					 uint8_t *ret_tag)
{
	const uint8_t *from = in;
	uint8_t *to = out, last[BLOCK] = {0}, z[BLOCK];
	struct state st;
	size_t left = len;

	body_init(&st, key, nonce);
	body_ad(&st, ad, ad_len);
	for (; left >= BLOCK; from += BLOCK, to += BLOCK, left -= BLOCK)
		state_decrypt(&st, from, to);
	if (left) {
		/* Padded with zeroes as plaintext, not as ciphertext. */
		state_keystream(&st, z);
		for (size_t i = 0; i < left; i++)
			last[i] = from[i] ^ z[i];
		state_absorb(&st, last);
		memcpy(to, last, left);
	}
	body_finish(&st, ad_len, len, ret_tag);
}
