/* SPDX-License-Identifier: Apache-2.0 */
/* Escrow: made, confirmed, dropped. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/hex.h"
#include "crypto/aead.h"
#include "crypto/digest.h"
#include "crypto/kdf.h"
#include "crypto/mac.h"
#include "keyring/escrow.h"
#include "keyring/interface.h"
#include "keyring/private.h"
#include "keyring/wrap.h"
#include "vault/device-part.h"

static_assert(ESCROW_NONCE_BYTES == VAULT_NONCE_BYTES, "nonce");

/* --- records --- */

int keyring_decode_escrow(struct keyring *ring, const struct vault_item *item)
{
	struct escrow *last = ring->escrows.n ? &ring->escrows.v[ring->escrows.n - 1] : NULL;
	struct vault_key_item key;
	struct escrow e = {0};

	if (item->type == VAULT_ESCROW) {
		if (vault_decode_escrow(item->value, item->len, &e.item) < 0)
			return -EINVAL;
		return array_add(&ring->escrows, e) < 0 ? diag_no_memory() : 0;
	}
	if (!last || last->n_keys == ESCROW_KEYS_MAX ||
	    vault_decode_key(item->value, item->len, &key) < 0 ||
	    strcmp(key.volume, last->item.volume) != 0)
		return -EINVAL;
	last->keys[last->n_keys++] = key;
	return 0;
}

void keyring_encode_escrows(const struct keyring *ring, struct text *to)
{
	array_each (e, &ring->escrows) {
		uint8_t head[VAULT_ESCROW_BYTES], key[VAULT_KEY_BYTES];

		vault_encode_escrow(&e->item, head);
		device_part_put(to, VAULT_ESCROW, head, sizeof(head));
		for (size_t i = 0; i < e->n_keys; i++) {
			vault_encode_key(&e->keys[i], key);
			device_part_put(to, VAULT_ESCROW_KEY, key, sizeof(key));
		}
	}
}

bool escrow_is_of(const struct escrow *e, const struct volume *v)
{
	return strcmp(e->item.volume, v->full_name) == 0;
}

void keyring_escrow_drop(struct keyring *ring, const struct volume *v, bool waiting_only)
{
	size_t kept = 0;

	for (size_t i = 0; i < ring->escrows.n; i++) {
		const struct escrow *e = &ring->escrows.v[i];

		if (!escrow_is_of(e, v) || (waiting_only && e->item.confirmed))
			ring->escrows.v[kept++] = *e;
	}
	ring->escrows.n = kept;
}

/* --- the receipt --- */

void keyring_escrow_message(const char *volume, const uint8_t nonce[static ESCROW_NONCE_BYTES],
			    char ret[static ESCROW_MESSAGE_SIZE])
{
	char hex[2 * ESCROW_NONCE_BYTES + 1];

	hex_encode(nonce, ESCROW_NONCE_BYTES, hex);
	snprintf(ret, ESCROW_MESSAGE_SIZE, "holdfast-escrow-receipt 1 %s %.63s", hex, volume);
}

/* The vault keeps no more of the receipt than what recognises it. */
int escrow_receipt_digest(const struct secret *key, const char *volume, const uint8_t *nonce,
			  uint8_t ret[static 32])
{
	_cleanup_secret_ struct secret *words = NULL;
	_cleanup_mac_ struct mac *m = NULL;
	char message[ESCROW_MESSAGE_SIZE];
	struct mac_piece piece = {message, 0};
	uint8_t receipt[ESCROW_RECEIPT_BYTES];
	int r = secret_new(MODHEX_KEY_TEXT, &words);

	if (r < 0)
		return r;
	modhex_print_key(secret_bytes(key), secret_bytes(words));
	keyring_escrow_message(volume, nonce, message);
	piece.len = strlen(message);
	r = mac_new("hmac(sha256)", secret_bytes(words), secret_len(words), &m);
	if (r < 0)
		return r;
	if (mac_run(m, &piece, 1, receipt) < 0 || digest_sha256(receipt, sizeof(receipt), ret) < 0)
		r = diag_fail(DIAG_INTERNAL, EIO, "no MAC can be computed");
	explicit_bzero(receipt, sizeof(receipt));
	return r;
}

