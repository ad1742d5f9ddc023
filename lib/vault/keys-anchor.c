/* SPDX-License-Identifier: Apache-2.0 */
/* The hardware's part in the vault's commits: which copy is the true one, and what a rotation
 * kills. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/diag.h"
#include "vault/keys-private.h"

int vault_keys_reach(const struct sealed *s, struct env *env, struct keystore_session **session)
{
	const struct keystore_ops *ops = s->keystore->ops;

	return *session || !ops->begin ? 0 : ops->begin(s->keystore, env, session);
}

static bool names(const struct keystore_anchor *a, const struct vault_copy_header *h)
{
	return a->present && a->sequence == h->sequence &&
	       memcmp(a->digest, h->payload_sha256, sizeof(a->digest)) == 0;
}

static enum vault_standing standing_of(const struct keystore_anchor *a,
				       const struct vault_copy_header *h)
{
	return !a->present                 ? VAULT_UNRECORDED
	       : names(a, h)               ? VAULT_NAMED
	       : h->sequence < a->sequence ? VAULT_EARLIER
					   : VAULT_OTHER;
}

static int refuse(const struct keystore_anchor *a, const struct vault_copy_header *h)
{
	enum vault_standing standing = standing_of(a, h);

	if (standing == VAULT_UNRECORDED)
		diag_fail(DIAG_VAULT_OLD, ESTALE,
			  "the hardware has no record of a vault: this one is another device's, "
			  "or the hardware was set up anew");
	else if (standing == VAULT_EARLIER)
		diag_fail(DIAG_VAULT_OLD, ESTALE,
			  "the vault is an earlier one, number %" PRIu64 "; the hardware has "
			  "recorded number %" PRIu64 ": an old state of the medium was put back",
			  h->sequence, a->sequence);
	else
		diag_fail(DIAG_VAULT_OLD, ESTALE,
			  "the vault, number %" PRIu64 ", is not the one that the hardware has "
			  "recorded, number %" PRIu64 ": it was changed, or is another device's",
			  h->sequence, a->sequence);
	diag_state("nothing was opened, nothing was changed");
	diag_next("put the medium of this device back, or provision anew with --replace=all");
	return -ESTALE;
}

static bool is_elsewhere(const struct sealed *s)
{
	const struct keystore_ops *ops = s->keystore->ops;

	return ops->sealed_elsewhere && ops->sealed_elsewhere(s->blob, s->blob_len);
}

bool vault_keys_sealed_elsewhere(const struct vault_keys *k)
{
	bool found = false;

	for (size_t i = 0; i < k->n_sealed; i++)
		found |= is_elsewhere(&k->sealed[i]);
	return found;
}

int vault_keys_check_anchor(struct vault_keys *k, struct sealed *s)
{
	const struct keystore_ops *ops = s->keystore->ops;
	struct keystore_anchor a = {0};
	int r = vault_keys_reach(s, k->env, &s->session);

	if (r >= 0 && ops->recognise)
		r = ops->recognise(s->keystore, s->session, k->env, s->blob, s->blob_len);
	if (r >= 0 && ops->anchor_read) {
		r = ops->anchor_read(s->keystore, s->session, k->env, &a);
		/* An image that was made elsewhere has no record until it was opened here once. */
		if (r >= 0 && !names(&a, &k->header) && (a.present || !is_elsewhere(s)))
			r = refuse(&a, &k->header);
	}
	/* A rotation whose copy stands, and is named, but which was not counted: the cut came
	 * between. The copy that it replaced may be gone already, so there is only forward. */
	if (r >= 0 && ops->advance)
		r = ops->advance(s->keystore, s->session, k->env, s->blob, s->blob_len);
	return r;
}

int vault_keys_prepare(struct vault_keys *k, const struct keystore *keystore)
{
	struct sealed *s = vault_keys_find_sealed(k, keystore->name);
	DIAG_SCOPE("keystore %s", keystore->name);
	int r;

	if (!s || !keystore->ops->prepare)
		return 0;
	r = vault_keys_reach(s, k->env, &s->session);
	return r < 0 ? r : keystore->ops->prepare(keystore, s->session, k->env);
}

