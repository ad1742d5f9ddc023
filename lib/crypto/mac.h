/* SPDX-License-Identifier: Apache-2.0 */
/* Message authentication codes: HMAC, keyed once for many messages. */
#ifndef HOLDFAST_CRYPTO_MAC_H
#define HOLDFAST_CRYPTO_MAC_H

#include <stddef.h>
#include <stdint.h>

#define MAC_MAX_BYTES 64

/* One key; used by one thread at a time. */
struct mac;

/* Bytes of a MAC by the kernel's name ("hmac(sha256)"); 0 when it is not known. */
size_t mac_bytes(const char *algorithm);

/* Speaks through diag. The key is copied into OpenSSL's context and may be any length, even 0. */
int mac_new(const char *algorithm, const uint8_t *key, size_t key_len, struct mac **ret);
struct mac *mac_free(struct mac *m); /* wipes; takes NULL, returns NULL */
void mac_freep(struct mac **m);
#define _cleanup_mac_ __attribute__((cleanup(mac_freep)))

/* A message is what was added since mac_new() or the last mac_finish(), which writes mac_bytes()
 * and is ready for the next message. 0 or -EIO, silent. */
int mac_add(struct mac *m, const void *bytes, size_t len);
int mac_finish(struct mac *m, uint8_t *ret);

struct mac_piece {
	const void *bytes;
	size_t len;
};
/* The MAC of one message, given as @n pieces. 0 or -EIO, silent. */
int mac_run(struct mac *m, const struct mac_piece *pieces, size_t n, uint8_t *ret);

#endif
