/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the vault's keys share. */
#ifndef HOLDFAST_VAULT_KEYS_PRIVATE_H
#define HOLDFAST_VAULT_KEYS_PRIVATE_H

#include "base/array.h"
#include "base/cleanup.h"
#include "crypto/aead.h"
#include "vault/keys.h"
#include "vault/vault-private.h"

#define KEK_BYTES      32
#define KEYS_FOR_BYTES (SHA256_BYTES + 8) /* plan digest, le64 generation of the journal */

/* A keystore's secret: in the vault as its blob, in memory once it was unsealed. */
struct sealed {
	const struct keystore *keystore;
	uint8_t *blob;
	size_t blob_len;
	struct secret *secret, *kek, *mac_key; /* NULL: not unsealed */
	struct keystore_session *session;      /* NULL: not begun, or no hardware */
	bool loaded;                           /* by reference: no secret, the kernel has it */
};

struct wrapped {
	struct vault_key_item item;
	struct secret *key; /* NULL: not unwrapped */
};

/* A key that only the kernel has. */
struct referred {
	struct vault_key_blob_item item; /* but for its blob: */
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

struct vault_keys {
	struct keys keys; /* first: what env->keys is */
	const struct layout *layout;
	struct env *env;
	struct sealed sealed[KEYSTORES_MAX];
	size_t n_sealed;
	ARRAY(struct wrapped) wrapped;
	ARRAY(struct referred) referred;
	ARRAY(struct escrow) escrows;
	uint8_t keys_for[KEYS_FOR_BYTES];
	uint8_t *payload; /* the device part that they were read from; NULL: drawn here */
	size_t payload_len;
	struct vault_copy_header header; /* of the copy that it stands in */
};

struct vault_keys *vault_keys_new(const struct layout *layout, struct env *env);

/* keys.c */

struct sealed *vault_keys_find_sealed(struct vault_keys *k, const char *name);
int vault_keys_add_sealed(struct vault_keys *k, const struct keystore *keystore,
			  struct sealed **ret);
int vault_keys_unlock_one(struct vault_keys *k, struct sealed *s);
/* Draws a device secret; what hung from the old one has to be wrapped anew. */
int vault_keys_seal_new(struct vault_keys *k, struct sealed *s, bool next);
/* Opens every key that is not open yet, has each keystore sealed anew by @seal, and wraps all keys
 * under what that gave. */
int vault_keys_seal_all(struct vault_keys *k, int (*seal)(struct vault_keys *k, struct sealed *s));
int vault_keys_unwrap(const struct sealed *s, struct wrapped *w);
int vault_keys_wrap(struct vault_keys *k, const struct sealed *s, struct wrapped *w);

/* keys-interface.c */

extern const struct keys vault_keys_given;
/* From the bottom of its volume; -1: it is in none. */
int vault_keys_layer_index(const struct layer *l);

/* keys-escrow.c */

bool escrow_is_of(const struct escrow *e, const struct volume *v);
int escrow_receipt_digest(const struct secret *key, const char *volume, const uint8_t *nonce,
			  uint8_t ret[static 32]);
/* The recovery key of @v that the device itself can print, or NULL. */
struct wrapped *escrow_find_recovery(struct vault_keys *k, const struct volume *v);
struct wrapping {
	struct aead *aead;
	uint8_t nonce[VAULT_NONCE_BYTES];
	uint8_t records[SHA256_BYTES]; /* what the vault says of the volume */
};
int escrow_wrapping_start(const struct volume *v, const struct secret *key, const uint8_t *nonce,
			  struct wrapping *w);
void escrow_wrapping_stop(struct wrapping *w);
/* What a key in escrow is bound to. */
void escrow_associate(const struct wrapping *w, const struct vault_key_item *item, struct text *to);
int vault_keys_read_escrow(struct vault_keys *k, const struct vault_item *item);
void vault_keys_encode_escrows(const struct vault_keys *k, struct text *to);

/* keys-record.c */

/* Appends sealed secrets, wrapped keys and the MACs over all of @to. */
int vault_keys_encode(struct vault_keys *k, struct text *to);
/* Whether it has a MAC of @s, who was sealed or unsealed. */
bool vault_keys_have_mac(const struct sealed *s);
int vault_keys_check_mac(const struct vault_keys *k, const struct sealed *s);

/* keys-reference.c */

struct referred *vault_keys_find_reference(struct vault_keys *k, const struct layer *l,
					   unsigned layer, enum key_purpose purpose);
/* @s has been sealed. */
int vault_keys_draw_reference(struct vault_keys *k, const struct sealed *s, const struct layer *l,
			      unsigned layer, enum key_purpose purpose);
/* @s has been unsealed. */
int vault_keys_load_reference(const struct sealed *s, struct referred *w,
			      struct key_reference *ret);
/* From under what @s had sealed to what it has sealed now. All were loaded. */
int vault_keys_rewrap_references(struct vault_keys *k, const struct sealed *s);
bool vault_keys_forget_references(struct vault_keys *k, const struct volume *volume);
void vault_keys_encode_references(const struct vault_keys *k, struct text *to);
int vault_keys_read_reference(struct vault_keys *k, const struct vault_item *item);
void vault_keys_free_references(struct vault_keys *k);

/* keys-anchor.c */

/* Begins *@session with its hardware, if that has not been done. */
int vault_keys_reach(const struct sealed *s, struct env *env, struct keystore_session **session);
/* The device part that @k was read from is the one that the hardware names: -ESTALE where not. */
int vault_keys_check_anchor(struct vault_keys *k, struct sealed *s);
/* A copy with @h is durable: the hardware takes it for the true one from here on, and what was
 * sealed before is dead where it was sealed anew. */
int vault_keys_anchor(struct vault_keys *k, const struct vault_copy_header *h);

#endif
