/* SPDX-License-Identifier: Apache-2.0 */
/* dm-crypt in user space, with and without authentication, over struct io, in parallel. */
#ifndef HOLDFAST_USERSPACE_CRYPT_H
#define HOLDFAST_USERSPACE_CRYPT_H

#include "base/env.h"
#include "base/io.h"
#include "userspace/integrity/integrity.h"

/* One way to encrypt; a row of crypt_kinds[]. */
struct crypt_kind {
	const char *cipher;         /* as in a layout: "aegis128-random" */
	const char *integrity;      /* as in a layout: "aead", "hmac-sha256", "none" */
	const char *kernel;         /* in a dm-crypt table: "capi:aegis128-random" */
	const char *luks_cipher;    /* LUKS2 JSON "encryption": "aegis128-random" */
	const char *luks_integrity; /* LUKS2 JSON integrity "type", NULL: none: "aead", "poly1305",
				       "hmac(sha256)" */
	const char *dm_integrity;   /* dm-crypt table "integrity:N:…": "aead", NULL */
	uint16_t key_bytes;         /* whole volume key: the cipher's, then the MAC's */
	uint16_t mac_key_bytes;     /* of these, the last ones for hmac */
	uint8_t tag_bytes;          /* authentication tag */
	uint8_t iv_bytes; /* random, stored after the tag; 0: computed from the sector's number */
	bool soft;        /* also in user space; else only through the kernel */
	uint64_t sectors_max;  /* sectors that one key may write (random nonces); 0: no bound */
	const char *algorithm; /* in lib/crypto: of aead.h with tags, else of cipher.h; or NULL */
};
extern const struct crypt_kind crypt_kinds[]; /* ends with cipher NULL */
/* Finds a kind by the layout's names; NULL: not known. @integrity NULL: the first with this cipher.
 */
const struct crypt_kind *crypt_kind(const char *cipher, const char *integrity);
/* Finds a kind by the names in LUKS2's JSON; NULL: not known. */
const struct crypt_kind *crypt_kind_luks(const char *encryption, const char *integrity);

enum crypt_state {
	CRYPT_GOOD,
	CRYPT_NEVER, /* tag and IV are all zeroes: never written, or wiped */
	CRYPT_BAD,   /* does not authenticate */
};

/*
 * Opens the plaintext device. With authentication it is over @tags, which have tag_bytes + iv_bytes
 * per sector and which it takes over, except on failure; @below is NULL. Without, it is over
 * @below, which must outlive it and stays open.
 *
 * The key is copied into contexts, one for each worker of env->pool and one more. A read of a
 * sector that does not authenticate fails with -EILSEQ and returns no data. With @raw, such sectors
 * and those that were never written read as zeroes, and runs of the latter are holes. Writes draw
 * IVs from env->random; @env must outlive the device. Whole sectors only (-EINVAL);
 * io_open_blocks() over it serves other sizes. Sectors are numbered from 0 in units of 512 bytes
 * whatever sector_bytes is (plain64, AAD), as dm-crypt does with iv_offset 0. Several threads can
 * use it at once. Speaks.
 */
int crypt_open(const struct crypt_kind *kind, uint32_t sector_bytes, const uint8_t *key,
	       struct io *below, struct integrity *tags, bool raw, struct env *env,
	       const char *name, struct io **ret);

/* For a device that crypt_open() opened with tags: the states of sectors [first, first+n), and in
 * @data (may be NULL) their plaintext, zeroes where not GOOD. Several threads at once. Silent. */
int crypt_check(struct io *crypt, uint64_t first, uint64_t n, uint8_t *ret_states, uint8_t *data);
struct integrity *crypt_tags(struct io *crypt);

#endif