int vault_keys_check_anchors(struct vault_keys *k)
{
	int checked = 0, r = 0;

	for (size_t i = 0; i < k->n_sealed && r >= 0; i++) {
		struct sealed *s = &k->sealed[i];
		DIAG_SCOPE("keystore %s", s->keystore->name);

		if (!s->keystore->ops->anchor_read)
			continue;
		checked = 1;
		if (!s->secret) /* else it was checked before it was unsealed */
			r = vault_keys_check_anchor(k, s);
	}
	return r < 0 ? r : checked;
}

/* With one keystore that has an anchor (model/build.c sees to that) there is no order to keep. */
int vault_keys_anchor(struct vault_keys *k, const struct vault_copy_header *h)
{
	struct keystore_anchor a = {.present = true, .sequence = h->sequence}, now = {0};
	int r = 0;

	memcpy(a.digest, h->payload_sha256, sizeof(a.digest));
	for (size_t i = 0; i < k->n_sealed && r >= 0; i++) {
		struct sealed *s = &k->sealed[i];
		const struct keystore_ops *ops = s->keystore->ops;
		DIAG_SCOPE("keystore %s", s->keystore->name);

		r = vault_keys_reach(s, k->env, &s->session);
		if (r >= 0 && ops->anchor_read)
			r = ops->anchor_read(s->keystore, s->session, k->env, &now);
		if (r >= 0 && ops->anchor_write && !names(&now, h))
			r = ops->anchor_write(s->keystore, s->session, k->env, &a);
		if (r >= 0 && ops->advance)
			r = ops->advance(s->keystore, s->session, k->env, s->blob, s->blob_len);
	}
	return r;
}

int vault_keys_state(struct vault_keys *k, const struct keystore *keystore,
		     struct keystore_state *ret, enum vault_standing *ret_standing)
{
	for (size_t i = 0; i < k->n_sealed; i++) {
		struct sealed *s = &k->sealed[i];
		int r;

		if (s->keystore != keystore || !keystore->ops->state)
			continue;
		r = vault_keys_reach(s, k->env, &s->session);
		if (r >= 0 && keystore->ops->recognise)
			r = keystore->ops->recognise(keystore, s->session, k->env, s->blob,
						     s->blob_len);
		if (r >= 0)
			r = keystore->ops->state(keystore, s->session, k->env, ret);
		if (r >= 0)
			*ret_standing = standing_of(&ret->anchor, &k->header);
		return r;
	}
	return diag_fail(DIAG_KEY_MISSING, ENOKEY, "the vault has no secret of keystore %s",
			 keystore->name);
}

/* The blob of @k in a copy was sealed where the hardware was not. */
static bool holds_elsewhere(const struct vault_copy *c, const struct keystore *k)
{
	size_t name = strlen(k->name) + 1, at = 0;
	struct vault_item item;

	while (k->ops->sealed_elsewhere &&
	       vault_next_item(c->payload, c->header.payload_bytes, &at, &item) == 1) {
		if (item.type == VAULT_SEALED && item.len > name &&
		    memcmp(item.value, k->name, name) == 0)
			return k->ops->sealed_elsewhere(item.value + name, item.len - name);
	}
	return false;
}

int vault_choose_copy(struct vault *v, const struct layout *layout, struct env *env)
{
	const struct keystore *k = layout_anchor(layout);
	struct keystore_session *session = NULL;
	struct keystore_anchor a = {0};
	size_t mark = diag_count();
	int before = vault_active_index(v), r;

	if (!k || !v->copy[0].good || !v->copy[1].good ||
	    memcmp(&v->copy[0].header, &v->copy[1].header, sizeof(v->copy[0].header)) == 0)
		return 0;
	r = k->ops->begin(k, env, &session);
	if (r >= 0)
		r = k->ops->anchor_read(k, session, env, &a);
	k->ops->end(session);
	diag_forget(mark); /* whoever needs the keystore says what is wrong with it */
	v->undecided = true;
	for (int i = 0; i < 2 && r >= 0; i++) {
		/* Without a record: the image's own copy, whose first opening was cut off. */
		if (a.present ? !names(&a, &v->copy[i].header) : !holds_elsewhere(&v->copy[i], k))
			continue;
		v->chosen = i + 1;
		v->undecided = false;
	}
	return vault_active_index(v) != before;
}
