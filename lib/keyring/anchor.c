/* SPDX-License-Identifier: Apache-2.0 */
/* What the hardware of a keystore records: which copy of the vault is the true one, and which
 * rotation is counted. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/diag.h"
#include "keyring/anchor.h"
#include "keyring/private.h"

int keyring_reach(struct keyring *ring, struct sealed *s)
{
	const struct keystore_ops *ops = s->keystore->ops;

	return s->session || !ops->begin ? 0 : ops->begin(s->keystore, ring->env, &s->session);
}

/* --- comparing --- */

bool anchor_names_any(const struct keystore_anchor *a)
{
	return a->present && a->erase != 0;
}

enum anchor_standing anchor_compare(const struct keystore_anchor *a,
				    const struct vault_commit_id *id)
{
	if (!anchor_names_any(a))
		return ANCHOR_IS_MISSING;
	if (a->sequence == id->sequence &&
	    memcmp(a->digest, id->payload_sha256, sizeof(a->digest)) == 0)
		return ANCHOR_NAMES_IT;
	return id->sequence < a->sequence ? ANCHOR_IS_LATER : ANCHOR_NAMES_ANOTHER;
}

int anchor_refuse(const struct keystore_anchor *a, const struct vault_commit_id *id)
{
	enum anchor_standing standing = anchor_compare(a, id);

	if (standing == ANCHOR_IS_MISSING)
		diag_fail(DIAG_VAULT_OLD, ESTALE,
			  "the hardware has no record of a vault: this one is another device's, "
			  "or the hardware was set up again");
	else if (standing == ANCHOR_IS_LATER)
		diag_fail(DIAG_VAULT_OLD, ESTALE,
			  "the vault is an earlier one, number %" PRIu64 "; the hardware has "
			  "recorded number %" PRIu64 ": an old state of the medium was put back",
			  id->sequence, a->sequence);
	else
		diag_fail(DIAG_VAULT_OLD, ESTALE,
			  "the vault, number %" PRIu64 ", is not the one that the hardware has "
			  "recorded, number %" PRIu64 ": it was changed, or is another device's",
			  id->sequence, a->sequence);
	diag_state("nothing was opened, nothing was changed");
	diag_next("put the medium of this device back, or provision it again with --replace=all");
	return -ESTALE;
}

static bool is_elsewhere(const struct sealed *s)
{
	const struct keystore_ops *ops = s->keystore->ops;

	return ops->sealed_elsewhere && ops->sealed_elsewhere(s->blob, s->blob_len);
}

bool keyring_is_sealed_elsewhere(const struct keyring *ring)
{
	bool found = false;

	for (size_t i = 0; i < ring->n_sealed; i++)
		found |= is_elsewhere(&ring->sealed[i]);
	return found;
}

int anchor_compare_one(struct keyring *ring, struct sealed *s)
{
	const struct keystore_ops *ops = s->keystore->ops;
	struct keystore_anchor a = {0};
	int r = keyring_reach(ring, s);

	if (r >= 0 && ops->recognise)
		r = ops->recognise(s->keystore, s->session, ring->env, s->blob, s->blob_len);
	if (r < 0 || !ops->anchor_read)
		return r;
	r = ops->anchor_read(s->keystore, s->session, ring->env, &a);
	/* An image that was sealed elsewhere has no record until it was opened here once. */
	if (r < 0 || (!anchor_names_any(&a) && is_elsewhere(s)))
		return r;
	return anchor_compare(&a, &ring->id) == ANCHOR_NAMES_IT ? 0 : anchor_refuse(&a, &ring->id);
}

int keyring_compare_anchors(struct keyring *ring)
{
	int compared = 0, r = 0;

	for (size_t i = 0; i < ring->n_sealed && r >= 0; i++) {
		struct sealed *s = &ring->sealed[i];
		DIAG_SCOPE("keystore %s", s->keystore->name);

		if (!s->keystore->ops->anchor_read)
			continue;
		compared = 1;
		if (!s->secret) /* else it was compared before it was unsealed */
			r = anchor_compare_one(ring, s);
	}
	return r < 0 ? r : compared;
}

/* --- rotations --- */

/* The copy with the new secret is anchored, so the old one may be overwritten already: there is
 * only the way forward. */
int anchor_finish(struct keyring *ring, struct sealed *s)
{
	const struct keystore_ops *ops = s->keystore->ops;

	return ops->advance ? ops->advance(s->keystore, s->session, ring->env, s->blob, s->blob_len)
			    : 0;
}

static int waits(struct keyring *ring, struct sealed *s)
{
	const struct keystore_ops *ops = s->keystore->ops;

	return ops->waits ? ops->waits(s->keystore, s->session, ring->env, s->blob, s->blob_len)
			  : 0;
}

int anchor_settle_rotation(struct keyring *ring, struct sealed *s)
{
	int r = ring->may_count ? anchor_finish(ring, s) : waits(ring, s);

	if (r != 1 || ring->may_count)
		return r;
	r = diag_fail(
	    DIAG_ROTATION_WAITS, EINPROGRESS,
	    "a rotation of the keys waits: it was stopped before the hardware counted it, "
	    "and a command that only reads does not count");
	diag_state("nothing was opened, nothing was changed");
	diag_next("holdfast open, or holdfast key rotate, finishes it");
	return r;
}

int keyring_finish_rotations(struct keyring *ring)
{
	int r = 0;

	for (size_t i = 0; i < ring->n_sealed && r >= 0; i++) {
		struct sealed *s = &ring->sealed[i];
		DIAG_SCOPE("keystore %s", s->keystore->name);

		if (s->keystore->ops->anchor_read && !s->secret)
			r = anchor_finish(ring, s);
	}
	return r;
}

void keyring_allow_counting(struct keyring *ring)
{
	ring->may_count = true;
}

/* --- telling --- */

static int read_hardware(struct keyring *ring, struct sealed *s, struct keyring_hardware *ret)
{
	const struct keystore_ops *ops = s->keystore->ops;
	struct keyring_hardware h = {0};
	int r = keyring_reach(ring, s);

	if (r >= 0 && ops->recognise)
		r = ops->recognise(s->keystore, s->session, ring->env, s->blob, s->blob_len);
	if (r >= 0)
		r = ops->state(s->keystore, s->session, ring->env, &h.state);
	if (r < 0)
		return r;
	h.standing = anchor_compare(&h.state.anchor, &ring->id);
	if (h.standing == ANCHOR_NAMES_IT)
		r = waits(ring, s);
	h.rotation_waits = r == 1;
	if (r >= 0)
		*ret = h;
	return r < 0 ? r : 0;
}

int keyring_read_hardware(struct keyring *ring, const struct keystore *keystore,
			  struct keyring_hardware *ret)
{
	struct sealed *s = keyring_find_sealed(ring, keystore->name);

	if (s && keystore->ops->state)
		return read_hardware(ring, s, ret);
	return diag_fail(DIAG_KEY_MISSING, ENOKEY, "the vault has no secret of keystore %s",
			 keystore->name);
}
