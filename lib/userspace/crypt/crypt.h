/* SPDX-License-Identifier: Apache-2.0 */
/* dm-crypt in user space, with and without authentication, over struct io, in parallel. */
#ifndef HOLDFAST_USERSPACE_CRYPT_H
#define HOLDFAST_USERSPACE_CRYPT_H

#include "base/env.h"
#include "base/io.h"
#include "userspace/integrity/integrity.h"

/* A way to encrypt, by its parts; a row of crypt_kinds[]. */
struct crypt_kind {
	const char *cipher;         /* as in a layout: "aegis128-random" */
	const char *integrity;      /* as in a layout: "aead", "hmac-sha256", "none" */
	const char *kernel;         /* in a dm-crypt table: "capi:aegis128-random" */
	const char *luks_cipher;    /* LUKS2 JSON "encryption": "aegis128-random" */
	const char *luks_integrity; /* LUKS2 JSON integrity "type", NULL: none: "aead", "poly1305",
				       "hmac(sha256)" */
	const char *dm_integrity;   /* dm-crypt table "integrity:N:…": "aead", NULL */
	uint16_t key_bytes;         /* whole volume key: cipher's, then the MAC's */
	uint16_t mac_key_bytes;     /* of these, the last ones for hmac */
	uint8_t tag_bytes;          /* authentication tag */
	uint8_t iv_bytes;     /* stored behind the tag (random); 0: made from the sector's number */
	bool soft;            /* built in user space: else only through the kernel */
	uint64_t sectors_max; /* sectors that one key may write (random nonces); 0: no bound */
	const char *algorithm; /* in lib/crypto: of aead.h with tags, else of cipher.h; or NULL */
};
extern const struct crypt_kind crypt_kinds[]; /* ends with cipher NULL */
/* NULL: not known. @integrity NULL: the first one with this cipher. */
const struct crypt_kind *crypt_kind(const char *cipher, const char *integrity);
/* From LUKS2 JSON's words; NULL: not known. */
const struct crypt_kind *crypt_kind_luks(const char *encryption, const char *integrity);

enum crypt_state {
	CRYPT_GOOD,
	CRYPT_NEVER, /* tag and IV are all zeroes: never written, or wiped */
	CRYPT_BAD,   /* does not authenticate */
};

/*
 * The plaintext device. With tags: over @tags (of tag_bytes + iv_bytes a sector), which it then
 * owns, though not where this fails (and @below is NULL); without: over @below (outlives it).
 * The key goes into contexts of its own, one for each worker of env->pool and one more. Reads check
 * (-EILSEQ, and nothing is read; with @raw, sectors that do not authenticate or were never written
 * read as zeroes, and runs of those never written are holes). Writes draw IVs from env->random,
 * which outlives it. Whole sectors only (-EINVAL), so io_open_blocks() over it suits tools of file
 * systems. Sectors are numbered from 0 in units of 512 bytes (plain64, AAD), as dm-crypt does with
 * iv_offset 0, whatever sector_bytes is. Several threads at once. Speaks.
 */
int crypt_open(const struct crypt_kind *kind, uint32_t sector_bytes, const uint8_t *key,
	       struct io *below, struct integrity *tags, bool raw, struct env *env,
	       const char *name, struct io **ret);

/* Of a device made by crypt_open() with tags: state of sectors [first, first+n), and their
 * plaintext into @data (zeroes where not GOOD; NULL: not wanted). Several threads. Silent. */
int crypt_check(struct io *crypt, uint64_t first, uint64_t n, uint8_t *ret_states, uint8_t *data);
struct integrity *crypt_tags(struct io *crypt);

#endif
