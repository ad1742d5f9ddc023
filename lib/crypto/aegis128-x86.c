/* SPDX-License-Identifier: Apache-2.0 */
/* AEGIS-128 with the AES instructions of x86. */
#include "crypto/aegis128-private.h"

#ifdef AEGIS128_X86
#include <immintrin.h>

#define AEGIS128_TARGET __attribute__((target("aes,sse4.1")))

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

/* The round key of S0 is added behind the round, together with the message: so neither waits for
 * the other, and the loop for nothing but one AESENC. */
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

AEGIS128_TARGET static inline void state_load(struct state *st, const uint8_t *blocks)
{
	st->s0 = load(blocks);
	st->s1 = load(blocks + 16);
	st->s2 = load(blocks + 32);
	st->s3 = load(blocks + 48);
	st->s4 = load(blocks + 64);
}

AEGIS128_TARGET static inline void state_absorb(struct state *st, const uint8_t *m)
{
	update(st, load(m));
}

AEGIS128_TARGET static inline void state_encrypt(struct state *st, const uint8_t *in, uint8_t *out)
{
	__m128i m = load(in);

	store(out, _mm_xor_si128(m, keystream(st)));
	update(st, m);
}

AEGIS128_TARGET static inline void state_decrypt(struct state *st, const uint8_t *in, uint8_t *out)
{
	__m128i m = _mm_xor_si128(load(in), keystream(st));

	store(out, m);
	update(st, m);
}

AEGIS128_TARGET static inline void state_keystream(const struct state *st, uint8_t *ret)
{
	store(ret, keystream(st));
}

AEGIS128_TARGET static inline void state_third(const struct state *st, uint8_t *ret)
{
	store(ret, st->s3);
}

AEGIS128_TARGET static inline void state_fold(const struct state *st, uint8_t *ret)
{
	__m128i x = _mm_xor_si128(_mm_xor_si128(st->s0, st->s1), _mm_xor_si128(st->s2, st->s3));

	store(ret, _mm_xor_si128(x, st->s4));
}

#include "crypto/aegis128-body.h"

static bool usable(void)
{
	return __builtin_cpu_supports("aes") && __builtin_cpu_supports("sse4.1");
}

const struct aegis128_variant aegis128_x86 = {
    .name = "aes-ni",
    .usable = usable,
    .encrypt = body_encrypt,
    .decrypt = body_decrypt,
};
#endif
