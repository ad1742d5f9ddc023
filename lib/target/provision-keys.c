/* SPDX-License-Identifier: Apache-2.0 */
/* Provisioning's keys: drawn and durable before anything is encrypted with them. */
#include <errno.h>

#include "base/diag.h"
#include "keyring/anchor.h"
#include "keyring/commit.h"
#include "keyring/draw.h"
#include "keyring/interface.h"
#include "keyring/record.h"
#include "model/key.h"
#include "target/provision.h"
#include "vault/journal.h"

/* The layout has keyed volumes that this plan makes. */
static bool is_keyed(const struct provisioning *p)
{
	bool keyed = false;

	layout_each_volume (v, p->layout)
		keyed |= volume_is_keyed(v) && !v->reserved;
	return keyed && p->plan->why != INTENT_SHARED;
}

/* Hardware that has sealed for a vault, and a medium without that vault: somebody wiped it, or the
 * board is used again. Only --retire-keys or --replace lays such a device out again. */
int provision_refuse_wiped(const struct provisioning *p)
{
	const struct keystore *k = is_keyed(p) ? layout_anchor(p->layout) : NULL;
	struct keystore_session *session = NULL;
	int r;

	if (!k || p->request->retire_keys || p->request->n_replace)
		return 0;
	r = k->ops->begin(k, p->target.job.env, &session);
	if (r >= 0)
		r = k->ops->used(k, session, p->target.job.env);
	k->ops->end(session);
	if (r <= 0)
		return r;
	r = diag_fail(DIAG_LIFECYCLE, EEXIST,
		      "keystore %s: this hardware has guarded the keys of a device already, and %s "
		      "has no vault of it: the medium was wiped, or the board was used before",
		      k->name, p->target.path);
	diag_state("nothing was changed");
	diag_next(
	    "--retire-keys counts the erase counter up and lays the device out again: whatever "
	    "was sealed before never opens again");
	return r;
}

/* A resumed run finds the keys of its own plan in the vault; any others are of something that is
 * being replaced. */
static int find_keys(struct provisioning *p)
{
	size_t mark = diag_count();
	int r = keyring_refuse_newer(p->target.vault, p->layout);

	if (r < 0)
		return r;
	r = keyring_read(p->target.vault, p->layout, p->target.job.env, &p->target.ring);

	if (r == 1)
		keyring_allow_counting(p->target.ring);
	if (r == 1 && keyring_is_for(p->target.ring, p->target.vault)) {
		r = keyring_unlock(p->target.ring, NULL, 0);
		if (r >= 0)
			return 1;
	} else if (r != -ENOMEM) { /* none, those of another layout, or damaged ones */
		r = 0;
	}
	/* Cut before the hardware was told of them: nothing was encrypted with them. */
	if (r == -ESTALE)
		r = 0;
	if (r == 0)
		diag_forget(mark);
	p->target.ring = keyring_free(p->target.ring);
	return r;
}

/* Keys are drawn before the first step. So where a step has a record, they were there. */
static int refuse_second_keys(const struct provisioning *p)
{
	struct journal *j = vault_journal(p->target.vault);
	struct journal_record record;
	bool begun = false;
	int r;

	for (uint32_t i = 0; i < p->plan->steps.n && p->resumed; i++)
		begun |= j->ops->last(j, i, &record) == 1;
	if (!begun)
		return p->resumed ? provision_refuse_wiped(p) : 0;
	r = diag_fail(
	    DIAG_KEY_MISSING, ENOKEY,
	    "%s: steps of this plan were begun, and the keys that they used are not there "
	    "or do not open: new ones would not open what was written",
	    p->target.path);
	diag_state("nothing was changed by this run");
	diag_next(
	    "with the hardware and the boot state that it was begun with, run the same command "
	    "again; --replace=all begins again, with new keys");
	return r;
}

int provision_make_keys(struct provisioning *p)
{
	int found = is_keyed(p) && p->resumed ? find_keys(p) : 0, r = found;

	if (!is_keyed(p))
		return 0;
	if (found == 0)
		r = refuse_second_keys(p);
	if (found == 0 && r >= 0)
		r = keyring_draw(p->target.vault, p->layout, p->target.job.env, &p->target.ring);
	if (found == 0 && r >= 0)
		r = keyring_commit_early(p->target.vault, p->target.ring,
					 plan_is_completion(p->plan));
	if (r < 0)
		return r;
	p->target.job.keys = keyring_keys(p->target.ring);
	p->target.job.ring = p->target.ring;
	return 0;
}
