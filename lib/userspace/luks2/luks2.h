/* SPDX-License-Identifier: Apache-2.0 */
/* LUKS2 headers on a device: writing, reading, checking and mending both copies. */
#ifndef HOLDFAST_USERSPACE_LUKS2_H
#define HOLDFAST_USERSPACE_LUKS2_H

#include "base/env.h"
#include "base/io.h"
#include "base/secret.h"
#include "format/luks2.h"

/* One copy as it was found. */
struct luks2_copy {
	bool good;       /* checksum and place are right, and the JSON can be parsed */
	const char *why; /* not good: static text */
	uint64_t offset_bytes;
	struct luks2_binary binary;
	char *json; /* NUL-terminated; freed by luks2_free() */
};

/* Facts of the JSON of the active copy. Texts are printable. If it is not valid, the facts that
 * could be read are filled in. */
struct luks2_facts {
	/* Well-formed, one crypt segment to the end under one digest, no requirement, no
	 * reencryption. Cipher, offsets and keyslots may still be the wrong ones. */
	bool valid;
	char why[160];                      /* not valid */
	char encryption[64], integrity[64]; /* integrity "": none */
	char journal_encryption[32], journal_integrity[32];
	uint32_t sector_bytes;
	uint32_t integrity_key_bytes;
	uint64_t segment_offset_bytes, segment_bytes; /* bytes 0: dynamic, to the end */
	uint64_t iv_tweak;
	unsigned segments, digests;
	unsigned keyslots;     /* how many there are */
	uint64_t keyslot_bits; /* which (number < 64) */
	unsigned unbound;      /* how many of them are not for the key of segment 0 */
	unsigned tokens;
	char token_types[128];  /* "systemd-tpm2,systemd-recovery" */
	bool reencryption;      /* requirement, or a reencrypt keyslot, or backup segments */
	char requirements[128]; /* mandatory ones, "" none */
	char flags[128];        /* persistent ones: "allow-discards", "" none */
	/* digest of segment 0 */
	char digest_hash[32];
	uint32_t digest_iterations;
	uint8_t digest_salt[64], digest[64];
	size_t digest_salt_len, digest_len;
};

struct luks2_found {
	struct luks2_copy copy[2];
	int active;  /* index of the good copy with the higher sequence, -1: none */
	bool differ; /* both are good and have the same sequence, but different contents */
	struct luks2_facts facts; /* of the active one */
};

/* Reads both copies: the second at the offset in the first, or if that is bad, at the offsets that
 * the specification lists. A copy that cannot be read is not good; if neither can be read, that is
 * the failure. -ENODATA, silent: neither is there. Speaks. */
int luks2_read(struct io *io, struct luks2_found *ret);
void luks2_free(struct luks2_found *f);
#define _cleanup_luks2_ __attribute__((cleanup(luks2_free)))

/* 1: @key is the volume key, by its digest; 0: it is not. Speaks. */
int luks2_key_matches(const struct luks2_facts *f, const uint8_t *key, size_t len);

/* A keyslot to write; its number is its index in luks2_new.ways. */
struct luks2_way {
	const struct secret *passphrase; /* of full entropy, because it is not stretched */
	const char *token;               /* a JSON object that names the keyslot, or NULL */
};
#define LUKS2_WAYS_MAX 2

/* A header to write. */
struct luks2_new {
	struct uuid uuid;
	const char *label; /* NULL: none */
	const char *encryption, *integrity;
	uint32_t sector_bytes;
	uint64_t segment_offset_bytes;
	const struct secret *key; /* volume key */
	struct luks2_way ways[LUKS2_WAYS_MAX];
	size_t n_ways;
};
/* Zeroes everything before the segment, so that no copy of an older header is left, and flushes;
 * writes the keyslots' areas and the secondary copy, and flushes; writes the primary copy, and
 * flushes. Salts and AF material come from env->random. Speaks. */
int luks2_write(struct io *io, const struct luks2_new *n, struct env *env);
/* Rewrites the copy that is damaged, older than the active one or different from it, and flushes.
 * 1; 0: there was nothing to mend. Speaks. */
int luks2_mend(struct io *io, const struct luks2_found *f);
/* Replaces the token of type "systemd-tpm2" for @keyslot by @token, or adds it. Writes one copy
 * after the other, each with a flush, so that after a power cut one of them is whole. Speaks. */
int luks2_set_token(struct io *io, const struct luks2_found *f, unsigned keyslot, const char *token,
		    struct env *env);
/* Zeroes everything between the header's copies and the segment, and flushes. No keyslot opens any
 * more. Speaks. */
int luks2_wipe_keyslots(struct io *io, uint64_t segment_offset_bytes);
/* Tries the passphrase on all keyslots with pbkdf2 and an aes-xts-plain64 area. 1 and the volume
 * key, checked by its digest; 0: it opens none; -ENOTSUP: it opens none of these, and there are
 * others (Argon2). Speaks. */
int luks2_unlock(struct io *io, const struct luks2_found *f, const uint8_t *passphrase, size_t len,
		 struct env *env, struct secret **ret_key);

#endif
