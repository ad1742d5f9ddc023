/* SPDX-License-Identifier: Apache-2.0 */
/* Escrow: volume keys that also stand in the vault under a recovery key which somebody else keeps.
 */
#ifndef HOLDFAST_VAULT_ESCROW_H
#define HOLDFAST_VAULT_ESCROW_H

#include "base/modhex.h"
#include "vault/keys.h"

/*
 * The recovery key K is 32 bytes: the volume's own one where it has one (a LUKS2 keyslot's), else
 * drawn. The keys of the volume are wrapped under HKDF(K, device nonce), and bound to what the
 * vault says of the volume and of the keystores. K itself is not kept.
 *
 * The receipt proves that somebody has K: HMAC-SHA256 with K in words (modhex, 71 characters) as
 * key, over "holdfast-escrow-receipt 1 NONCE VOLUME", NONCE in hexadecimal.
 */
#define ESCROW_KEY_BYTES     MODHEX_KEY_BYTES
#define ESCROW_NONCE_BYTES   32
#define ESCROW_RECEIPT_BYTES 32
#define ESCROW_MESSAGE_SIZE  160

/* Adds an escrow of @v that waits for its receipt, and drops one that waited before; one that was
 * confirmed stays. Held in memory until vault_commit_layout(). Speaks. */
int vault_escrow_add(struct vault_keys *k, const struct volume *v, struct secret **ret_key,
		     uint8_t ret_nonce[static ESCROW_NONCE_BYTES]);
/* What the receipt is computed over. */
void vault_escrow_message(const char *volume, const uint8_t nonce[static ESCROW_NONCE_BYTES],
			  char ret[static ESCROW_MESSAGE_SIZE]);
/* HF-KEY-WRONG: it is of no escrow of @v. Else that one is confirmed from here on, and others are
 * dropped. 1; 0: it was confirmed before, and nothing changes. */
int vault_escrow_confirm(struct vault_keys *k, const struct volume *v,
			 const uint8_t receipt[static ESCROW_RECEIPT_BYTES]);
/* All escrows of @v, or those that wait for their receipt. */
void vault_escrow_drop(struct vault_keys *k, const struct volume *v, bool waiting_only);
/* Drops the recovery key of @v: it stands in an escrow. 1, or 0 where there was none. */
int vault_escrow_drop_recovery(struct vault_keys *k, const struct volume *v);

/* The keys of @v, out of its escrow. Nothing was unsealed for that, nothing else is authenticated.
 * HF-KEY-WRONG; HF-TAMPERED where the key is right and the records were changed. */
int vault_escrow_take(struct vault_keys *k, const struct volume *v, const struct secret *key);
/* After vault_escrow_take() of each: new device secrets for the hardware that is here. Keystores
 * that hold other keys are unsealed for that; where that fails those keys are lost: *@ret_lost
 * names their volumes, and where @lose is not set, HF-KEY-MISSING. Volumes that lost their keys are
 * marked in @layout. Held in memory until vault_commit_layout(). */
int vault_escrow_reseal(struct vault_keys *k, struct layout *layout, bool lose,
			struct text *ret_lost);

/* Every way to the contents of a volume. */
enum way_kind {
	WAY_KEYSTORE,
	WAY_RECOVERY, /* a recovery key that this device can print, with a keyslot */
	WAY_SYSTEMD,  /* a keyslot whose passphrase a TPM unseals for systemd-cryptsetup */
	WAY_ESCROW,   /* somebody has proved to have the recovery key */
	WAY_ESCROW_WAITING,
	WAY_UNKNOWN, /* where the medium would have one cannot be read */
	WAY_FOREIGN, /* the medium has it and the vault does not: keyslots that others added */
};
struct way_in {
	enum way_kind kind;
	const char *volume, *keystore;     /* keystore "": of none */
	unsigned number;                   /* WAY_FOREIGN: how many there are */
	uint8_t nonce[ESCROW_NONCE_BYTES]; /* of an escrow */
};
const char *way_name(enum way_kind kind);  /* one word, for scripts */
const char *way_words(enum way_kind kind); /* a sentence without full stop */
/* Those that the vault has, of volume @name, or of all where it is NULL; the first @max, and how
 * many that are. Needs nothing to be unsealed. */
size_t vault_ways_in(const struct vault_keys *k, const char *name, struct way_in *ret, size_t max);
/* What erasing @keystore is worth where these are all @n @ways: the weakest one into any of its
 * volumes counts. */
enum erase_strength vault_keys_strength(const struct vault_keys *k, const struct keystore *keystore,
					const struct way_in *ways, size_t n);

#endif
