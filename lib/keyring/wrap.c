/* SPDX-License-Identifier: Apache-2.0 */
/* Volume keys under the KEK of their keystore. */
#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "crypto/aead.h"
#include "keyring/private.h"
#include "keyring/wrap.h"

/* What a wrapped key is bound to; a record that was moved does not unwrap. */
static void associate(const struct vault_key_item *item, struct text *to)
{
	const uint8_t numbers[] = {(uint8_t)item->layer, (uint8_t)item->purpose,
				   (uint8_t)item->len};

	text_add_bytes(to, "holdfast volume key 1", 22);
	text_add_bytes(to, item->keystore, strlen(item->keystore) + 1);
	text_add_bytes(to, item->volume, strlen(item->volume) + 1);
	text_add_bytes(to, numbers, sizeof(numbers));
}

int keyring_wrap(struct keyring *ring, const struct sealed *s, struct wrapped *w)
{
	_cleanup_aead_ struct aead *aead = NULL;
	_cleanup_text_ struct text ad = {0};
	int r = aead_new("aes-gcm", secret_bytes(s->kek), secret_len(s->kek), &aead);

	associate(&w->item, &ad);
	if (r >= 0 && ad.failed)
		r = diag_no_memory();
	if (r >= 0)
		r = ring->env->random(w->item.nonce, sizeof(w->item.nonce));
	if (r < 0)
		return r;
	r = aead_encrypt(aead, w->item.nonce, ad.s, ad.len, secret_bytes(w->key), w->item.len,
			 w->item.wrapped, w->item.tag);
	return r < 0 ? diag_fail(DIAG_INTERNAL, EIO, "a key cannot be wrapped") : 0;
}

int keyring_unwrap(const struct sealed *s, struct wrapped *w)
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
				 "moved",
				 w->item.volume, w->item.layer);
	w->key = TAKE(key);
	return 0;
}
