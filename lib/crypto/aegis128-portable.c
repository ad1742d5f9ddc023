/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AEGIS-128 for every processor, in constant time: bitsliced, so no table is read at an address
 * that depends on a secret. The five AES rounds of a step do not depend on each other, so the five
 * blocks lie side by side in planes: plane b has bit b of all 80 bytes. The compiler makes SSE2,
 * NEON or plain words of them.
 */
#include <string.h>

#include "crypto/aegis128-private.h"

#define AEGIS128_TARGET
#define LANES 1

/* Bit 16 * block + 4 * row + column, of AES's matrix; blocks 0 to 3 in [0], block 4 in [1]. */
typedef uint64_t plane __attribute__((vector_size(16)));

struct state {
	plane p[8];
};

/* The same bits of every block. */
#define EVERY(bits) (((plane){1, 1} * 0x0001000100010001ULL) * (uint64_t)(bits))

/* --- one block ↔ eight planes of 16 bits --- */

/* Bit b of byte k ↔ bit k of byte b. */
static inline uint64_t transpose(uint64_t x)
{
	uint64_t t = (x ^ (x >> 7)) & 0x00aa00aa00aa00aaULL;

	x ^= t ^ (t << 7);
	t = (x ^ (x >> 14)) & 0x0000cccc0000ccccULL;
	x ^= t ^ (t << 14);
	t = (x ^ (x >> 28)) & 0x00000000f0f0f0f0ULL;
	return x ^ t ^ (t << 28);
}

/* Byte i of a block is in row i % 4 of column i / 4. */
static inline void slice(const uint8_t *block, uint16_t ret[static 8])
{
	uint64_t low = 0, high = 0;

	for (int i = 0; i < 8; i++) {
		low |= (uint64_t)block[4 * (i % 4) + i / 4] << 8 * i;
		high |= (uint64_t)block[4 * (i % 4) + i / 4 + 2] << 8 * i;
	}
	low = transpose(low);
	high = transpose(high);
	for (int b = 0; b < 8; b++)
		ret[b] = (uint16_t)((low >> 8 * b & 0xff) | (high >> 8 * b & 0xff) << 8);
}

static inline void unslice(const uint16_t planes[static 8], uint8_t *ret)
{
	uint64_t low = 0, high = 0;

	for (int b = 0; b < 8; b++) {
		low |= (uint64_t)(planes[b] & 0xff) << 8 * b;
		high |= (uint64_t)(planes[b] >> 8) << 8 * b;
	}
	low = transpose(low);
	high = transpose(high);
	for (int i = 0; i < 8; i++) {
		ret[4 * (i % 4) + i / 4] = (uint8_t)(low >> 8 * i);
		ret[4 * (i % 4) + i / 4 + 2] = (uint8_t)(high >> 8 * i);
	}
}

/* --- the parts of an AES round, on all blocks --- */

/* SubBytes: the circuit of 113 gates by J. Boyar and R. Peralta ("A depth-16 circuit for the AES
 * S-box", with their names), whose bit 0 is the most significant. */
