/* SPDX-License-Identifier: Apache-2.0 */
/* Escrow: volume keys in the vault under a recovery key that somebody else keeps. */
#ifndef HOLDFAST_KEYRING_ESCROW_H
#define HOLDFAST_KEYRING_ESCROW_H

#include "base/modhex.h"
#include "base/secret.h"
#include "crypto/digest.h"
#include "format/vault.h"
#include "model/layout.h"

/*
 * The recovery key K is 32 bytes: the volume's own one if it has one (of a LUKS2 keyslot), else
 * drawn. The keys of the volume are wrapped under HKDF(K, nonce) and bound to the vault's records
 * of the volume and of the keystores. K itself is not kept.
 *
 * The receipt proves that somebody has K: HMAC-SHA256, its key K in words (modhex, 71 characters),
 * over "holdfast-escrow-receipt 1 NONCE VOLUME", NONCE in hexadecimal.
 */
#define ESCROW_KEY_BYTES     MODHEX_KEY_BYTES
#define ESCROW_NONCE_BYTES   32
#define ESCROW_RECEIPT_BYTES 32
#define ESCROW_MESSAGE_SIZE  160

struct keyring;

/* Adds an escrow of @v that waits for its receipt, and drops one that waited before; a confirmed
 * one stays. In memory until keyring_commit(). Failures are reported. */
int keyring_escrow_add(struct keyring *ring, const struct volume *v, struct secret **ret_key,
		       uint8_t ret_nonce[static ESCROW_NONCE_BYTES]);
/* What the receipt is computed over. */
void keyring_escrow_message(const char *volume, const uint8_t nonce[static ESCROW_NONCE_BYTES],
			    char ret[static ESCROW_MESSAGE_SIZE]);
/* Confirms the escrow of @v that @receipt belongs to, and drops the others. 1; 0 if it was
 * confirmed before; HF-KEY-WRONG if @receipt belongs to none. */
int keyring_escrow_confirm(struct keyring *ring, const struct volume *v,
			   const uint8_t receipt[static ESCROW_RECEIPT_BYTES]);
/* Drops all escrows of @v, or those that wait for their receipt. */
void keyring_escrow_drop(struct keyring *ring, const struct volume *v, bool waiting_only);
/* Drops the recovery key of @v that the device itself keeps. 1, or 0 if there is none. */
int keyring_drop_recovery(struct keyring *ring, const struct volume *v);

/* --- for lib/keyring --- */

struct escrow;
bool escrow_is_of(const struct escrow *e, const struct volume *v);
/* The digest by which the receipt that @key makes is recognised. */
int escrow_receipt_digest(const struct secret *key, const char *volume, const uint8_t *nonce,
			  uint8_t ret[static 32]);
/* The recovery key of @v that the device keeps, or NULL. */
struct wrapped *escrow_find_recovery(struct keyring *ring, const struct volume *v);

struct wrapping {
	struct aead *aead;
	uint8_t nonce[ESCROW_NONCE_BYTES];
	uint8_t records[SHA256_BYTES]; /* device_part_digest() */
};
/* @w is zeroed before. */
int escrow_wrapping_start(const struct volume *v, const struct secret *key, const uint8_t *nonce,
			  struct wrapping *w);
void escrow_wrapping_stop(struct wrapping *w);
/* Appends the associated data of a key in escrow. */
void escrow_associate(const struct wrapping *w, const struct vault_key_item *item, struct text *to);

/* -EINVAL, not reported: @item is no such record. */
int keyring_decode_escrow(struct keyring *ring, const struct vault_item *item);
void keyring_encode_escrows(const struct keyring *ring, struct text *to);

#endif
