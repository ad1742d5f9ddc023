/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of a device: drawn, wrapped, sealed, read back, unsealed once, rotated, forgotten. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/endian.h"
#include "crypto/kdf.h"
#include "vault/escrow.h"
#include "vault/keys-private.h"

/* --- one keystore --- */

static int derive(const struct sealed *s, const char *purpose, struct secret **ret)
{
	const struct kdf_field info[] = {
	    {purpose, strlen(purpose)},
	    {s->keystore->name, strlen(s->keystore->name)},
	};
	_cleanup_secret_ struct secret *out = NULL;
	int r = secret_new(KEK_BYTES, &out);

	if (r >= 0)
		r = kdf_hkdf(secret_bytes(s->secret), secret_len(s->secret), info, 2,
			     secret_bytes(out), secret_len(out));
	if (r >= 0)
		*ret = TAKE(out);
	return r;
}

/* The device secret becomes known: what hangs from it, too. */
static int take_secret(struct sealed *s, struct secret *secret)
{
	int r;

	s->secret = secret_free(s->secret);
	s->kek = secret_free(s->kek);
	s->mac_key = secret_free(s->mac_key);
	s->secret = secret;
	s->loaded = !secret;
	if (!secret)
		return 0;
	r = derive(s, "holdfast 1 KEK", &s->kek);
	return r < 0 ? r : derive(s, "holdfast 1 device part MAC", &s->mac_key);
}

int vault_keys_seal_new(struct vault_keys *k, struct sealed *s, bool next)
{
	_cleanup_secret_ struct secret *secret = NULL;
	_cleanup_text_ struct text blob = {0};
	DIAG_SCOPE("keystore %s", s->keystore->name);
	int r = vault_keys_reach(s, k->env, &s->session);

	if (r >= 0)
		r = s->keystore->ops->seal(s->keystore, s->session, k->env, next, &secret, &blob);

	if (r >= 0 && blob.failed)
		r = diag_no_memory();
	if (r < 0)
		return r;
	free(s->blob);
	s->blob_len = blob.len;
	s->blob = (uint8_t *)TAKE(blob.s);
	return take_secret(s, TAKE(secret));
}

/* Unseals it, if that has not been done, and believes the device part only then. */
int vault_keys_unlock_one(struct vault_keys *k, struct sealed *s)
{
	struct secret *secret = NULL;
	DIAG_SCOPE("keystore %s", s->keystore->name);
	int r;

	if (s->secret || s->loaded)
		return 0;
	r = vault_keys_check_anchor(k, s);
	if (r >= 0)
		r = s->keystore->ops->unseal(s->keystore, s->session, k->env, s->blob, s->blob_len,
					     &secret);
	if (r < 0)
		return r;
	r = take_secret(s, secret);
	if (r >= 0 && k->payload && vault_keys_have_mac(s))
		r = vault_keys_check_mac(k, s);
	if (r < 0) {
		s->secret = secret_free(s->secret);
		s->loaded = false;
	}
	return r;
}

struct sealed *vault_keys_find_sealed(struct vault_keys *k, const char *name)
{
	for (size_t i = 0; i < k->n_sealed; i++) {
		if (strcmp(k->sealed[i].keystore->name, name) == 0)
			return &k->sealed[i];
	}
	return NULL;
}

/* --- one volume key --- */

/* What a wrapped key is bound to; a record that stands in another's place does not unwrap. */
static void associate(const struct vault_key_item *item, struct text *to)
{
	const uint8_t numbers[] = {(uint8_t)item->layer, (uint8_t)item->purpose,
				   (uint8_t)item->len};

	text_add_bytes(to, "holdfast volume key 1", 22);
	text_add_bytes(to, item->keystore, strlen(item->keystore) + 1);
	text_add_bytes(to, item->volume, strlen(item->volume) + 1);
	text_add_bytes(to, numbers, sizeof(numbers));
}

int vault_keys_wrap(struct vault_keys *k, const struct sealed *s, struct wrapped *w)
{
	_cleanup_aead_ struct aead *aead = NULL;
	_cleanup_text_ struct text ad = {0};
	int r = aead_new("aes-gcm", secret_bytes(s->kek), secret_len(s->kek), &aead);

	associate(&w->item, &ad);
	if (r >= 0 && ad.failed)
		r = diag_no_memory();
	if (r >= 0)
		r = k->env->random(w->item.nonce, sizeof(w->item.nonce));
	if (r < 0)
		return r;
	r = aead_encrypt(aead, w->item.nonce, ad.s, ad.len, secret_bytes(w->key), w->item.len,
			 w->item.wrapped, w->item.tag);
	return r < 0 ? diag_fail(DIAG_INTERNAL, EIO, "a key cannot be wrapped") : 0;
}

