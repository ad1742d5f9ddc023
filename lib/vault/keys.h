/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of a device: sealed secrets and wrapped volume keys in the device part, and its MAC. */
#ifndef HOLDFAST_VAULT_KEYS_H
#define HOLDFAST_VAULT_KEYS_H

#include "model/key.h"
#include "vault/vault.h"

/*
 * Each keystore has a device secret S, which it seals. From S: the KEK that wraps the volume keys
 * (random, AES-256-GCM, named by keystore, volume and layer) and the key of the device part's MAC.
 */
struct vault_keys;

/* Draws secrets and volume keys for every keyed volume of @layout that is to be made, and has them
 * sealed; they are for the plan that was begun in @v. @layout outlives it. Speaks. */
int vault_keys_draw(const struct vault *v, const struct layout *layout, struct env *env,
		    struct vault_keys **ret);
/* What stands in the device part of @v: 1, 0 when it has no keys, -errno. Nothing is unsealed yet.
 * @layout (outlives it) is the one that vault_read_layout() made, or one that is being laid out. */
int vault_keys_read(const struct vault *v, const struct layout *layout, struct env *env,
		    struct vault_keys **ret);
struct vault_keys *vault_keys_free(struct vault_keys *k);
void vault_keys_freep(struct vault_keys **k);
#define _cleanup_vault_keys_ __attribute__((cleanup(vault_keys_freep)))

/* For env->keys. The first key that a keystore guards unseals that keystore and checks the MAC of
 * the device part: HF-TAMPERED, naming the record, when something in it was changed. */
struct keys *vault_keys_interface(struct vault_keys *k);
/* Unseals the keystores that @volumes need, or all where @n is 0: opening begins with it. */
int vault_keys_unlock(struct vault_keys *k, struct volume *const *volumes, size_t n);
/* The device part is the one that the hardware names; asks for no PIN, unseals nothing. 1, or 0
 * where no keystore of these keys keeps such a record. */
int vault_keys_check_anchors(struct vault_keys *k);
/* Has the hardware of what was unsealed give no more until the next boot. Speaks. */
int vault_keys_lock(struct vault_keys *k);
/* Is something sealed that was made where the hardware was not? It must be sealed anew, by
 * vault_keys_rotate(), before anything else is done with it. */
bool vault_keys_sealed_elsewhere(const struct vault_keys *k);
/* Whether they were drawn for the plan that was begun last in @v, and not for the same one that
 * was begun before it. */
bool vault_keys_are_for(const struct vault_keys *k, const struct vault *v);

/* Makes them durable before anything is encrypted with them: the device part that stands there
 * keeps its other records when @keep. */
int vault_keys_commit_early(struct vault *v, struct vault_keys *k, bool keep);

/* Has the hardware of @keystore made ready for another boot policy, as at provisioning: the next
 * commit may bind its record of the vault to that. Speaks. */
int vault_keys_prepare(struct vault_keys *k, const struct keystore *keystore);
/* New device secrets, sealed anew (the keystore may ask for a new passphrase); volume keys stay.
 * Held in memory until vault_commit_layout(). */
int vault_keys_rotate(struct vault_keys *k);
/* Where the two copies differ, after a cut, hardware says which one counts: 1 when that is another
 * one than before. What cannot be asked is left as it is. Silent. */
int vault_choose_copy(struct vault *v, const struct layout *layout, struct env *env);
/* Drops the keys of @volume; rotate afterwards, or the old secret still opens an old copy. */
int vault_keys_forget(struct vault_keys *k, const struct volume *volume);

/* One line of `key list`. */
struct vault_key_info {
	const char *volume, *keystore;
	const struct layer *layer; /* NULL: the layout has no such layer */
	enum key_purpose purpose;
	uint32_t bytes;
};
size_t vault_keys_list(const struct vault_keys *k, struct vault_key_info *ret, size_t max);
/* How the device part that was read stands to the hardware's record. */
enum vault_standing {
	VAULT_NAMED,
	VAULT_EARLIER, /* an old state of the medium was put back */
	VAULT_OTHER,
	VAULT_UNRECORDED, /* there is no record, or no hardware that keeps one */
};
/* What the hardware of @keystore says: needs no PIN. Speaks. */
int vault_keys_state(struct vault_keys *k, const struct keystore *keystore,
		     struct keystore_state *ret, enum vault_standing *ret_standing);
/* The keystore's own words for its sealed secret. */
void vault_keys_describe(const struct vault_keys *k, const struct keystore *keystore,
			 struct text *to);

#endif
