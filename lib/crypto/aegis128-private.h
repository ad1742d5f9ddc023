/* SPDX-License-Identifier: Apache-2.0 */
/* The variants of AEGIS-128, for the list in aegis128.c. */
#ifndef HOLDFAST_CRYPTO_AEGIS128_PRIVATE_H
#define HOLDFAST_CRYPTO_AEGIS128_PRIVATE_H

#include "crypto/aegis128.h"

#if defined(__x86_64__) || defined(__i386__)
#define AEGIS128_X86 1
extern const struct aegis128_variant aegis128_vaes;
extern const struct aegis128_variant aegis128_x86;
#endif
/* Older clang declares the intrinsics only where all of the build may use them. */
#if defined(__aarch64__) &&                                                                        \
    (!defined(__clang__) || __clang_major__ >= 16 || defined(__ARM_FEATURE_AES))
#define AEGIS128_ARM 1
extern const struct aegis128_variant aegis128_arm;
#endif
extern const struct aegis128_variant aegis128_portable;

#endif
