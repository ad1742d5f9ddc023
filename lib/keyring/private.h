/* SPDX-License-Identifier: Apache-2.0 */
/* A keyring in memory, as the files of lib/keyring see it. */
#ifndef HOLDFAST_KEYRING_PRIVATE_H
#define HOLDFAST_KEYRING_PRIVATE_H

#include "base/array.h"
#include "base/cleanup.h"
#include "format/vault.h"
#include "keyring/keyring.h"
#include "model/key.h"
#include "vault/copies.h"

#define KEK_BYTES      32
#define KEYS_FOR_BYTES (SHA256_BYTES + 8) /* plan digest, le64 generation of the journal */

/* The device secret of a keystore: its blob is in the vault, the rest in memory once unsealed. */
struct sealed {
	const struct keystore *keystore;
	uint8_t *blob;
	size_t blob_len;
	struct secret *secret, *kek, *mac_key; /* NULL: not unsealed */
	struct keystore_session *session;      /* NULL: not begun, or no hardware */
	bool loaded;       /* unsealed without a secret: only the kernel has it */
	uint64_t rotation; /* R that the blob was just sealed for; 0: not sealed by this run */
};

/* A volume key, wrapped under the KEK of its keystore. */
struct wrapped {
	struct vault_key_item item;
	struct secret *key; /* NULL: not unwrapped */
};

/* A volume key that only the kernel has. */
struct referred {
	struct vault_key_blob_item item; /* its blob is NULL; see: */
	uint8_t *blob;
	struct key_reference ref; /* once it was loaded */
};

/* Keys of a volume, wrapped under a recovery key that somebody else keeps. */
#define ESCROW_KEYS_MAX 8
struct escrow {
	struct vault_escrow_item item;
	struct vault_key_item keys[ESCROW_KEYS_MAX];
	size_t n_keys;
};

struct keyring {
	struct keys keys; /* what keyring_keys() gives */
	const struct layout *layout;
	struct env *env;
	bool may_count;    /* keyring_allow_counting() */
	bool accept_vault; /* restoring: whatever the hardware names */
	struct sealed sealed[KEYSTORES_MAX];
	size_t n_sealed;
	ARRAY(struct wrapped) wrapped;
	ARRAY(struct referred) referred;
	ARRAY(struct escrow) escrows;
	uint8_t keys_for[KEYS_FOR_BYTES];
	/* The device part that the keys were read from; NULL, 0: they were drawn. */
	uint8_t *payload;
	size_t payload_len;
	struct vault_commit_id id;
};

struct keyring *keyring_new(const struct layout *layout, struct env *env); /* NULL: no memory */
struct sealed *keyring_find_sealed(struct keyring *ring, const char *keystore); /* or NULL */
/* The one of @keystore, added if there is none. */
int keyring_add_sealed(struct keyring *ring, const struct keystore *keystore, struct sealed **ret);
/* Of @l in its volume, from the bottom; -1: it is in none. */
int keyring_layer_index(const struct layer *l);

#endif