int keyring_escrow_confirm(struct keyring *ring, const struct volume *v,
			   const uint8_t receipt[static ESCROW_RECEIPT_BYTES])
{
	struct escrow *found = NULL;
	struct escrow kept;
	uint8_t digest[32];
	size_t of_volume = 0;

	if (digest_sha256(receipt, ESCROW_RECEIPT_BYTES, digest) < 0)
		return diag_fail(DIAG_INTERNAL, EIO, "no digest can be computed");
	array_each (e, &ring->escrows) {
		of_volume += escrow_is_of(e, v);
		if (escrow_is_of(e, v) &&
		    digest_equal(digest, e->item.receipt_sha256, sizeof(digest)))
			found = e;
	}
	if (!found) {
		int r = diag_fail(DIAG_KEY_WRONG, EKEYREJECTED,
				  of_volume ? "this is no receipt for an escrow of volume %s"
					    : "volume %s has no escrow that waits for a receipt",
				  v->full_name);

		diag_state("nothing was changed");
		return r;
	}
	if (found->item.confirmed && of_volume == 1)
		return 0;
	kept = *found;
	kept.item.confirmed = true;
	keyring_escrow_drop(ring, v, false);
	return array_add(&ring->escrows, kept) < 0 ? diag_no_memory() : 1;
}

/* --- wrapping --- */

void escrow_wrapping_stop(struct wrapping *w)
{
	aead_free(w->aead);
}

int escrow_wrapping_start(const struct volume *v, const struct secret *key, const uint8_t *nonce,
			  struct wrapping *w)
{
	static const char purpose[] = "holdfast 1 escrow";
	const struct kdf_field info[] = {{purpose, sizeof(purpose) - 1},
					 {nonce, ESCROW_NONCE_BYTES}};
	_cleanup_secret_ struct secret *kek = NULL;
	int r = secret_new(KEK_BYTES, &kek);

	memcpy(w->nonce, nonce, sizeof(w->nonce));
	if (r >= 0)
		r = device_part_digest(v, w->records);
	if (r >= 0)
		r = kdf_hkdf(secret_bytes(key), secret_len(key), info, 2, secret_bytes(kek),
			     secret_len(kek));
	return r < 0 ? r : aead_new("aes-gcm", secret_bytes(kek), secret_len(kek), &w->aead);
}

void escrow_associate(const struct wrapping *w, const struct vault_key_item *item, struct text *to)
{
	const uint8_t numbers[] = {(uint8_t)item->layer, (uint8_t)item->purpose,
				   (uint8_t)item->len};

	text_add_bytes(to, "holdfast escrow 1", 18);
	text_add_bytes(to, w->nonce, sizeof(w->nonce));
	text_add_bytes(to, w->records, sizeof(w->records));
	text_add_bytes(to, item->keystore, strlen(item->keystore) + 1);
	text_add_bytes(to, item->volume, strlen(item->volume) + 1);
	text_add_bytes(to, numbers, sizeof(numbers));
}

static int add_key(struct keyring *ring, const struct wrapping *w, const struct wrapped *from,
		   struct escrow *to)
{
	struct vault_key_item *item = &to->keys[to->n_keys];
	_cleanup_text_ struct text ad = {0};
	int r;

	if (to->n_keys == ESCROW_KEYS_MAX)
		return diag_fail(DIAG_INTERNAL, E2BIG, "too many keys of one volume");
	*item = from->item;
	escrow_associate(w, item, &ad);
	if (ad.failed)
		return diag_no_memory();
	r = ring->env->random(item->nonce, sizeof(item->nonce));
	if (r < 0)
		return r;
	if (aead_encrypt(w->aead, item->nonce, ad.s, ad.len, secret_bytes(from->key), item->len,
			 item->wrapped, item->tag) < 0)
		return diag_fail(DIAG_INTERNAL, EIO, "a key cannot be wrapped");
	to->n_keys++;
	return 0;
}

