/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes: one message, a running one, or many blocks with the same prefix (dm-verity's salt). */
#ifndef HOLDFAST_CRYPTO_DIGEST_H
#define HOLDFAST_CRYPTO_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIGEST_MAX_BYTES 64

struct digest; /* a running hash; one thread at a time */

/* Bytes of a digest by the kernel's name ("sha256", "sha512"); 0 when it is not known. */
size_t digest_bytes(const char *algorithm);

int digest_new(const char *algorithm, struct digest **ret); /* speaks through diag */
struct digest *digest_free(struct digest *d);
void digest_freep(struct digest **d);
#define _cleanup_digest_ __attribute__((cleanup(digest_freep)))
/* 0 or -EIO, silent: they fail only when used out of order. */
int digest_reset(struct digest *d);
int digest_add(struct digest *d, const void *bytes, size_t len);
int digest_finish(struct digest *d, uint8_t *ret); /* then digest_reset() before the next */

int digest_sha256(const void *bytes, size_t len, uint8_t ret[static 32]);

/* Hashes of equal blocks that all begin (@prefix_first) or end with the same salt, which is
 * absorbed only once where it comes first. One object per thread. */
struct block_digest;
int block_digest_new(const char *algorithm, const uint8_t *salt, size_t salt_len, bool salt_first,
		     struct block_digest **ret);
struct block_digest *block_digest_free(struct block_digest *d);
/* @n blocks of @block_bytes each, in a row; digests go to @ret, @stride bytes apart
 * (bytes between digest and stride are left alone). 0 or -errno, silent. */
int block_digest_run(struct block_digest *d, const uint8_t *blocks, size_t block_bytes, size_t n,
		     uint8_t *ret, size_t stride);

/* Constant-time comparison. */
bool digest_equal(const void *a, const void *b, size_t len);

#endif