int vault_keys_unwrap(const struct sealed *s, struct wrapped *w)
{
	_cleanup_aead_ struct aead *aead = NULL;
	_cleanup_secret_ struct secret *key = NULL;
	_cleanup_text_ struct text ad = {0};
	int r;

	if (!s || !s->kek)
		return diag_fail(DIAG_TAMPERED, EUCLEAN,
				 "the vault's key record of volume %s names a keystore that wraps "
				 "no keys",
				 w->item.volume);
	r = aead_new("aes-gcm", secret_bytes(s->kek), secret_len(s->kek), &aead);

	associate(&w->item, &ad);
	if (r >= 0 && ad.failed)
		r = diag_no_memory();
	if (r >= 0)
		r = secret_new(w->item.len, &key);
	if (r < 0)
		return r;
	r = aead_decrypt(aead, w->item.nonce, ad.s, ad.len, w->item.wrapped, w->item.len,
			 secret_bytes(key), w->item.tag);
	if (r < 0)
		return diag_fail(DIAG_TAMPERED, EUCLEAN,
				 "the vault's key record of volume %s, layer %u, was changed or "
				 "stood elsewhere",
				 w->item.volume, w->item.layer);
	w->key = TAKE(key);
	return 0;
}

/* --- all of them --- */

struct vault_keys *vault_keys_new(const struct layout *layout, struct env *env)
{
	struct vault_keys *k = calloc(1, sizeof(*k));

	if (!k) {
		diag_no_memory();
		return NULL;
	}
	k->keys = vault_keys_given;
	k->layout = layout;
	k->env = env;
	return k;
}

struct vault_keys *vault_keys_free(struct vault_keys *k)
{
	if (!k)
		return NULL;
	for (size_t i = 0; i < k->n_sealed; i++) {
		struct sealed *s = &k->sealed[i];

		secret_free(s->secret);
		secret_free(s->kek);
		secret_free(s->mac_key);
		free(s->blob);
		if (s->keystore->ops->end)
			s->keystore->ops->end(s->session);
	}
	array_each (w, &k->wrapped)
		secret_free(w->key);
	array_free(&k->wrapped);
	array_free(&k->escrows);
	vault_keys_free_references(k);
	free(k->payload);
	free(k);
	return NULL;
}

void vault_keys_freep(struct vault_keys **k)
{
	vault_keys_free(*k);
}

int vault_keys_add_sealed(struct vault_keys *k, const struct keystore *keystore,
			  struct sealed **ret)
{
	*ret = vault_keys_find_sealed(k, keystore->name);
	if (*ret)
		return 0;
	if (k->n_sealed == KEYSTORES_MAX)
		return diag_fail(DIAG_INTERNAL, E2BIG, "too many keystores");
	*ret = &k->sealed[k->n_sealed++];
	(*ret)->keystore = keystore;
	return 0;
}

/* Hardware that served an earlier life of the device: what that sealed shall never open again. */
static int seal_first(struct vault_keys *k, struct sealed *s)
{
	const struct keystore_ops *ops = s->keystore->ops;
	int r = vault_keys_reach(s, k->env, &s->session), used = 0;

	if (r >= 0 && ops->used)
		r = used = ops->used(s->keystore, s->session, k->env);
	if (r >= 0 && ops->prepare)
		r = ops->prepare(s->keystore, s->session, k->env);
	if (r >= 0 && used)
		r = ops->count_erase(s->keystore, s->session, k->env);
	return r < 0 ? r : vault_keys_seal_new(k, s, false);
}

static int draw_key(struct vault_keys *k, const struct layer *l, enum key_purpose purpose)
{
	const struct keystore *keystore = layer_keystore(l);
	struct wrapped w = {.item.layer = (uint32_t)vault_keys_layer_index(l),
			    .item.purpose = purpose,
			    .item.len = (uint32_t)layer_key_bytes(l, purpose)};
	struct sealed *s;
	int r = vault_keys_add_sealed(k, keystore, &s);

	if (r >= 0 && w.item.len > VAULT_WRAPPED_MAX)
		r = diag_fail(DIAG_INTERNAL, E2BIG, "a key of %u bytes", w.item.len);
	if (r >= 0 && !s->secret && !s->loaded)
		r = seal_first(k, s);
	if (r >= 0 && keystore->ops->references)
		return vault_keys_draw_reference(k, s, l, w.item.layer, purpose);
	if (r >= 0)
		r = secret_new(w.item.len, &w.key);
	if (r < 0)
		return r;
	snprintf(w.item.keystore, sizeof(w.item.keystore), "%s", keystore->name);
	snprintf(w.item.volume, sizeof(w.item.volume), "%s", l->volume->full_name);
	r = k->env->random(secret_bytes(w.key), w.item.len);
	if (r >= 0)
		r = vault_keys_wrap(k, s, &w);
	if (r >= 0 && array_add(&k->wrapped, w) < 0)
		r = diag_no_memory();
	if (r < 0)
		secret_free(w.key);
	return r;
}

static int draw_keys(struct vault_keys *k, const struct layer *l)
{
	int r = 0;

	for (int purpose = 0; purpose < KEY_PURPOSES && r >= 0; purpose++) {
		if (layer_key_bytes(l, (enum key_purpose)purpose))
			r = draw_key(k, l, (enum key_purpose)purpose);
	}
	return r;
}

