/* SPDX-License-Identifier: Apache-2.0 */
/* AEGIS-128 (H. Wu, B. Preneel: aegisv11.pdf of the CAESAR competition), which OpenSSL has not.
 * Not AEGIS-128L of the CFRG's draft: this is the one of the kernel's crypto/aegis128-core.c. */
#ifndef HOLDFAST_CRYPTO_AEGIS128_H
#define HOLDFAST_CRYPTO_AEGIS128_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AEGIS128_KEY_BYTES   16
#define AEGIS128_NONCE_BYTES 16
#define AEGIS128_TAG_BYTES   16
#define AEGIS128_BLOCK_BYTES 16
#define AEGIS128_LANES_MAX   4

struct aegis128_message {
	const uint8_t *nonce;
	const uint8_t *ad;
	const uint8_t *in;
	uint8_t *out; /* may be @in */
	/* Gets the tag of the *plaintext*, for decryption, too: the caller compares it, and wipes
	 * @out where it differs. */
	uint8_t *tag;
};

/* As many messages as the variant has lanes, all of the same lengths, under one key. */
typedef void (*aegis128_fn)(const uint8_t *key, const struct aegis128_message *m, size_t ad_len,
			    size_t len);

/* The same function in several ways; which ones a processor can do shows at run time. */
struct aegis128_variant {
	const char *name;
	unsigned lanes; /* 1, or messages that are done at once: one has to wait for itself */
	bool (*usable)(void);
	aegis128_fn encrypt;
	aegis128_fn decrypt;
};
extern const struct aegis128_variant *const aegis128_variants[]; /* fastest first; ends with NULL */
/* Does it give what the portable one gives? A processor that is emulated may not do as it says. */
bool aegis128_works(const struct aegis128_variant *v);
/* The first usable one that works, with no more lanes than this. */
const struct aegis128_variant *aegis128_best(unsigned lanes_max);

#endif
