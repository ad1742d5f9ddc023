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

/* @in and @out may be the same. @ret_tag is the tag of the *plaintext*, for decryption, too: the
 * caller compares it, and wipes @out where it differs. */
typedef void (*aegis128_fn)(const uint8_t *key, const uint8_t *nonce, const void *ad, size_t ad_len,
			    const void *in, size_t len, void *out, uint8_t *ret_tag);

/* The same function in several ways; which ones a processor can do shows at run time. */
struct aegis128_variant {
	const char *name;
	bool (*usable)(void);
	aegis128_fn encrypt;
	aegis128_fn decrypt;
};
extern const struct aegis128_variant *const aegis128_variants[]; /* fastest first; ends with NULL */
const struct aegis128_variant *aegis128_best(void);              /* the first usable one */

#endif
