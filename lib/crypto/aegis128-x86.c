/* SPDX-License-Identifier: Apache-2.0 */
/* AEGIS-128 with the AES instructions of x86. */
#include "crypto/aegis128-private.h"

#ifdef AEGIS128_X86
#include <immintrin.h>

#define AEGIS128_TARGET __attribute__((target("aes,sse4.1")))
#define LANES           1

struct state {
	__m128i s0, s1, s2, s3, s4; /* no array: they stay in registers */
};

AEGIS128_TARGET static inline __m128i load(const uint8_t *p)
{
	return _mm_loadu_si128((const __m128i *)(const void *)p);
}

AEGIS128_TARGET static inline void store(uint8_t *p, __m128i x)
{
	_mm_storeu_si128((__m128i *)(void *)p, x);
}

/* The round key of S0 is added after the round, together with the message: so neither waits for the
 * other, and each turn of the loop waits for one AESENC only. */
AEGIS128_TARGET static inline void update(struct state *st, __m128i m)
{
	__m128i first = _mm_aesenc_si128(st->s4, _mm_setzero_si128());

	st->s4 = _mm_aesenc_si128(st->s3, st->s4);
	st->s3 = _mm_aesenc_si128(st->s2, st->s3);
	st->s2 = _mm_aesenc_si128(st->s1, st->s2);
	st->s1 = _mm_aesenc_si128(st->s0, st->s1);
	st->s0 = _mm_xor_si128(first, _mm_xor_si128(st->s0, m));
}

AEGIS128_TARGET static inline __m128i keystream(const struct state *st)
{
	return _mm_xor_si128(_mm_xor_si128(st->s1, st->s4), _mm_and_si128(st->s2, st->s3));
}

AEGIS128_TARGET static inline void state_load(struct state *st, const uint8_t *from[5][LANES])
{
	st->s0 = load(from[0][0]);
	st->s1 = load(from[1][0]);
	st->s2 = load(from[2][0]);
	st->s3 = load(from[3][0]);
	st->s4 = load(from[4][0]);
}

AEGIS128_TARGET static inline void state_absorb(struct state *st, const uint8_t *const *in,
						size_t at)
{
	update(st, load(in[0] + at));
}

AEGIS128_TARGET static inline void state_encrypt(struct state *st, const uint8_t *const *in,
						 uint8_t *const *out, size_t at)
{
	__m128i m = load(in[0] + at);

	store(out[0] + at, _mm_xor_si128(m, keystream(st)));
	update(st, m);
}

AEGIS128_TARGET static inline void state_decrypt(struct state *st, const uint8_t *const *in,
						 uint8_t *const *out, size_t at)
{
	__m128i m = _mm_xor_si128(load(in[0] + at), keystream(st));

	store(out[0] + at, m);
	update(st, m);
}

AEGIS128_TARGET static inline void state_keystream(const struct state *st, uint8_t (*ret)[16])
{
	store(ret[0], keystream(st));
}

AEGIS128_TARGET static inline void state_third(const struct state *st, uint8_t (*ret)[16])
{
	store(ret[0], st->s3);
}

AEGIS128_TARGET static inline void state_fold(const struct state *st, uint8_t (*ret)[16])
{
	__m128i x = _mm_xor_si128(_mm_xor_si128(st->s0, st->s1), _mm_xor_si128(st->s2, st->s3));

	store(ret[0], _mm_xor_si128(x, st->s4));
}

#include "crypto/aegis128-body.h"

static bool usable(void)
{
	return __builtin_cpu_supports("aes") && __builtin_cpu_supports("sse4.1");
}

const struct aegis128_variant aegis128_x86 = {
    .name = "aes-ni",
    .lanes = LANES,
    .usable = usable,
    .encrypt = body_encrypt,
    .decrypt = body_decrypt,
};
#endif
