/* SPDX-License-Identifier: Apache-2.0 */
/* AEGIS-128 on four messages at once, two in a register, with the wide AES instructions of x86:
 * one message alone leaves the processor waiting for each round. */
#include "crypto/aegis128-private.h"

#ifdef AEGIS128_X86
#include <cpuid.h>
#include <immintrin.h>

#define AEGIS128_TARGET __attribute__((target("vaes,avx2,aes")))
#define LANES           4

/* Lanes 0 and 1, or 2 and 3. */
struct half {
	__m256i s0, s1, s2, s3, s4; /* no array: they stay in registers */
};

struct state {
	struct half a, b;
};

AEGIS128_TARGET static inline __m256i load(const uint8_t *low, const uint8_t *high)
{
	return _mm256_inserti128_si256(
	    _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)low)),
	    _mm_loadu_si128((const __m128i *)(const void *)high), 1);
}

AEGIS128_TARGET static inline void store(uint8_t *low, uint8_t *high, __m256i x)
{
	_mm_storeu_si128((__m128i *)(void *)low, _mm256_castsi256_si128(x));
	_mm_storeu_si128((__m128i *)(void *)high, _mm256_extracti128_si256(x, 1));
}

/* See aegis128-x86.c. */
AEGIS128_TARGET static inline void update(struct half *h, __m256i m)
{
	__m256i first = _mm256_aesenc_epi128(h->s4, _mm256_setzero_si256());

	h->s4 = _mm256_aesenc_epi128(h->s3, h->s4);
	h->s3 = _mm256_aesenc_epi128(h->s2, h->s3);
	h->s2 = _mm256_aesenc_epi128(h->s1, h->s2);
	h->s1 = _mm256_aesenc_epi128(h->s0, h->s1);
	h->s0 = _mm256_xor_si256(first, _mm256_xor_si256(h->s0, m));
}

AEGIS128_TARGET static inline __m256i keystream(const struct half *h)
{
	return _mm256_xor_si256(_mm256_xor_si256(h->s1, h->s4), _mm256_and_si256(h->s2, h->s3));
}

AEGIS128_TARGET static inline __m256i fold(const struct half *h)
{
	__m256i x =
	    _mm256_xor_si256(_mm256_xor_si256(h->s0, h->s1), _mm256_xor_si256(h->s2, h->s3));

	return _mm256_xor_si256(x, h->s4);
}

AEGIS128_TARGET static inline void state_load(struct state *st, const uint8_t *from[5][LANES])
{
	struct half *halves[] = {&st->a, &st->b};

	for (int i = 0; i < 2; i++) {
		halves[i]->s0 = load(from[0][2 * i], from[0][2 * i + 1]);
		halves[i]->s1 = load(from[1][2 * i], from[1][2 * i + 1]);
		halves[i]->s2 = load(from[2][2 * i], from[2][2 * i + 1]);
		halves[i]->s3 = load(from[3][2 * i], from[3][2 * i + 1]);
		halves[i]->s4 = load(from[4][2 * i], from[4][2 * i + 1]);
	}
}

AEGIS128_TARGET static inline void state_absorb(struct state *st, const uint8_t *const *in,
						size_t at)
{
	update(&st->a, load(in[0] + at, in[1] + at));
	update(&st->b, load(in[2] + at, in[3] + at));
}

AEGIS128_TARGET static inline void state_encrypt(struct state *st, const uint8_t *const *in,
						 uint8_t *const *out, size_t at)
{
	__m256i a = load(in[0] + at, in[1] + at), b = load(in[2] + at, in[3] + at);

	store(out[0] + at, out[1] + at, _mm256_xor_si256(a, keystream(&st->a)));
	store(out[2] + at, out[3] + at, _mm256_xor_si256(b, keystream(&st->b)));
	update(&st->a, a);
	update(&st->b, b);
}

AEGIS128_TARGET static inline void state_decrypt(struct state *st, const uint8_t *const *in,
						 uint8_t *const *out, size_t at)
{
	__m256i a = _mm256_xor_si256(load(in[0] + at, in[1] + at), keystream(&st->a));
	__m256i b = _mm256_xor_si256(load(in[2] + at, in[3] + at), keystream(&st->b));

	store(out[0] + at, out[1] + at, a);
	store(out[2] + at, out[3] + at, b);
	update(&st->a, a);
	update(&st->b, b);
}

AEGIS128_TARGET static inline void state_keystream(const struct state *st, uint8_t (*ret)[16])
{
	store(ret[0], ret[1], keystream(&st->a));
	store(ret[2], ret[3], keystream(&st->b));
}

AEGIS128_TARGET static inline void state_third(const struct state *st, uint8_t (*ret)[16])
{
	store(ret[0], ret[1], st->a.s3);
	store(ret[2], ret[3], st->b.s3);
}

AEGIS128_TARGET static inline void state_fold(const struct state *st, uint8_t (*ret)[16])
{
	store(ret[0], ret[1], fold(&st->a));
	store(ret[2], ret[3], fold(&st->b));
}

#include "crypto/aegis128-body.h"

/* Compilers do not agree on a name for VAES. */
static bool usable(void)
{
	unsigned a, b, c, d;

	return __builtin_cpu_supports("avx2") && __get_cpuid_count(7, 0, &a, &b, &c, &d) &&
	       (c & bit_VAES);
}

const struct aegis128_variant aegis128_vaes = {
    .name = "vaes",
    .lanes = LANES,
    .usable = usable,
    .encrypt = body_encrypt,
    .decrypt = body_decrypt,
};
#endif
