/* SPDX-License-Identifier: Apache-2.0 */
/* Restoring from escrow: keys taken out of it, and sealed by the hardware that is here. */
#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "crypto/aead.h"
#include "crypto/digest.h"
#include "keyring/anchor.h"
#include "keyring/escrow.h"
#include "keyring/private.h"
#include "keyring/references.h"
#include "keyring/restore.h"
#include "keyring/draw.h"
#include "keyring/rotate.h"
#include "keyring/seal.h"

static struct wrapped *find_record(struct keyring *ring, const struct vault_key_item *item)
{
	array_each (w, &ring->wrapped) {
		if (w->item.layer == item->layer && w->item.purpose == item->purpose &&
		    strcmp(w->item.volume, item->volume) == 0)
			return w;
	}
	return NULL;
}

static int set_key(struct keyring *ring, const struct vault_key_item *item, struct secret *key)
{
	struct wrapped *w = find_record(ring, item);
	struct wrapped fresh = {.item = *item, .key = key};

	if (!w) {
		if (array_add(&ring->wrapped, fresh) >= 0)
			return 0;
		secret_free(key);
		return diag_no_memory();
	}
	secret_free(w->key);
	*w = fresh;
	return 0;
}

static int take_one(struct keyring *ring, const struct volume *v, const struct wrapping *with,
		    const struct vault_key_item *item)
{
	const struct layer *l = item->layer < v->n_layers ? v->layers[item->layer] : NULL;
	const struct keystore *keystore = l ? layer_keystore(l) : NULL;
	_cleanup_secret_ struct secret *key = NULL;
	_cleanup_text_ struct text ad = {0};
	int r = secret_new(item->len, &key);

	escrow_associate(with, item, &ad);
	if (r >= 0 && ad.failed)
		r = diag_no_memory();
	if (r < 0)
		return r;
	if (item->purpose >= KEY_PURPOSES || !keystore ||
	    strcmp(keystore->name, item->keystore) != 0 ||
	    item->len != layer_key_bytes(l, (enum key_purpose)item->purpose) ||
	    aead_decrypt(with->aead, item->nonce, ad.s, ad.len, item->wrapped, item->len,
			 secret_bytes(key), item->tag) < 0) {
		r = diag_fail(DIAG_TAMPERED, EUCLEAN,
			      "the recovery key is right, but what the vault says of volume %s or "
			      "of its keystore was changed since the escrow was made",
			      v->full_name);
		diag_state("nothing was opened, nothing was changed");
		return r;
	}
	return set_key(ring, item, TAKE(key));
}

/* The volume's own recovery key is the escrow's: it is put back beside the others. */
static int take_recovery(struct keyring *ring, const struct volume *v, const struct secret *key)
{
	struct wrapped *w = escrow_find_recovery(ring, v);
	struct secret *copy;
	int r = w ? secret_new(secret_len(key), &copy) : 0;

	if (!w || r < 0)
		return r;
	memcpy(secret_bytes(copy), secret_bytes(key), secret_len(key));
	secret_free(w->key);
	w->key = copy;
	return 0;
}

int keyring_escrow_take(struct keyring *ring, const struct volume *v, const struct secret *key)
{
	size_t of_volume = 0;

	array_each (e, &ring->escrows) {
		__attribute__((cleanup(escrow_wrapping_stop))) struct wrapping with = {0};
		uint8_t digest[32];
		int r;

		if (!escrow_is_of(e, v))
			continue;
		of_volume++;
		r = escrow_receipt_digest(key, v->full_name, e->item.nonce, digest);
		if (r >= 0 && !digest_equal(digest, e->item.receipt_sha256, sizeof(digest)))
			continue;
		if (r >= 0)
			r = escrow_wrapping_start(v, key, e->item.nonce, &with);
		for (size_t i = 0; i < e->n_keys && r >= 0; i++)
			r = take_one(ring, v, &with, &e->keys[i]);
		return r < 0 ? r : take_recovery(ring, v, key);
	}
	return diag_fail(of_volume ? DIAG_KEY_WRONG : DIAG_KEY_MISSING, EKEYREJECTED,
			 of_volume ? "this is not the recovery key of volume %s"
				   : "the vault has no escrow of volume %s",
			 v->full_name);
}

/* How many keys of @s are here, and how many are not. */
static void count(const struct keyring *ring, const struct sealed *s, size_t *ret_here,
		  size_t *ret_not)
{
	*ret_here = *ret_not = 0;
	array_each (w, &ring->wrapped) {
		if (strcmp(w->item.keystore, s->keystore->name) == 0)
			(*(w->key ? ret_here : ret_not))++;
	}
	array_each (f, &ring->referred)
		*ret_not += strcmp(f->item.keystore, s->keystore->name) == 0;
}