static inline void substitute(plane p[static 8])
{
	plane x0 = p[7], x1 = p[6], x2 = p[5], x3 = p[4], x4 = p[3], x5 = p[2], x6 = p[1],
	      x7 = p[0];
	/* Into GF(((2²)²)²). */
	plane y14 = x3 ^ x5, y13 = x0 ^ x6, y9 = x0 ^ x3, y8 = x0 ^ x5, t0 = x1 ^ x2;
	plane y1 = t0 ^ x7, y4 = y1 ^ x3, y12 = y13 ^ y14, y2 = y1 ^ x0, y5 = y1 ^ x6;
	plane y3 = y5 ^ y8, t1 = x4 ^ y12, y15 = t1 ^ x5, y20 = t1 ^ x1, y6 = y15 ^ x7;
	plane y10 = y15 ^ t0, y11 = y20 ^ y9, y7 = x7 ^ y11, y17 = y10 ^ y11, y19 = y10 ^ y8;
	plane y16 = t0 ^ y11, y21 = y13 ^ y16, y18 = x0 ^ y16;
	/* The inverse. */
	plane t2 = y12 & y15, t4 = (y3 & y6) ^ t2, t6 = (y4 & x7) ^ t2, t7 = y13 & y16;
	plane t9 = (y5 & y1) ^ t7, t11 = (y2 & y7) ^ t7, t12 = y9 & y11;
	plane t14 = (y14 & y17) ^ t12, t16 = (y8 & y10) ^ t12;
	plane t21 = t4 ^ t14 ^ y20, t22 = t6 ^ t16 ^ y19, t23 = t9 ^ t14 ^ y21,
	      t24 = t11 ^ t16 ^ y18;
	plane t25 = t21 ^ t22, t26 = t21 & t23, t27 = t24 ^ t26, t29 = (t25 & t27) ^ t22;
	plane t30 = t23 ^ t24, t31 = t22 ^ t26, t33 = (t31 & t30) ^ t24, t34 = t23 ^ t33;
	plane t35 = t27 ^ t33, t36 = t24 & t35, t37 = t36 ^ t34, t38 = t27 ^ t36;
	plane t40 = t25 ^ (t29 & t38), t41 = t40 ^ t37, t42 = t29 ^ t33, t43 = t29 ^ t40;
	plane t44 = t33 ^ t37, t45 = t42 ^ t41;
	plane z0 = t44 & y15, z1 = t37 & y6, z2 = t33 & x7, z3 = t43 & y16, z4 = t40 & y1;
	plane z5 = t29 & y7, z6 = t42 & y11, z7 = t45 & y17, z8 = t41 & y10, z9 = t44 & y12;
	plane z10 = t37 & y3, z11 = t33 & y4, z12 = t43 & y13, z13 = t40 & y5, z14 = t29 & y2;
	plane z15 = t42 & y9, z16 = t45 & y14, z17 = t41 & y8;
	/* Back, and the affine map. */
	plane t46 = z15 ^ z16, t47 = z10 ^ z11, t48 = z5 ^ z13, t49 = z9 ^ z10, t50 = z2 ^ z12;
	plane t51 = z2 ^ z5, t52 = z7 ^ z8, t53 = z0 ^ z3, t54 = z6 ^ z7, t55 = z16 ^ z17;
	plane t56 = z12 ^ t48, t57 = t50 ^ t53, t58 = z4 ^ t46, t59 = z3 ^ t54, t60 = t46 ^ t57;
	plane t61 = z14 ^ t57, t62 = t52 ^ t58, t63 = t49 ^ t58, t64 = z4 ^ t59, t65 = t61 ^ t62;
	plane t66 = z1 ^ t63, t67 = t64 ^ t65, s3 = t53 ^ t66;

	p[7] = t59 ^ t63;
	p[6] = t64 ^ ~s3;
	p[5] = t55 ^ ~t67;
	p[4] = s3;
	p[3] = t51 ^ t66;
	p[2] = t47 ^ t65;
	p[1] = t56 ^ ~t62;
	p[0] = t48 ^ ~t60;
}

/* Row r moves r columns to the left. */
static inline plane shift_rows(plane x)
{
	return (x & EVERY(0x000f)) | (x >> 1 & EVERY(0x0070)) | (x << 3 & EVERY(0x0080)) |
	       (x >> 2 & EVERY(0x0300)) | (x << 2 & EVERY(0x0c00)) | (x >> 3 & EVERY(0x1000)) |
	       (x << 1 & EVERY(0xe000));
}

/* Row r is what was row r + 1, or r + 2. */
static inline plane next_row(plane x)
{
	return (x >> 4 & EVERY(0x0fff)) | (x << 12 & EVERY(0xf000));
}

static inline plane next_but_one(plane x)
{
	return (x >> 8 & EVERY(0x00ff)) | (x << 8 & EVERY(0xff00));
}

