/* SPDX-License-Identifier: Apache-2.0 */
/* Which values of R and E a secret is sealed for, and what the hardware's record names. */
#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "keyring/anchor.h"
#include "keyring/epoch.h"
#include "keyring/private.h"

static struct sealed *anchored(struct keyring *ring)
{
	for (size_t i = 0; i < ring->n_sealed; i++) {
		if (ring->sealed[i].keystore->ops->anchor_write)
			return &ring->sealed[i];
	}
	return NULL;
}

/* What hardware says now, in answers that are authenticated. */
static int ask(struct keyring *ring, struct sealed *s, struct keystore_anchor *ret_anchor,
	       struct keystore_counters *ret_counters)
{
	const struct keystore_ops *ops = s->keystore->ops;
	int r = keyring_reach(ring, s);

	if (r >= 0)
		r = ops->anchor_read(s->keystore, s->session, ring->env, ret_anchor);
	return r < 0 ? r : ops->counters(s->keystore, s->session, ring->env, ret_counters);
}

static struct keystore_anchor named(const struct vault_commit_id *id, uint64_t rotation_max,
				    uint64_t erase)
{
	struct keystore_anchor a = {.present = true,
				    .sequence = id->sequence,
				    .rotation_max = rotation_max,
				    .erase = erase};

	memcpy(a.digest, id->payload_sha256, sizeof(a.digest));
	return a;
}

int anchor_reserve(struct keyring *ring, struct sealed *s, uint64_t *ret)
{
	const struct keystore_ops *ops = s->keystore->ops;
	struct keystore_counters c;
	struct keystore_anchor a, next;
	uint64_t n;
	int r;

	*ret = 0;
	if (!ops->anchor_reserve)
		return 0;
	r = ask(ring, s, &a, &c);
	if (r < 0)
		return r;
	/* An image that was sealed elsewhere is named by this, too. */
	if (anchor_names_any(&a) && anchor_compare(&a, &ring->id) != ANCHOR_NAMES_IT)
		return anchor_refuse(&a, &ring->id);
	n = (c.rotation > a.rotation_max ? c.rotation : a.rotation_max) + 1;
	next = named(&ring->id, n, c.erase);
	r = ops->anchor_reserve(s->keystore, s->session, ring->env, &next);
	if (r < 0)
		return r;
	*ret = n;
	return 0;
}

int anchor_begin(struct keyring *ring, struct sealed *s)
{
	const struct keystore_ops *ops = s->keystore->ops;
	const struct vault_commit_id nothing = {0};
	struct keystore_anchor a = {0}, none;
	struct keystore_counters c = {0};
	int r = keyring_reach(ring, s);

	if (r >= 0 && ops->prepare)
		r = ops->prepare(s->keystore, s->session, ring->env);
	for (int i = 0; i < 2 && r >= 0 && ops->count_erase; i++)
		r = ops->count_erase(s->keystore, s->session, ring->env);
	if (r >= 0 && ops->prepare_anchor)
		r = ops->prepare_anchor(s->keystore, s->session, ring->env);
	if (r < 0 || !ops->anchor_write)
		return r;
	r = ask(ring, s, &a, &c);
	none = named(&nothing, a.rotation_max > c.rotation ? a.rotation_max : c.rotation, 0);
	none.sequence = a.sequence + 1;
	return r < 0 ? r : ops->anchor_write(s->keystore, s->session, ring->env, &none);
}

static int choose(struct keyring *ring, struct sealed *s, struct vault *v,
		  uint64_t *ret_least_sequence)
{
	struct vault_payload copy;
	struct keystore_anchor a;
	struct keystore_counters c;
	DIAG_SCOPE("keystore %s", s->keystore->name);
	int r = ask(ring, s, &a, &c);

	if (r < 0)
		return r;
	*ret_least_sequence = a.present ? a.sequence + 1 : 0;
	for (int i = 0; i < 2 && anchor_names_any(&a); i++) {
		if (vault_copy_payload(v, i, &copy) &&
		    anchor_compare(&a, &copy.id) == ANCHOR_NAMES_IT) {
			vault_choose(v, i);
			return 0;
		}
	}
	return anchor_names_any(&a) ? anchor_refuse(&a, &ring->id) : 0;
}

int anchor_choose(struct keyring *ring, struct vault *v, uint64_t *ret_least_sequence)
{
	struct sealed *s = anchored(ring);

	*ret_least_sequence = 0;
	return s ? choose(ring, s, v, ret_least_sequence) : 0;
}

static int write_anchor(struct keyring *ring, struct sealed *s, const struct vault_commit_id *id)
{
	struct keystore_counters c;
	struct keystore_anchor now, a;
	DIAG_SCOPE("keystore %s", s->keystore->name);
	int r = ask(ring, s, &now, &c);

	if (r < 0)
		return r;
	a = named(id, s->rotation, c.erase);
	if (anchor_compare(&now, id) != ANCHOR_NAMES_IT)
		r = s->keystore->ops->anchor_write(s->keystore, s->session, ring->env, &a);
	return r < 0 ? r : anchor_finish(ring, s);
}

/* At most one keystore has an anchor (model/build.c), so there is no order to keep. */
int keyring_write_anchors(struct keyring *ring, const struct vault_commit_id *id)
{
	struct sealed *s = anchored(ring);

	return s ? write_anchor(ring, s, id) : 0;
}
