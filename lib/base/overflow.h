/* SPDX-License-Identifier: Apache-2.0 */
/* Arithmetic on sizes that says when it does not fit, and rounding. */
#ifndef HOLDFAST_BASE_OVERFLOW_H
#define HOLDFAST_BASE_OVERFLOW_H

#include <stdbool.h>
#include <stdint.h>

/* All return true when the result fits and was written. */
static inline bool add_u64(uint64_t a, uint64_t b, uint64_t *ret)
{
	return !__builtin_add_overflow(a, b, ret);
}

static inline bool mul_u64(uint64_t a, uint64_t b, uint64_t *ret)
{
	return !__builtin_mul_overflow(a, b, ret);
}

static inline bool is_power_of_2(uint64_t x)
{
	return x && !(x & (x - 1));
}

static inline uint64_t round_down(uint64_t x, uint64_t step)
{
	return x - x % step;
}

/* Saturates at the largest multiple of @step: callers compare the result with a capacity. */
static inline uint64_t round_up(uint64_t x, uint64_t step)
{
	uint64_t rest = x % step;

	if (!rest)
		return x;
	return x > UINT64_MAX - (step - rest) ? round_down(UINT64_MAX, step) : x + (step - rest);
}

static inline uint64_t div_round_up(uint64_t x, uint64_t step)
{
	return x / step + (x % step != 0);
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* [offset, offset+len) lies in [0, size). */
static inline bool range_inside(uint64_t offset, uint64_t len, uint64_t size)
{
	return offset <= size && len <= size - offset;
}

static inline bool ranges_overlap(uint64_t a, uint64_t a_len, uint64_t b, uint64_t b_len)
{
	return a_len && b_len && a < b + b_len && b < a + a_len;
}

#endif