/* 2a ^ 3b ^ c ^ d = 2(a ^ b) ^ b ^ (c ^ d), where (c ^ d) is (a ^ b) two rows on. */
static inline void mix_columns(plane p[static 8])
{
	plane sum[8], next[8];

	for (int b = 0; b < 8; b++) {
		next[b] = next_row(p[b]);
		sum[b] = p[b] ^ next[b];
	}
	for (int b = 0; b < 8; b++) {
		p[b] = next[b] ^ next_but_one(sum[b]) ^ sum[(b + 7) % 8];
		if (b == 1 || b == 3 || b == 4) /* doubling reduces by x⁸ = x⁴ + x³ + x + 1 */
			p[b] ^= sum[7];
	}
}

/* Block i is what was block i - 1, block 0 what was block 4. */
static inline plane next_block(plane x)
{
	const plane four = {~0ULL, 0}, used = {~0ULL, 0xffff};
	plane swapped;

	x &= used;
	swapped = (plane){x[1], x[0]};
	return ((x << 16 | swapped) & four) | swapped >> 48;
}

/* --- the state --- */

static inline void update(struct state *st, const uint16_t m[static 8])
{
	plane p[8];

	memcpy(p, st->p, sizeof(p));
	substitute(p);
	for (int b = 0; b < 8; b++)
		p[b] = shift_rows(p[b]);
	mix_columns(p);
	for (int b = 0; b < 8; b++)
		st->p[b] ^= next_block(p[b]) ^ (plane) { m[b], 0 };
}

static inline void keystream(const struct state *st, uint16_t ret[static 8])
{
	for (int b = 0; b < 8; b++) {
		uint64_t s = st->p[b][0];

		ret[b] = (uint16_t)(s >> 16 ^ st->p[b][1] ^ (s >> 32 & s >> 48));
	}
}

static void state_load(struct state *st, const uint8_t *from[5][LANES])
{
	uint16_t m[8];

	memset(st, 0, sizeof(*st));
	for (int i = 0; i < 5; i++) {
		slice(from[i][0], m);
		for (int b = 0; b < 8; b++)
			st->p[b][i / 4] |= (uint64_t)m[b] << 16 * (i % 4);
	}
}

static void state_absorb(struct state *st, const uint8_t *const *in, size_t at)
{
	uint16_t m[8];

	slice(in[0] + at, m);
	update(st, m);
}

static inline void state_encrypt(struct state *st, const uint8_t *const *in, uint8_t *const *out,
				 size_t at)
{
	uint16_t m[8], z[8];

	slice(in[0] + at, m);
	keystream(st, z);
	for (int b = 0; b < 8; b++)
		z[b] ^= m[b];
	unslice(z, out[0] + at);
	update(st, m);
}

static inline void state_decrypt(struct state *st, const uint8_t *const *in, uint8_t *const *out,
				 size_t at)
{
	uint16_t m[8], z[8];

	slice(in[0] + at, m);
	keystream(st, z);
	for (int b = 0; b < 8; b++)
		m[b] ^= z[b];
	unslice(m, out[0] + at);
	update(st, m);
}

static void state_keystream(const struct state *st, uint8_t (*ret)[16])
{
	uint16_t z[8];

	keystream(st, z);
	unslice(z, ret[0]);
}

static void state_third(const struct state *st, uint8_t (*ret)[16])
{
	uint16_t s3[8];

	for (int b = 0; b < 8; b++)
		s3[b] = (uint16_t)(st->p[b][0] >> 48);
	unslice(s3, ret[0]);
}

static void state_fold(const struct state *st, uint8_t (*ret)[16])
{
	uint16_t sum[8];

	for (int b = 0; b < 8; b++) {
		uint64_t s = st->p[b][0];

		sum[b] = (uint16_t)(s ^ s >> 16 ^ s >> 32 ^ s >> 48 ^ st->p[b][1]);
	}
	unslice(sum, ret[0]);
}

#include "crypto/aegis128-body.h"

static bool usable(void)
{
	return true;
}

const struct aegis128_variant aegis128_portable = {
    .name = "portable",
    .lanes = LANES,
    .usable = usable,
    .encrypt = body_encrypt,
    .decrypt = body_decrypt,
};
