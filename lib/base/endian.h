/* SPDX-License-Identifier: Apache-2.0 */
/* Integers of a fixed byte order, as byte arrays: alignment 1, unreadable without a getter. */
#ifndef HOLDFAST_BASE_ENDIAN_H
#define HOLDFAST_BASE_ENDIAN_H

#include <stdint.h>

typedef struct {
	uint8_t b[2];
} le16_t;
typedef struct {
	uint8_t b[4];
} le32_t;
typedef struct {
	uint8_t b[8];
} le64_t;
typedef struct {
	uint8_t b[2];
} be16_t;
typedef struct {
	uint8_t b[4];
} be32_t;
typedef struct {
	uint8_t b[8];
} be64_t;

#define ENDIAN_DEFINE(bits, n)                                                                     \
	static inline uint##bits##_t le##bits##_get(le##bits##_t v)                                \
	{                                                                                          \
		uint##bits##_t x = 0;                                                              \
		for (int i = n - 1; i >= 0; i--)                                                   \
			x = (uint##bits##_t)((uint64_t)x << 8 | v.b[i]);                           \
		return x;                                                                          \
	}                                                                                          \
	static inline le##bits##_t le##bits##_make(uint##bits##_t x)                               \
	{                                                                                          \
		le##bits##_t v;                                                                    \
		for (int i = 0; i < n; i++)                                                        \
			v.b[i] = (uint8_t)((uint64_t)x >> 8 * i);                                  \
		return v;                                                                          \
	}                                                                                          \
	static inline uint##bits##_t be##bits##_get(be##bits##_t v)                                \
	{                                                                                          \
		uint##bits##_t x = 0;                                                              \
		for (int i = 0; i < n; i++)                                                        \
			x = (uint##bits##_t)((uint64_t)x << 8 | v.b[i]);                           \
		return x;                                                                          \
	}                                                                                          \
	static inline be##bits##_t be##bits##_make(uint##bits##_t x)                               \
	{                                                                                          \
		be##bits##_t v;                                                                    \
		for (int i = 0; i < n; i++)                                                        \
			v.b[i] = (uint8_t)((uint64_t)x >> 8 * (n - 1 - i));                        \
		return v;                                                                          \
	}

ENDIAN_DEFINE(16, 2)
ENDIAN_DEFINE(32, 4)
ENDIAN_DEFINE(64, 8)
#undef ENDIAN_DEFINE

#endif
