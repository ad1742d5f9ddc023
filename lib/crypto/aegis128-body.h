/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AEGIS-128 over a state that the including file defines; included once by each variant, after:
 *
 *   AEGIS128_TARGET  attributes of every function (instruction sets)
 *   LANES            messages that are done at once
 *   struct state     five blocks of 16 bytes, S0 … S4, for each lane
 *   state_load(st, from)              S_i of lane l from the block at from[i][l]
 *   state_absorb(st, in, at)          S_i ← AESRound(S_{i-1}, S_i), then S0 ^= the block of each
 *                                     lane at in[l] + at: "StateUpdate128"
 *   state_encrypt(st, in, out, at)    out = in ^ z with z = S1 ^ S4 ^ (S2 & S3), then absorbs in
 *   state_decrypt(st, in, out, at)    out = in ^ z, then absorbs out
 *   state_keystream(st, ret)          z
 *   state_third(st, ret)              S3
 *   state_fold(st, ret)               S0 ^ S1 ^ S2 ^ S3 ^ S4
 *
 * No alignment is expected; in and out may be the same.
 */
#include <string.h>

#include "crypto/aegis128.h"

#define BLOCK AEGIS128_BLOCK_BYTES

/* One block for each lane, and where they are. */
typedef uint8_t body_blocks[LANES][BLOCK];
typedef const uint8_t *body_from[LANES];
typedef uint8_t *body_to[LANES];

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
					     const struct aegis128_message *m)
{
	uint8_t third[BLOCK], fourth[BLOCK];
	body_blocks mixed;
	body_from keys, nonces;
	const uint8_t *from[5][LANES];

	body_xor(third, key, body_const[0]);
	body_xor(fourth, key, body_const[1]);
	for (int l = 0; l < LANES; l++) {
		body_xor(mixed[l], key, m[l].nonce);
		from[0][l] = nonces[l] = mixed[l];
		from[1][l] = body_const[1];
		from[2][l] = body_const[0];
		from[3][l] = third;
		from[4][l] = fourth;
		keys[l] = key;
	}
	state_load(st, from);
	for (int i = 0; i < 5; i++) {
		state_absorb(st, keys, 0);
		state_absorb(st, nonces, 0);
	}
}

AEGIS128_TARGET static inline void body_ad(struct state *st, const struct aegis128_message *m,
					   size_t len)
{
	size_t whole = len - len % BLOCK;
	body_blocks last = {0};
	body_from from;

	for (int l = 0; l < LANES; l++)
		from[l] = m[l].ad;
	for (size_t at = 0; at < whole; at += BLOCK)
		state_absorb(st, from, at);
	if (len == whole)
		return;
	for (int l = 0; l < LANES; l++) {
		memcpy(last[l], m[l].ad + whole, len - whole);
		from[l] = last[l];
	}
	state_absorb(st, from, 0);
}

AEGIS128_TARGET static inline void body_finish(struct state *st, const struct aegis128_message *m,
					       uint64_t ad_len, uint64_t len)
{
	uint8_t bits[BLOCK];
	body_blocks blocks;
	body_from from;

	for (int i = 0; i < 8; i++) {
		bits[i] = (uint8_t)(ad_len * 8 >> 8 * i);
		bits[8 + i] = (uint8_t)(len * 8 >> 8 * i);
	}
	state_third(st, blocks);
	for (int l = 0; l < LANES; l++) {
		body_xor(blocks[l], blocks[l], bits);
		from[l] = blocks[l];
	}
	for (int i = 0; i < 7; i++)
		state_absorb(st, from, 0);
	state_fold(st, blocks);
	for (int l = 0; l < LANES; l++)
		memcpy(m[l].tag, blocks[l], BLOCK);
}

/* The rest of the messages after their whole blocks; as plaintext it is padded with zeroes. */
AEGIS128_TARGET static inline void body_rest(struct state *st, const struct aegis128_message *m,
					     size_t at, size_t n, bool decrypt)
{
	body_blocks z, plain = {0};
	body_from from;

	state_keystream(st, z);
	for (int l = 0; l < LANES; l++) {
		memcpy(plain[l], m[l].in + at, n);
		if (decrypt)
			body_xor(plain[l], plain[l], z[l]);
		memset(plain[l] + n, 0, BLOCK - n);
		body_xor(z[l], plain[l], z[l]);
		memcpy(m[l].out + at, decrypt ? plain[l] : z[l], n);
		from[l] = plain[l];
	}
	state_absorb(st, from, 0);
}

AEGIS128_TARGET static inline void body_run(const uint8_t *key, const struct aegis128_message *m,
					    size_t ad_len, size_t len, bool decrypt)
{
	size_t whole = len - len % BLOCK;
	struct state st;
	body_from from;
	body_to to;

	for (int l = 0; l < LANES; l++) {
		from[l] = m[l].in;
		to[l] = m[l].out;
	}
	body_init(&st, key, m);
	body_ad(&st, m, ad_len);
	if (decrypt) {
		for (size_t at = 0; at < whole; at += BLOCK)
			state_decrypt(&st, from, to, at);
	} else {
		for (size_t at = 0; at < whole; at += BLOCK)
			state_encrypt(&st, from, to, at);
	}
	if (len > whole)
		body_rest(&st, m, whole, len - whole, decrypt);
	body_finish(&st, m, ad_len, len);
}

AEGIS128_TARGET static void body_encrypt(const uint8_t *key, const struct aegis128_message *m,
					 size_t ad_len, size_t len)
{
	body_run(key, m, ad_len, len, false);
}

AEGIS128_TARGET static void body_decrypt(const uint8_t *key, const struct aegis128_message *m,
					 size_t ad_len, size_t len)
{
	body_run(key, m, ad_len, len, true);
}
