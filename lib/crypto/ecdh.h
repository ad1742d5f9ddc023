/* SPDX-License-Identifier: Apache-2.0 */
/* Key agreement on NIST P-256 with a fresh key: what a secret is sent under to a TPM that is not
 * here.
 */
#ifndef HOLDFAST_CRYPTO_ECDH_H
#define HOLDFAST_CRYPTO_ECDH_H

#include <stdint.h>

#include "base/secret.h"

#define P256_BYTES 32 /* of a coordinate, big-endian */

struct p256_point {
	uint8_t x[P256_BYTES], y[P256_BYTES];
};

/* Draws a key; returns its public point and the x coordinate (32 bytes) of the shared point. 0 or
 * -errno; speaks: DIAG_DAMAGED, -EINVAL for a @peer that is not on the curve. */
int ecdh_p256(const struct p256_point *peer, struct p256_point *ret_own,
	      struct secret **ret_shared);

#endif