static void identify_plan(const struct vault *v, uint8_t ret[static KEYS_FOR_BYTES])
{
	const le64_t generation = le64_make(v->plan.generation);

	memcpy(ret, v->plan.plan_digest, SHA256_BYTES);
	memcpy(ret + SHA256_BYTES, &generation, sizeof(generation));
}

int vault_keys_draw(const struct vault *v, const struct layout *layout, struct env *env,
		    struct vault_keys **ret)
{
	_cleanup_vault_keys_ struct vault_keys *k = vault_keys_new(layout, env);
	int r = k ? 0 : -ENOMEM;

	if (k)
		identify_plan(v, k->keys_for);
	for (size_t i = 0; i < layout->n_volumes && r >= 0; i++) {
		const struct volume *volume = layout->volumes[i];

		for (size_t j = 0; j < volume->n_layers && !volume->reserved && r >= 0; j++)
			r = draw_keys(k, volume->layers[j]);
	}
	if (r >= 0)
		*ret = TAKE(k);
	return r;
}

bool vault_keys_are_for(const struct vault_keys *k, const struct vault *v)
{
	uint8_t begun[KEYS_FOR_BYTES];

	identify_plan(v, begun);
	return memcmp(k->keys_for, begun, sizeof(begun)) == 0;
}

int vault_keys_lock(struct vault_keys *k)
{
	int r = 0;

	for (size_t i = 0; i < k->n_sealed && r >= 0; i++) {
		struct sealed *s = &k->sealed[i];
		DIAG_SCOPE("keystore %s", s->keystore->name);

		if (s->secret && s->keystore->ops->lock)
			r = s->keystore->ops->lock(s->keystore, s->session, k->env);
	}
	return r;
}

int vault_keys_seal_all(struct vault_keys *k, int (*seal)(struct vault_keys *k, struct sealed *s))
{
	int r = 0;

	array_each (w, &k->wrapped) {
		if (r >= 0 && !w->key)
			r = vault_keys_unwrap(vault_keys_find_sealed(k, w->item.keystore), w);
	}
	array_each (f, &k->referred) {
		struct key_reference ref;

		if (r >= 0)
			r = vault_keys_load_reference(vault_keys_find_sealed(k, f->item.keystore),
						      f, &ref);
	}
	for (size_t i = 0; i < k->n_sealed && r >= 0; i++) {
		r = seal(k, &k->sealed[i]);
		if (r >= 0)
			r = vault_keys_rewrap_references(k, &k->sealed[i]);
	}
	array_each (w, &k->wrapped) {
		if (r >= 0)
			r = vault_keys_wrap(k, vault_keys_find_sealed(k, w->item.keystore), w);
	}
	return r;
}

static int seal_next(struct vault_keys *k, struct sealed *s)
{
	return vault_keys_seal_new(k, s, true);
}

int vault_keys_rotate(struct vault_keys *k)
{
	int r = vault_keys_unlock(k, NULL, 0);

	return r < 0 ? r : vault_keys_seal_all(k, seal_next);
}

int vault_keys_forget(struct vault_keys *k, const struct volume *volume)
{
	size_t kept = 0, before = k->wrapped.n;

	for (size_t i = 0; i < before; i++) {
		struct wrapped *w = &k->wrapped.v[i];

		if (strcmp(w->item.volume, volume->full_name) == 0)
			secret_free(w->key);
		else
			k->wrapped.v[kept++] = *w;
	}
	k->wrapped.n = kept;
	vault_escrow_drop(k, volume, false);
	if (vault_keys_forget_references(k, volume) || kept < before)
		return 0;
	return diag_fail(DIAG_KEY_MISSING, ENOKEY, "the vault has no key of volume %s",
			 volume->full_name);
}

size_t vault_keys_list(const struct vault_keys *k, struct vault_key_info *ret, size_t max)
{
	size_t n = 0;

	array_each (w, &k->wrapped) {
		const struct volume *v = layout_volume(k->layout, w->item.volume);

		if (n == max)
			break;
		ret[n++] = (struct vault_key_info){
		    .volume = w->item.volume,
		    .keystore = w->item.keystore,
		    .layer = v && w->item.layer < v->n_layers ? v->layers[w->item.layer] : NULL,
		    .purpose = (enum key_purpose)w->item.purpose,
		    .bytes = w->item.len,
		};
	}
	array_each (f, &k->referred) {
		const struct volume *v = layout_volume(k->layout, f->item.volume);

		if (n == max)
			break;
		ret[n++] = (struct vault_key_info){
		    .volume = f->item.volume,
		    .keystore = f->item.keystore,
		    .layer = v && f->item.layer < v->n_layers ? v->layers[f->item.layer] : NULL,
		    .purpose = (enum key_purpose)f->item.purpose,
		    .bytes = f->item.len,
		};
	}
	return n;
}

void vault_keys_describe(const struct vault_keys *k, const struct keystore *keystore,
			 struct text *to)
{
	for (size_t i = 0; i < k->n_sealed; i++) {
		const struct sealed *s = &k->sealed[i];

		if (s->keystore == keystore && keystore->ops->describe)
			keystore->ops->describe(keystore, s->blob, s->blob_len, to);
	}
}
