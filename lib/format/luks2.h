/* SPDX-License-Identifier: Apache-2.0 */
/* LUKS2's bytes: binary headers, and the JSON that we write.
 * Source: LUKS2 On-Disk Format Specification 1.1.x; cryptsetup lib/luks2/luks2.h */
#ifndef HOLDFAST_FORMAT_LUKS2_H
#define HOLDFAST_FORMAT_LUKS2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "base/uuid.h"

#define LUKS2_BINARY_BYTES       4096
#define LUKS2_HEADER_BYTES       16384 /* of each copy, as we write it: binary header and JSON */
#define LUKS2_HEADER_BYTES_MAX   (4 * 1024 * 1024)
#define LUKS2_KEYSLOTS_BYTES_MAX (128 * 1024 * 1024)
#define LUKS2_CHECKSUM_OFFSET    448 /* in the binary header: 64 bytes, zero while it is computed */
#define LUKS2_DIGEST_SALT_BYTES  32
#define LUKS2_DIGEST_BYTES       32
#define LUKS2_STRIPES            4000

struct luks2_binary {
	bool second;           /* magic of the secondary copy */
	uint64_t header_bytes; /* binary header and JSON */
	uint64_t sequence;     /* "seqid": the higher one counts */
	uint64_t offset_bytes; /* of this copy */
	char label[48], subsystem[48];
	struct uuid uuid;
	char checksum_algorithm[32]; /* "sha256" */
	uint8_t salt[64], checksum[64];
};
/* -ENODATA: no magic; -EUCLEAN; both with *@ret_why (static text). The checksum, which also covers
 * the JSON, is not checked. */
int luks2_decode(const uint8_t *bytes, size_t len, struct luks2_binary *ret, const char **ret_why);
void luks2_encode(const struct luks2_binary *h, uint8_t ret[static LUKS2_BINARY_BYTES]);

/* A keyslot that holds the volume key under a passphrase of full entropy. */
struct luks2_keyslot {
	unsigned number;
	uint32_t key_bytes;
	uint64_t area_offset_bytes, area_bytes;
	uint8_t kdf_salt[32];
	uint32_t iterations; /* PBKDF2-HMAC-SHA256 */
	const char *token;   /* the JSON object of its token, which names it; NULL: none */
};

/* A header that we write. */
struct luks2_description {
	const char *encryption; /* "aegis128-random" */
	const char *integrity;  /* "aead", "hmac(sha256)", NULL: none */
	uint32_t sector_bytes;
	uint32_t key_bytes;
	uint64_t segment_offset_bytes; /* where data (or dm-integrity) begins; header copies and
					  keyslots lie before it */
	uint8_t digest_salt[LUKS2_DIGEST_SALT_BYTES];
	uint8_t digest[LUKS2_DIGEST_BYTES]; /* PBKDF2-HMAC-SHA256 of the volume key */
	uint32_t digest_iterations;
	const struct luks2_keyslot *keyslots;
	size_t n_keyslots;
};
/* The size of one keyslot's area; and of the area for all keyslots, if @segment_offset_bytes is at
 * least twice LUKS2_HEADER_BYTES. */
uint64_t luks2_keyslot_area_bytes(uint32_t key_bytes);
uint64_t luks2_keyslots_bytes(uint64_t segment_offset_bytes);
/* Writes the JSON, with every member that libcryptsetup's validation requires. */
void luks2_json(const struct luks2_description *d, struct text *to);

#endif
