/* SPDX-License-Identifier: Apache-2.0 */
/* Keyslots of LUKS2, as its JSON describes them and as areas of the device. */
#ifndef HOLDFAST_USERSPACE_LUKS2_KEYSLOT_H
#define HOLDFAST_USERSPACE_LUKS2_KEYSLOT_H

#include "userspace/luks2/luks2.h"

#define LUKS2_AREA_KEY_BYTES 64 /* aes-xts-plain64 with AES-256 */
#define LUKS2_KEY_BYTES_MAX  512
#define LUKS2_KEYSLOTS_MAX   32

struct luks2_slot {
	uint32_t key_bytes;
	uint64_t area_offset_bytes, area_bytes;
	char area_encryption[64];
	uint32_t area_key_bytes;
	char af_type[32], af_hash[32];
	uint32_t stripes;
	char kdf[32]; /* "pbkdf2" */
	/* with pbkdf2 only */
	char kdf_hash[32];
	uint32_t iterations;
	uint8_t salt[64];
	size_t salt_len;
};
/* Reads keyslot @number of a JSON text. -EUCLEAN: it is missing or malformed; -ENOMEM. Silent. */
int luks2_json_keyslot(const char *json, unsigned number, struct luks2_slot *ret);

/* Fills @k, in which key_bytes and area are set, and writes its area. Speaks. */
int luks2_keyslot_write(struct io *io, const struct secret *key, const struct secret *passphrase,
			struct env *env, struct luks2_keyslot *k);

/* The bytes of @s, for reading only. */
static inline const uint8_t *luks2_secret(const struct secret *s)
{
	return secret_bytes((struct secret *)s);
}

#endif