/* Its escrow stays: who has the recovery key can still come. */
static void drop_keys(struct keyring *ring, const struct volume *v)
{
	size_t kept = 0;

	for (size_t i = 0; i < ring->wrapped.n; i++) {
		struct wrapped *w = &ring->wrapped.v[i];

		if (strcmp(w->item.volume, v->full_name) == 0)
			secret_free(w->key);
		else
			ring->wrapped.v[kept++] = *w;
	}
	ring->wrapped.n = kept;
	keyring_drop_references(ring, v);
}

/* Keys that @s alone could have opened. */
static void give_up(struct keyring *ring, struct layout *layout, const struct sealed *s,
		    struct text *ret_lost)
{
	layout_each_volume (v, layout) {
		bool lost = false;

		array_each (w, &ring->wrapped)
			lost |= !w->key && w->item.purpose == KEY_VOLUME &&
				strcmp(w->item.keystore, s->keystore->name) == 0 &&
				strcmp(w->item.volume, v->full_name) == 0;
		array_each (f, &ring->referred)
			lost |= strcmp(f->item.keystore, s->keystore->name) == 0 &&
				strcmp(f->item.volume, v->full_name) == 0;
		if (!lost)
			continue;
		text_add(ret_lost, "%s%s", ret_lost->len ? ", " : "", v->full_name);
		drop_keys(ring, v);
		v->forgotten = true;
	}
}

/* Unsealed where it guards more than what came out of escrow; else it need not even be able to. */
static int reach_others(struct keyring *ring, struct layout *layout, struct sealed *s, bool lose,
			struct text *ret_lost)
{
	size_t here, missing, mark = diag_count();
	int r;

	count(ring, s, &here, &missing);
	if (missing == 0 || s->secret || s->loaded)
		return 0;
	r = keyring_unseal(ring, s);
	if (r >= 0 || here == 0)
		return r;
	for (size_t i = mark; i < diag_count() && diag_get(i); i++)
		diag_note("%s", diag_get(i)->text);
	diag_forget(mark);
	give_up(ring, layout, s, ret_lost);
	if (lose)
		return 0;
	r = diag_fail(DIAG_KEY_MISSING, ENOKEY,
		      "keystore %s cannot be opened, so these volumes would be lost: %s",
		      s->keystore->name, ret_lost->s ? ret_lost->s : "");
	diag_state("nothing was changed");
	diag_next("name them too, each with its recovery key, or give them up with --lose-others");
	return r;
}

/* The hardware names this vault: as a rotation, for the boot state of now. */
static int seal_next_here(struct keyring *ring, struct sealed *s)
{
	int r = keyring_prepare(ring, s->keystore);

	return r < 0 ? r : keyring_seal_next(ring, s);
}

static int refuse_other(const struct keystore_anchor *a, const struct vault_commit_id *id)
{
	int r = anchor_refuse(a, id);

	diag_next(
	    "if this vault shall count in spite of it: key restore … --accept-vault; whatever "
	    "the hardware guards now never opens again");
	return r;
}

static int seal_here(struct keyring *ring, struct sealed *s)
{
	const struct keystore_ops *ops = s->keystore->ops;
	struct keystore_anchor a = {0};
	DIAG_SCOPE("keystore %s", s->keystore->name);
	int r = keyring_reach(ring, s), used;

	if (r >= 0 && !ops->anchor_read)
		return seal_next_here(ring, s);
	used = r < 0 ? r : ops->used(s->keystore, s->session, ring->env);
	if (used <= 0)
		return used < 0 ? used : keyring_seal_first(ring, s);
	r = ops->anchor_read(s->keystore, s->session, ring->env, &a);
	if (r < 0)
		return r;
	if (anchor_compare(&a, &ring->id) == ANCHOR_NAMES_IT)
		return seal_next_here(ring, s);
	return ring->accept_vault ? keyring_seal_first(ring, s) : refuse_other(&a, &ring->id);
}

int keyring_escrow_reseal(struct keyring *ring, struct layout *layout,
			  const struct restore_consent *consent, struct text *ret_lost)
{
	int r = 0;

	ring->accept_vault = consent->accept_vault;
	array_each (w, &ring->wrapped) {
		const struct keystore *keystore = NULL;
		struct sealed *s;

		for (size_t i = 0; i < layout->n_keystores; i++) {
			if (strcmp(layout->keystores[i]->name, w->item.keystore) == 0)
				keystore = layout->keystores[i];
		}
		if (r >= 0 && w->key && keystore)
			r = keyring_add_sealed(ring, keystore, &s);
	}
	for (size_t i = 0; i < ring->n_sealed && r >= 0; i++)
		r = reach_others(ring, layout, &ring->sealed[i], consent->lose_others, ret_lost);
	return r < 0 ? r : keyring_seal_all(ring, seal_here);
}
