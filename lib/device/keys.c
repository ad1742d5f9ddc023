/* SPDX-License-Identifier: Apache-2.0 */
/* A provisioned target's keys: sealed anew, given up. One commit of the vault's device part each.
 */
#include <errno.h>

#include "base/diag.h"
#include "device/keys.h"

static int load(struct target *t, struct env *env)
{
	int r = target_unlock(t, env, NULL, 0);

	if (r >= 0 && !t->keys)
		r = diag_fail(DIAG_KEY_MISSING, ENOKEY, "%s has no keys: no volume of it is keyed",
			      t->path);
	return r;
}

static int rotate_and_commit(struct target *t, struct env *env)
{
	int r = vault_keys_rotate(t->keys);

	if (r >= 0)
		r = vault_commit_layout(t->vault, t->layout, env);
	if (r < 0)
		diag_state(
		    "the keys are the old ones, or the new ones: run the same command again");
	return r;
}

int device_keys_rotate(struct target *t, struct env *env)
{
	int r = load(t, env);

	return r < 0 ? r : rotate_and_commit(t, env);
}

int device_keys_forget(struct target *t, struct env *env, struct volume *v)
{
	int r = load(t, env);

	if (r >= 0)
		r = vault_keys_forget(t->keys, v);
	if (r < 0)
		return r;
	v->forgotten = true;
	return rotate_and_commit(t, env);
}
