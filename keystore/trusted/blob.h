/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed trusted and encrypted keys, as the vault holds them. Pure and silent. */
#ifndef HOLDFAST_KEYSTORE_TRUSTED_BLOB_H
#define HOLDFAST_KEYSTORE_TRUSTED_BLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

#define TRUSTED_BLOB_VERSION 1
#define TRUSTED_KEY_MAX      1024 /* bytes of the kernel's own blob; the kernel takes 512 */
#define TRUSTED_NAME_MAX     32   /* bytes of a trusted key's name, with its NUL */
#define TRUSTED_RANDOM       8    /* random bytes in it */
#define TRUSTED_MASTER       "default trusted:" /* before the name, in what the kernel writes */

struct trusted_blob {
	char name[TRUSTED_NAME_MAX]; /* of the trusted key; encrypted keys refer to it by that */
	/* The name says so, and the kernel authenticates the name in encrypted keys: nobody can say
	 * of a vault that it never had a MAC. */
	bool has_mac;
	const uint8_t *key; /* the kernel's own blob, within the bytes that were decoded */
	size_t key_bytes;
};

/* The name of a new trusted key. */
void trusted_name(const uint8_t random[static TRUSTED_RANDOM], bool has_mac,
		  char ret[static TRUSTED_NAME_MAX]);

/* 0, or -EUCLEAN. */
int trusted_blob_decode(const uint8_t *bytes, size_t len, struct trusted_blob *ret);
void trusted_blob_encode(const char *name, const uint8_t *key, size_t key_bytes, struct text *to);

/* An encrypted key, as the kernel writes it: "default trusted:NAME BYTES HEX", and nothing else. 0,
 * or -EUCLEAN. @ret_bytes: of the key. */
int trusted_key_decode(const uint8_t *blob, size_t len, size_t *ret_bytes);

#endif
