/* SPDX-License-Identifier: Apache-2.0 */
/* The device secret of a keystore: sealed, unsealed, locked. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "crypto/kdf.h"
#include "keyring/anchor.h"
#include "keyring/mac.h"
#include "keyring/private.h"
#include "keyring/seal.h"

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

/* Takes @secret over (NULL: only the kernel has it) and derives its keys. */
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

int keyring_seal_new(struct keyring *ring, struct sealed *s, uint64_t rotation)
{
	_cleanup_secret_ struct secret *secret = NULL;
	_cleanup_text_ struct text blob = {0};
	DIAG_SCOPE("keystore %s", s->keystore->name);
	int r = keyring_reach(ring, s);

	if (r >= 0)
		r = s->keystore->ops->seal(s->keystore, s->session, ring->env, rotation, &secret,
					   &blob);

	if (r >= 0 && blob.failed)
		r = diag_no_memory();
	if (r < 0)
		return r;
	s->rotation = rotation;
	free(s->blob);
	s->blob_len = blob.len;
	s->blob = (uint8_t *)TAKE(blob.s);
	return take_secret(s, TAKE(secret));
}

int keyring_unseal(struct keyring *ring, struct sealed *s)
{
	struct secret *secret = NULL;
	DIAG_SCOPE("keystore %s", s->keystore->name);
	int r;

	if (s->secret || s->loaded)
		return 0;
	r = anchor_compare_one(ring, s);
	if (r >= 0)
		r = anchor_settle_rotation(ring, s);
	if (r >= 0)
		r = s->keystore->ops->unseal(s->keystore, s->session, ring->env, s->blob,
					     s->blob_len, &secret);
	if (r < 0)
		return r;
	r = take_secret(s, secret);
	if (r >= 0 && ring->payload && keyring_has_mac(s))
		r = keyring_check_mac(ring, s);
	if (r < 0) {
		s->secret = secret_free(s->secret);
		s->loaded = false;
	}
	return r;
}

int keyring_lock(struct keyring *ring)
{
	int r = 0;

	for (size_t i = 0; i < ring->n_sealed && r >= 0; i++) {
		struct sealed *s = &ring->sealed[i];
		DIAG_SCOPE("keystore %s", s->keystore->name);

		if (s->secret && s->keystore->ops->lock)
			r = s->keystore->ops->lock(s->keystore, s->session, ring->env);
	}
	return r;
}
