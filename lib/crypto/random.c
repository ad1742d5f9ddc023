/* SPDX-License-Identifier: Apache-2.0 */
/* Random bytes from OpenSSL's DRBG. */
#include <errno.h>
#include <limits.h>
#include <openssl/rand.h>

#include "base/diag.h"
#include "crypto/random.h"

int random_bytes(void *buf, size_t len)
{
	if (len > INT_MAX || RAND_bytes(buf, (int)len) != 1)
		return diag_fail(DIAG_INTERNAL, EIO, "OpenSSL failed to make random bytes");
	return 0;
}
