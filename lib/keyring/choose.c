/* SPDX-License-Identifier: Apache-2.0 */
/* Which of two copies that differ counts: the hardware of a keystore knows. */
#include <string.h>

#include "base/diag.h"
#include "format/vault.h"
#include "keyring/anchor.h"
#include "keyring/choose.h"
#include "model/key.h"
#include "vault/copies.h"

/* The secret of @k in this copy was sealed elsewhere. */
static bool holds_elsewhere(const struct vault_payload *copy, const struct keystore *k)
{
	size_t name = strlen(k->name) + 1, at = 0;
	struct vault_item item;

	while (k->ops->sealed_elsewhere &&
	       vault_next_item(copy->bytes, copy->len, &at, &item) == 1) {
		if (item.type == VAULT_SEALED && item.len > name &&
		    memcmp(item.value, k->name, name) == 0)
			return k->ops->sealed_elsewhere(item.value + name, item.len - name);
	}
	return false;
}

static int ask(const struct keystore *k, struct env *env, struct keystore_anchor *ret)
{
	struct keystore_session *session = NULL;
	size_t mark = diag_count();
	int r = k->ops->begin(k, env, &session);

	if (r >= 0)
		r = k->ops->anchor_read(k, session, env, ret);
	k->ops->end(session);
	diag_forget(mark); /* whoever needs the keystore reports what is wrong with it */
	return r;
}

bool keyring_choose_copy(struct vault *v, const struct layout *layout, struct env *env)
{
	const struct keystore *k = layout_anchor(layout);
	struct keystore_anchor a = {0};
	bool changed = false;
	int r;

	if (!k || vault_copies_agree(v))
		return false;
	r = ask(k, env, &a);
	vault_leave_undecided(v);
	for (int i = 0; i < 2 && r >= 0; i++) {
		struct vault_payload copy;

		/* Without a record: the image as it was made, whose first opening was cut off. */
		if (vault_copy_payload(v, i, &copy) &&
		    (anchor_names_any(&a) ? anchor_compare(&a, &copy.id) == ANCHOR_NAMES_IT
					  : holds_elsewhere(&copy, k)))
			changed = vault_choose(v, i);
	}
	return changed;
}