struct wrapped *escrow_find_recovery(struct keyring *ring, const struct volume *v)
{
	array_each (w, &ring->wrapped) {
		if (w->item.purpose == KEY_RECOVERY && strcmp(w->item.volume, v->full_name) == 0 &&
		    w->item.len == ESCROW_KEY_BYTES)
			return w;
	}
	return NULL;
}

/* The volume's own recovery key, so that one printed key serves both; else a new one. */
static int recovery_key(struct keyring *ring, const struct volume *v, struct secret **ret)
{
	struct wrapped *own = escrow_find_recovery(ring, v);
	struct secret *key;
	int r = secret_new(ESCROW_KEY_BYTES, &key);

	if (r < 0)
		return r;
	if (own)
		memcpy(secret_bytes(key), secret_bytes(own->key), ESCROW_KEY_BYTES);
	else
		r = ring->env->random(secret_bytes(key), ESCROW_KEY_BYTES);
	if (r < 0)
		secret_free(key);
	else
		*ret = key;
	return r;
}

/* Everything is unsealed: a commit needs every keystore's MAC. */
static int unwrap_all(struct keyring *ring, const struct volume *v, size_t *ret_n)
{
	int r = keyring_unlock(ring, NULL, 0);

	*ret_n = 0;
	array_each (w, &ring->wrapped) {
		if (r < 0 || strcmp(w->item.volume, v->full_name) != 0)
			continue;
		(*ret_n)++;
		if (!w->key)
			r = keyring_unwrap(keyring_find_sealed(ring, w->item.keystore), w);
	}
	array_each (f, &ring->referred) {
		if (r >= 0 && strcmp(f->item.volume, v->full_name) == 0)
			r = diag_fail(DIAG_NOT_BUILT, ENOTSUP,
				      "the key of volume %s never leaves the kernel: it cannot be "
				      "put in escrow",
				      v->full_name);
	}
	return r;
}

int keyring_escrow_add(struct keyring *ring, const struct volume *v, struct secret **ret_key,
		       uint8_t ret_nonce[static ESCROW_NONCE_BYTES])
{
	__attribute__((cleanup(escrow_wrapping_stop))) struct wrapping with = {0};
	_cleanup_secret_ struct secret *key = NULL;
	struct escrow e = {0};
	size_t n;
	int r = unwrap_all(ring, v, &n);

	if (r >= 0 && n == 0)
		r = diag_fail(DIAG_KEY_MISSING, ENOKEY, "the vault has no key of volume %s",
			      v->full_name);
	if (r >= 0)
		r = recovery_key(ring, v, &key);
	if (r >= 0)
		r = ring->env->random(e.item.nonce, sizeof(e.item.nonce));
	if (r >= 0)
		r = escrow_receipt_digest(key, v->full_name, e.item.nonce, e.item.receipt_sha256);
	if (r >= 0)
		r = escrow_wrapping_start(v, key, e.item.nonce, &with);
	snprintf(e.item.volume, sizeof(e.item.volume), "%s", v->full_name);
	array_each (w, &ring->wrapped) {
		/* The recovery key is what these are wrapped under. */
		if (r >= 0 && w->item.purpose != KEY_RECOVERY &&
		    strcmp(w->item.volume, v->full_name) == 0)
			r = add_key(ring, &with, w, &e);
	}
	if (r < 0)
		return r;
	keyring_escrow_drop(ring, v, true);
	if (array_add(&ring->escrows, e) < 0)
		return diag_no_memory();
	memcpy(ret_nonce, e.item.nonce, ESCROW_NONCE_BYTES);
	*ret_key = TAKE(key);
	return 0;
}

int keyring_drop_recovery(struct keyring *ring, const struct volume *v)
{
	struct wrapped *w = escrow_find_recovery(ring, v);

	if (!w)
		return 0;
	secret_free(w->key);
	*w = ring->wrapped.v[--ring->wrapped.n];
	return 1;
}
