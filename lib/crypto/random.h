/* SPDX-License-Identifier: Apache-2.0 */
/* Random bytes from OpenSSL's DRBG, seeded by the kernel. */
#ifndef HOLDFAST_CRYPTO_RANDOM_H
#define HOLDFAST_CRYPTO_RANDOM_H

#include <stddef.h>

int random_bytes(void *buf, size_t len); /* 0 or -EIO; speaks */

#endif
