/* SPDX-License-Identifier: Apache-2.0 */
/* AEGIS-128 (H. Wu, B. Preneel: aegisv11.pdf of the CAESAR competition), which OpenSSL lacks.
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
	/* Receives the computed tag, also when decrypting: then the caller compares it, and wipes
	 * @out if it differs. */
	uint8_t *tag;
};

/* As many messages as the variant has lanes, all of the same lengths, under one key. */
typedef void (*aegis128_fn)(const uint8_t *key, const struct aegis128_message *m, size_t ad_len,
			    size_t len);

/* One implementation; which of them a processor can run is found out at run time. */
struct aegis128_variant {
	const char *name;
	unsigned lanes; /* messages at once: the rounds of one message alone wait for each other */
	bool (*usable)(void);
	aegis128_fn encrypt;
	aegis128_fn decrypt;
};
extern const struct aegis128_variant *const aegis128_variants[]; /* fastest first; ends with NULL */
/* True if @v computes the same as the portable variant. Emulated processors may claim instructions
 * that they get wrong. */
bool aegis128_works(const struct aegis128_variant *v);
/* The fastest usable variant that works and has at most @lanes_max lanes. */
const struct aegis128_variant *aegis128_best(unsigned lanes_max);

#endif
