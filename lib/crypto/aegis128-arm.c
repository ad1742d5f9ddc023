/* SPDX-License-Identifier: Apache-2.0 */
/* AEGIS-128 with the cryptographic extension of 64-bit Arm. */
#include "crypto/aegis128-private.h"

#ifdef AEGIS128_ARM
#include <arm_neon.h>
#include <asm/hwcap.h>
#include <sys/auxv.h>

#ifdef __clang__
#define AEGIS128_TARGET __attribute__((target("aes")))
#else
#define AEGIS128_TARGET __attribute__((target("+crypto")))
#endif

#define LANES 1

struct state {
	uint8x16_t s0, s1, s2, s3, s4; /* no array: they stay in registers */
};

/* AESE adds its key before the substitution, but AEGIS adds it after the round: so AESE gets a key
 * of zeroes, and the key is added separately. */
AEGIS128_TARGET static inline uint8x16_t round_of(uint8x16_t x)
{
	return vaesmcq_u8(vaeseq_u8(x, vdupq_n_u8(0)));
}

AEGIS128_TARGET static inline void update(struct state *st, uint8x16_t m)
{
	uint8x16_t first = round_of(st->s4);

	st->s4 = veorq_u8(round_of(st->s3), st->s4);
	st->s3 = veorq_u8(round_of(st->s2), st->s3);
	st->s2 = veorq_u8(round_of(st->s1), st->s2);
	st->s1 = veorq_u8(round_of(st->s0), st->s1);
	st->s0 = veorq_u8(first, veorq_u8(st->s0, m));
}

AEGIS128_TARGET static inline uint8x16_t keystream(const struct state *st)
{
	return veorq_u8(veorq_u8(st->s1, st->s4), vandq_u8(st->s2, st->s3));
}

AEGIS128_TARGET static inline void state_load(struct state *st, const uint8_t *from[5][LANES])
{
	st->s0 = vld1q_u8(from[0][0]);
	st->s1 = vld1q_u8(from[1][0]);
	st->s2 = vld1q_u8(from[2][0]);
	st->s3 = vld1q_u8(from[3][0]);
	st->s4 = vld1q_u8(from[4][0]);
}

AEGIS128_TARGET static inline void state_absorb(struct state *st, const uint8_t *const *in,
						size_t at)
{
	update(st, vld1q_u8(in[0] + at));
}

AEGIS128_TARGET static inline void state_encrypt(struct state *st, const uint8_t *const *in,
						 uint8_t *const *out, size_t at)
{
	uint8x16_t m = vld1q_u8(in[0] + at);

	vst1q_u8(out[0] + at, veorq_u8(m, keystream(st)));
	update(st, m);
}

AEGIS128_TARGET static inline void state_decrypt(struct state *st, const uint8_t *const *in,
						 uint8_t *const *out, size_t at)
{
	uint8x16_t m = veorq_u8(vld1q_u8(in[0] + at), keystream(st));

	vst1q_u8(out[0] + at, m);
	update(st, m);
}

AEGIS128_TARGET static inline void state_keystream(const struct state *st, uint8_t (*ret)[16])
{
	vst1q_u8(ret[0], keystream(st));
}

AEGIS128_TARGET static inline void state_third(const struct state *st, uint8_t (*ret)[16])
{
	vst1q_u8(ret[0], st->s3);
}

AEGIS128_TARGET static inline void state_fold(const struct state *st, uint8_t (*ret)[16])
{
	uint8x16_t x = veorq_u8(veorq_u8(st->s0, st->s1), veorq_u8(st->s2, st->s3));

	vst1q_u8(ret[0], veorq_u8(x, st->s4));
}

#include "crypto/aegis128-body.h"

static bool usable(void)
{
	return getauxval(AT_HWCAP) & HWCAP_AES;
}

const struct aegis128_variant aegis128_arm = {
    .name = "armv8-ce",
    .lanes = LANES,
    .usable = usable,
    .encrypt = body_encrypt,
    .decrypt = body_decrypt,
};
#endif
