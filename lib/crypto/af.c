/* SPDX-License-Identifier: Apache-2.0 */
/* Anti-forensic stripes of LUKS (LUKS1 On-Disk Format, AFsplit and AFmerge). */
#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>

#include "base/diag.h"
#include "base/overflow.h"
#include "crypto/af.h"
#include "crypto/digest.h"

/* Each piece of a digest's length becomes the hash of its number and itself; the last one may be
 * shorter, and takes as much of its hash. */
static int diffuse(struct digest *d, size_t digest_len, uint8_t *bytes, size_t len)
{
	uint8_t out[DIGEST_MAX_BYTES];
	int r = 0;

	for (size_t at = 0, i = 0; at < len && r >= 0; at += digest_len, i++) {
		const uint8_t number[4] = {(uint8_t)(i >> 24), (uint8_t)(i >> 16),
					   (uint8_t)(i >> 8), (uint8_t)i};
		size_t n = (size_t)min_u64(digest_len, len - at);

		r = digest_reset(d);
		if (r >= 0)
			r = digest_add(d, number, sizeof(number));
		if (r >= 0)
			r = digest_add(d, bytes + at, n);
		if (r >= 0)
			r = digest_finish(d, out);
		if (r >= 0)
			memcpy(bytes + at, out, n);
	}
	OPENSSL_cleanse(out, sizeof(out));
	return r < 0 ? diag_fail(DIAG_INTERNAL, EIO, "hashing anti-forensic stripes failed") : 0;
}

static void mix(uint8_t *to, const uint8_t *from, size_t len)
{
	for (size_t i = 0; i < len; i++)
		to[i] ^= from[i];
}

/* XORs and diffuses all stripes but the last. */
static int gather(const char *hash, const uint8_t *pieces, size_t key_bytes, unsigned stripes,
		  uint8_t *ret)
{
	_cleanup_digest_ struct digest *d = NULL;
	int r = digest_new(hash, &d);

	memset(ret, 0, key_bytes);
	for (unsigned i = 0; i + 1 < stripes && r >= 0; i++) {
		mix(ret, pieces + i * key_bytes, key_bytes);
		r = diffuse(d, digest_bytes(hash), ret, key_bytes);
	}
	return r;
}

int af_split(const char *hash, const uint8_t *key, size_t key_bytes, unsigned stripes,
	     uint8_t *pieces)
{
	uint8_t *last = pieces + (stripes - 1) * key_bytes;
	int r = gather(hash, pieces, key_bytes, stripes, last);

	if (r >= 0)
		mix(last, key, key_bytes);
	return r;
}

int af_merge(const char *hash, const uint8_t *pieces, size_t key_bytes, unsigned stripes,
	     uint8_t *ret_key)
{
	int r = gather(hash, pieces, key_bytes, stripes, ret_key);

	if (r >= 0)
		mix(ret_key, pieces + (stripes - 1) * key_bytes, key_bytes);
	return r;
}
