/* SPDX-License-Identifier: Apache-2.0 */
/* Telling of keys: which there are, what guards them, and every way to the contents of a volume.
 * Nothing is unsealed. */
#ifndef HOLDFAST_KEYRING_WAYS_H
#define HOLDFAST_KEYRING_WAYS_H

#include "keyring/escrow.h"
#include "model/key.h"

struct keyring;

/* A line of `key list`. */
struct keyring_entry {
	const char *volume, *keystore;
	const struct layer *layer; /* NULL: the layout has no such layer */
	enum key_purpose purpose;
	uint32_t bytes;
};
/* The first @max, and how many these are. */
size_t keyring_list(const struct keyring *ring, struct keyring_entry *ret, size_t max);
/* The keystore's own words for its sealed secret. */
void keyring_describe(const struct keyring *ring, const struct keystore *keystore, struct text *to);

enum way_kind {
	WAY_KEYSTORE,
	WAY_RECOVERY, /* a recovery key that this device can print, with a keyslot */
	WAY_SYSTEMD,  /* a keyslot whose passphrase a TPM unseals for systemd-cryptsetup */
	WAY_ESCROW,   /* somebody has proved to have the recovery key */
	WAY_ESCROW_WAITING,
	WAY_UNKNOWN, /* the part of the medium that would have one cannot be read */
	WAY_FOREIGN, /* on the medium, not in the vault: keyslots that others added */
};
struct way_in {
	enum way_kind kind;
	const char *volume, *keystore;     /* keystore "": of none */
	unsigned number;                   /* WAY_FOREIGN: how many there are */
	uint8_t nonce[ESCROW_NONCE_BYTES]; /* of an escrow */
};
const char *way_name(enum way_kind kind);  /* one word, for scripts */
const char *way_words(enum way_kind kind); /* a sentence without full stop */
/* The ways of the vault into volume @name, or into all if NULL; the first @max, and how many these
 * are. */
size_t keyring_ways_in(const struct keyring *ring, const char *name, struct way_in *ret,
		       size_t max);
/* What erasing @keystore is worth if these are all @n @ways: the weakest one into any of its
 * volumes counts. */
enum erase_strength keyring_erase_strength(const struct keyring *ring,
					   const struct keystore *keystore,
					   const struct way_in *ways, size_t n);

#endif
