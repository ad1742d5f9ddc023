/* SPDX-License-Identifier: Apache-2.0 */
/* Committing a device part with its keys. */
#include <errno.h>

#include "base/diag.h"
#include "keyring/epoch.h"
#include "keyring/commit.h"
#include "keyring/interface.h"
#include "keyring/keyring.h"
#include "keyring/record.h"
#include "model/key.h"
#include "vault/copies.h"
#include "vault/device-part.h"

static int record_in_hardware(void *ctx, const struct vault_commit_id *id)
{
	return keyring_write_anchors(ctx, id);
}

static int commit(struct vault *v, const struct text *description, struct keyring *ring)
{
	struct vault_commit_hook hook = {.durable = record_in_hardware, .ctx = ring};
	_cleanup_text_ struct text keys = {0}, payload = {0};
	int r = ring ? keyring_encode(ring, description, &keys) : 0;

	if (r >= 0)
		r = device_part_encode(description, &keys, &payload);
	/* Asked once more, right before anything is overwritten. */
	if (r >= 0 && ring)
		r = anchor_choose(ring, v, &hook.least_sequence);
	return r < 0 ? r : vault_commit(v, payload.s, payload.len, ring ? &hook : NULL);
}

/* Volumes that this plan does not make, or whose keys were given up, have none. */
static bool has_all_keys(const struct volume *v, struct keyring *ring)
{
	bool all = true;

	if (v->reserved || v->absent || v->forgotten)
		return true;
	volume_each_layer (l, v) {
		all &= !layer_key_bytes(l, KEY_VOLUME) ||
		       (ring && keyring_has_key(ring, l, KEY_VOLUME));
	}
	return all;
}

int keyring_commit(struct vault *v, const struct layout *layout, struct keyring *ring)
{
	_cleanup_text_ struct text description = {0};

	layout_each_volume (each, layout) {
		if (!has_all_keys(each, ring))
			return diag_fail(DIAG_INTERNAL, ENOKEY,
					 "the device part would lose the keys of volume %s",
					 each->full_name);
	}
	device_part_describe(layout, &description);
	return commit(v, &description, ring);
}

int keyring_commit_early(struct vault *v, struct keyring *ring, bool keep)
{
	_cleanup_text_ struct text description = {0};
	struct vault_payload before;

	if (keep && vault_active_payload(v, &before))
		device_part_copy(before.bytes, before.len, &description);
	return commit(v, &description, ring);
}
