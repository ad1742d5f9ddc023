/* SPDX-License-Identifier: Apache-2.0 */
/* LUKS2 tokens of systemd: what systemd-cryptenroll writes for a TPM.
 * Source: systemd src/shared/tpm2-util.c, tpm2_make_luks2_json(), tpm2_parse_luks2_json() */
#ifndef HOLDFAST_USERSPACE_LUKS2_TOKEN_H
#define HOLDFAST_USERSPACE_LUKS2_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

#define TPM2_TOKEN_TYPE     "systemd-tpm2"
#define TPM2_TOKEN_SHARDS   2 /* the secret is the concatenation of theirs */
#define TPM2_TOKEN_BLOB     1024
#define TPM2_TOKEN_PUBKEY   2048
#define TPM2_TOKEN_KEYSLOTS 32

struct tpm2_token_bytes {
	uint8_t bytes[TPM2_TOKEN_PUBKEY];
	size_t len; /* 0: not there */
};

/* Names with "-" are of the first generation, names with "_" of the second. */
struct tpm2_token {
	unsigned keyslot;
	struct tpm2_token_bytes blob[TPM2_TOKEN_SHARDS]; /* TPM2B_PRIVATE, TPM2B_PUBLIC [, seed] */
	struct tpm2_token_bytes policy[TPM2_TOKEN_SHARDS]; /* policy digest of each */
	unsigned shards, policies;                         /* as many, or one policy */
	uint32_t pcrs;                                     /* mask, bound by value */
	char bank[8];                                      /* "" not said: "sha1" … "sha512" */
	char primary[4];                                   /* "" not said; "ecc", "rsa" */
	bool pin;
	uint32_t pubkey_pcrs; /* mask, bound by a signature */
	struct tpm2_token_bytes pubkey, salt, srk, pcrlock_nv;
	bool pcrlock;
	char unknown[32]; /* name of the unknown member for which it was refused, made printable */
};

/* Decodes the JSON of one token. -EUCLEAN with *@ret_why (static text): malformed, or with an
 * unknown member, which may be a condition; -ENOMEM. Silent. */
int tpm2_token_decode(const char *json, size_t len, struct tpm2_token *ret, const char **ret_why);
/* Writes a token as systemd 252 does, then the members of newer versions that @t has. */
void tpm2_token_encode(const struct tpm2_token *t, struct text *to);
/* The JSON of a header with @token (a JSON object) in place of the token of the same type for the
 * same keyslot; if there is none, after the others. 0, -EUCLEAN, -ENOMEM. Silent. */
int luks2_json_set_token(const char *header_json, unsigned keyslot, const char *token,
			 struct text *ret);
/* Token @number of the JSON of a header, as text; @type NULL: of any type. 0, -ENOENT,
 * -ENOMEM. Silent. */
int luks2_json_token(const char *header_json, unsigned number, const char *type, struct text *ret);

#endif
