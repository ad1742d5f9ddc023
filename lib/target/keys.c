/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of a provisioned target: resealed, given up. One commit of the device part each. */
#include <errno.h>
#include <stdio.h>

#include "base/diag.h"
#include "keyring/anchor.h"
#include "keyring/commit.h"
#include "keyring/escrow.h"
#include "keyring/interface.h"
#include "keyring/rotate.h"
#include "keyring/ways.h"
#include "layout/layout-file.h"
#include "model/key.h"
#include "target/keys.h"

int target_unlock_all(struct target *t)
{
	int r = target_unlock(t, NULL, 0);

	if (r >= 0 && !t->ring)
		r = diag_fail(DIAG_KEY_MISSING, ENOKEY, "%s has no keys: no volume of it is keyed",
			      t->path);
	return r < 0 ? r : target_refuse_unused(t, NULL, 0);
}

/* Another opener's way in must not keep a key from being resealed or given up. */
static void reseal_one(const struct layer *l, struct job *job)
{
	size_t mark = diag_count();
	char why[sizeof(((struct diag_record *)0)->text)];

	if (!l->ops->keys || !l->ops->keys->reseal || l->ops->keys->reseal(l, job) >= 0)
		return;
	snprintf(why, sizeof(why), "%s", diag_count() > mark ? diag_get(mark)->text : "");
	diag_forget(mark);
	diag_note("volume %s: systemd's token was left as it was, and opens as before or not at "
		  "all: %s",
		  l->volume->full_name, why);
}

void target_reseal_tokens(struct target *t)
{
	layout_each_volume (v, t->layout) {
		if (v->forgotten)
			continue;
		volume_each_layer (l, v)
			reseal_one(l, &t->job);
	}
}

static int rotate_and_commit(struct target *t)
{
	int r = keyring_rotate(t->ring);

	if (r >= 0)
		target_reseal_tokens(t);
	if (r >= 0)
		r = keyring_commit(t->vault, t->layout, t->ring);
	if (r < 0)
		diag_state(
		    "the keys are the old ones, or the new ones: run the same command again");
	return r;
}

/* Of the keystore whose layout has signatures over PCRs. */
static struct option_value *find_version(const struct layout *l, const struct keystore **ret,
					 const struct option_spec **ret_spec)
{
	for (size_t i = 0; i < l->n_keystores; i++) {
		const struct keystore *k = l->keystores[i];
		int version = k->ops->policy_version_option ? k->ops->policy_version_option(k) : -1;

		if (version < 0)
			continue;
		*ret = k;
		*ret_spec = &k->ops->options[version];
		return &k->values[version];
	}
	return NULL;
}

static int check_tokens(const struct target *t, const struct keystore *k)
{
	layout_each_volume (v, t->layout) {
		volume_each_layer (l, v) {
			if (k->ops->systemd && layer_key_bytes(l, KEY_TOKEN) &&
			    layer_keystore(l) == k)
				return k->ops->systemd->check(k);
		}
	}
	return 0;
}

/* From here on in memory; the next commit makes it so. */
static int set_version(struct target *t, const char *text)
{
	const struct option_spec *spec;
	const struct keystore *k;
	struct option_value *v = find_version(t->layout, &k, &spec), new = {0};
	const char *why = "";
	int r;

	if (!v)
		return diag_fail(DIAG_USAGE, EINVAL,
				 "--pcr-version: no keystore of %s has a pcr-public-key", t->path);
	if (option_parse(spec, &text, 1, &t->layout->arena, &new, &why) < 0)
		return diag_fail(DIAG_USAGE, EINVAL, "--pcr-version %s: %s", text, why);
	if (new.number < v->number)
		return diag_fail(DIAG_USAGE, EINVAL,
				 "--pcr-version %s: it is %s now, and what was revoked stays so",
				 text, v->text);
	new.present = new.given = true;
	*v = new;
	r = check_tokens(t, k);
	return r < 0 ? r : keyring_prepare(t->ring, k);
}

int target_rotate(struct target *t, const char *pcr_version)
{
	int r = target_unlock_all(t);

	if (r >= 0 && pcr_version)
		r = set_version(t, pcr_version);
	return r < 0 ? r : rotate_and_commit(t);
}

/* Overwrites what the target holds of its keys outside of the vault. */
static int forget_outside(const struct volume *v, struct job *job)
{
	volume_each_layer (l, v) {
		const struct layer_key_ops *keys = l->ops->keys;
		int r = keys && keys->forget ? keys->forget(l, job) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

/* Keyslots go first: after a cut the vault still lists the volume, and who runs the command again
 * gives it up. Where they cannot be overwritten its keys are given up nevertheless. */
int target_forget(struct target *t, struct volume *v)
{
	struct way_in way;
	bool before = v->forgotten;
	int r = target_unlock_all(t), outside;

	if (r < 0)
		return r;
	/* An escrow stays where `key restore --lose-others` gave a volume up. */
	if (before && !keyring_ways_in(t->ring, v->full_name, &way, 1))
		return 0;
	outside = forget_outside(v, &t->job);
	if (before)
		keyring_escrow_drop(t->ring, v, false);
	else
		r = keyring_forget(t->ring, v);
	v->forgotten = true;
	if (r >= 0)
		r = rotate_and_commit(t);
	if (r >= 0 && outside < 0)
		diag_state("the vault has given up the keys of %s; its LUKS2 keyslots may be there "
			   "still",
			   v->full_name);
	return r < 0 ? r : outside < 0 ? outside : 1;
}

static int seal_here(const char *path, struct env *env, const struct kinds *kinds)
{
	_cleanup_target_ struct target t = {0};
	int r = target_load(&t, path, IO_WRITE | IO_SHARE, env, kinds);

	if (r >= 0)
		r = target_read_keys(&t);
	if (r <= 0)
		return r;
	t.job.keys = keyring_keys(t.ring);
	return rotate_and_commit(&t);
}

int target_enrol(struct target *t, struct env *env, const struct kinds *kinds)
{
	const char *path = t->path;
	int r = 0;

	if (t->layout_from_vault && layout_anchor(t->layout))
		r = target_read_keys(t);
	if (r <= 0 || !keyring_is_sealed_elsewhere(t->ring))
		return r < 0 ? r : 0;
	target_close(t);
	r = seal_here(path, env, kinds);
	if (r >= 0)
		r = target_load(t, path, 0, env, kinds);
	return r < 0 ? r : 1;
}

int target_hardware_identity(const char *layout_path, struct env *env, const struct kinds *kinds,
			     struct text *ret)
{
	_cleanup_layout_ struct layout *layout = NULL;
	struct keystore_session *session = NULL;
	const struct keystore *k;
	int r = layout_read_file(layout_path, NULL, 0, kinds, &layout);

	k = r < 0 ? NULL : layout_anchor(layout);
	if (r >= 0 && (!k || !k->ops->identity))
		r = diag_fail(DIAG_USAGE, EINVAL,
			      "%s: no keystore of it is in hardware that can be sealed for from "
			      "elsewhere; write keystore \"device\" { backend = \"tpm2\" }",
			      layout_path);
	if (r >= 0)
		r = k->ops->begin(k, env, &session);
	if (r >= 0)
		r = k->ops->prepare(k, session, env);
	if (r >= 0 && k->ops->prepare_anchor)
		r = k->ops->prepare_anchor(k, session, env);
	if (r >= 0)
		r = k->ops->identity(k, session, env, ret);
	if (r >= 0 && ret->failed)
		r = diag_no_memory();
	if (k && k->ops->end)
		k->ops->end(session);
	return r;
}
