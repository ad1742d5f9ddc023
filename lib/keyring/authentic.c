/* SPDX-License-Identifier: Apache-2.0 */
/* Is the device part that was read the one that was written by whoever has its keys? */
#include "base/diag.h"
#include "keyring/anchor.h"
#include "keyring/authentic.h"
#include "keyring/mac.h"
#include "keyring/private.h"
#include "keyring/seal.h"

/* Its secret is there, so its MAC was checked when it was unsealed. */
static bool was_checked(const struct sealed *s)
{
	return (s->secret || s->loaded) && keyring_has_mac(s);
}

static bool can_tell(const struct sealed *s)
{
	const struct key_reference_ops *ops = s->keystore->ops->references;

	return !ops || ops->authenticates(s->keystore, s->blob, s->blob_len);
}

/* A secret that was sealed elsewhere has no record here before it was opened once. */
static bool has_record(const struct sealed *s)
{
	const struct keystore_ops *ops = s->keystore->ops;

	return ops->anchor_read &&
	       !(ops->sealed_elsewhere && ops->sealed_elsewhere(s->blob, s->blob_len));
}

static int ask(struct keyring *ring, struct sealed *s)
{
	DIAG_SCOPE("keystore %s", s->keystore->name);

	return has_record(s) ? anchor_compare_one(ring, s) : keyring_unseal(ring, s);
}

/* What the failure since @mark says is only that this keystore cannot be asked here. */
static bool cannot_be_asked(size_t mark)
{
	const struct diag_record *d = diag_get(mark);

	return d && (d->code == DIAG_KEY_INPUT || d->code == DIAG_KEYSTORE_MISSING ||
		     d->code == DIAG_KEYSTORE_FOREIGN);
}

/* Hardware that keeps a record first: it asks nobody for a passphrase. */
int keyring_authenticate(struct keyring *ring)
{
	const size_t mark = diag_count();
	int failed = 0;

	for (size_t i = 0; i < ring->n_sealed; i++) {
		if (was_checked(&ring->sealed[i]))
			return 1;
	}
	for (int record = 1; record >= 0; record--) {
		for (size_t i = 0; i < ring->n_sealed; i++) {
			struct sealed *s = &ring->sealed[i];
			size_t before = diag_count();
			int r;

			if (!can_tell(s) || has_record(s) != record)
				continue;
			r = ask(ring, s);
			if (r >= 0)
				diag_forget(mark);
			if (r >= 0)
				return 1;
			if (!cannot_be_asked(before))
				return r;
			failed = r;
		}
	}
	return failed;
}
