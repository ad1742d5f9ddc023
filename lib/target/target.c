/* SPDX-License-Identifier: Apache-2.0 */
/* A target as a whole: its vault, its layout, and what state it is in, told from evidence. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/text.h"
#include "keyring/anchor.h"
#include "keyring/authentic.h"
#include "keyring/choose.h"
#include "keyring/interface.h"
#include "keyring/record.h"
#include "model/build.h"
#include "model/key.h"
#include "target/bare.h"
#include "target/target.h"
#include "vault/find.h"
#include "vault/layout.h"

static void set_io(struct target *t, struct io *io, const char *path, struct env *env)
{
	if (env->wrap_target)
		io = env->wrap_target(io);
	t->path = path;
	t->io = io;
	t->job = (struct job){.env = env,
			      .target = io,
			      .target_name = path,
			      .keys = env->input ? env->input->given : NULL};
}

int target_open(struct target *t, const char *path, unsigned flags, struct env *env)
{
	struct io *io;
	int r;

	*t = (struct target){0};
	r = io_open_file(path, flags | IO_LOCK, &io);
	if (r < 0)
		return r;
	set_io(t, io, path, env);
	t->may_count = flags & IO_WRITE;
	return 0;
}

static bool exists(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

int target_create(struct target *t, const char *path, struct env *env)
{
	char *part;
	struct io *io;
	int r;

	if (exists(path))
		return target_open(t, path, IO_WRITE | IO_SHARE, env);
	*t = (struct target){0};
	part = text_make("%s.part", path);
	if (!part)
		return diag_no_memory();
	r = io_open_file(part, IO_WRITE | IO_CREATE | IO_LOCK, &io);
	if (r < 0) {
		free(part);
		return r;
	}
	if (exists(path)) { /* another one finished between the look and the lock */
		unlink(part);
		io_close(io);
		free(part);
		return target_open(t, path, IO_WRITE | IO_SHARE, env);
	}
	set_io(t, io, path, env);
	t->may_count = true;
	t->work_path = part;
	return 0;
}

void target_close(struct target *t)
{
	t->ring = keyring_free(t->ring);
	t->vault = vault_close(t->vault);
	t->layout = layout_free(t->layout);
	facts_free(&t->facts);
	t->probed_as = NULL;
	t->io = io_close(t->io);
	free(t->work_path);
	t->work_path = NULL;
}

int target_probe(struct target *t, const struct medium_ops *as, const struct medium_facts **ret)
{
	int r = 0;

	if (t->probed_as != as) {
		facts_free(&t->facts);
		t->probed_as = NULL;
		r = as->probe(&t->job, &t->facts);
	}
	if (r < 0)
		return r;
	t->probed_as = as;
	*ret = &t->facts;
	return 0;
}

int target_verify_medium(struct target *t, const struct layout *layout, struct report *report)
{
	const struct medium *m = layout->media[0];
	const struct medium_facts *facts;
	DIAG_SCOPE("medium %s", m->name);
	int r;

	if (!m->ops->verify)
		return 0;
	r = target_probe(t, m->ops, &facts);
	return r < 0 ? r : m->ops->verify(m, layout, facts, &t->job, report);
}

/* The volumes that a table alone tells of. */
static int discover(struct target *t, const struct medium_ops *gpt,
		    const struct medium_facts *facts, const struct kinds *kinds)
{
	_cleanup_layout_ struct layout *layout = layout_new();
	const struct where nowhere = {0};
	struct medium *m = layout ? layout_add_medium(layout, gpt, "disk", nowhere) : NULL;
	int r;

	if (!m)
		return -ENOMEM;
	r = gpt->discover(m, layout, facts, &t->job, kinds->layers);
	if (r < 0)
		return r;
	t->layout = TAKE(layout);
	return 0;
}

/* No vault: what does the table, or the bare target, look like? */
static int look_at_table(struct target *t, const struct kinds *kinds)
{
	const struct medium_ops *gpt = kinds->media[0];
	const struct medium_facts *facts;
	int r = target_probe(t, gpt, &facts);

	if (r < 0)
		return r;
	switch (facts->table) {
	case TABLE_NONE:
		t->state = t->vault_damaged ? LIFECYCLE_DAMAGED : LIFECYCLE_BLANK;
		return 0;
	case TABLE_DAMAGED:
		t->state = LIFECYCLE_DAMAGED;
		return 0;
	case TABLE_FOREIGN:
	case TABLE_OURS:
		break;
	}
	t->state = t->vault_damaged ? LIFECYCLE_DAMAGED : LIFECYCLE_FOREIGN;
	if (facts->table == TABLE_OURS)
		return discover(t, gpt, facts, kinds);
	r = bare_recognise(t, kinds);
	return r < 0 ? r : 0;
}

/* The layout of the copy that counts: where the copies differ, the hardware knows which. */
static int read_layout(struct target *t, const struct kinds *kinds)
{
	int r = vault_read_layout(t->vault, kinds, &t->layout);

	if (r != 1 || !keyring_choose_copy(t->vault, t->layout, t->job.env))
		return r;
	t->layout = layout_free(t->layout);
	return vault_read_layout(t->vault, kinds, &t->layout);
}

static int look_at_vault(struct target *t, const struct kinds *kinds)
{
	int r = vault_refuse_newer(t->vault);

	if (r < 0)
		return r;
	t->has_plan = vault_begun(t->vault, &t->begun) == 1;
	r = read_layout(t, kinds);
	if (r < 0)
		return r;
	t->layout_from_vault = r == 1;
	if (t->layout)
		r = keyring_refuse_newer(t->vault, t->layout);
	if (r < 0)
		return r;
	if (t->has_plan && !t->begun.complete)
		t->state = LIFECYCLE_PROVISIONING;
	else if (!t->layout_from_vault)
		t->state = LIFECYCLE_DAMAGED;
	else
		t->state =
		    t->has_plan && t->begun.shared ? LIFECYCLE_SHARED : LIFECYCLE_PROVISIONED;
	return 0;
}

/* The vault, or a part of it, was made by a newer holdfast: nothing else of it is believed. */
static void take_as_newer(struct target *t, size_t mark)
{
	const struct diag_record *d = diag_get(mark);

	snprintf(t->newer, sizeof(t->newer), "%s", d ? d->text : "");
	diag_forget(mark);
	t->layout = layout_free(t->layout);
	t->layout_from_vault = t->has_plan = false;
	t->begun = (struct vault_begun){0};
	t->state = LIFECYCLE_NEWER;
}

int target_identify(struct target *t, const struct kinds *kinds)
{
	size_t mark = diag_count();
	int r;

	if (t->io->size_bytes == 0) {
		t->state = LIFECYCLE_BLANK;
		return 0;
	}
	r = t->vault_hint.size_bytes
		? vault_open(t->io, t->vault_hint.offset_bytes, t->vault_hint.size_bytes, &t->vault)
		: 0;
	if (r == 0)
		r = vault_find(t->io, &t->vault);
	if (r == 1) {
		r = look_at_vault(t, kinds);
		if (r >= 0 && (t->layout || t->state == LIFECYCLE_PROVISIONING))
			return 0;
	}
	if (r == -ENOTSUP) {
		take_as_newer(t, mark);
		return 0;
	}
	if (r < 0 && (r == -EIO || r == -ENOMEM))
		return r;
	if (r < 0 || t->vault) {
		for (size_t i = mark; i < diag_count() && diag_get(i); i++)
			diag_warn("%s", diag_get(i)->text);
		diag_forget(mark);
		t->vault_damaged = true;
	}
	return look_at_table(t, kinds);
}

int target_refuse_newer(const struct target *t)
{
	int r;

	if (t->state != LIFECYCLE_NEWER)
		return 0;
	r = diag_fail(DIAG_NEWER, ENOTSUP, "%s: %s", t->path, t->newer);
	diag_state("nothing was opened, nothing was changed");
	diag_next("use a holdfast that knows it; `holdfast provision --replace=newer` gives up "
		  "everything on %s",
		  t->path);
	return r;
}

int target_load(struct target *t, const char *path, unsigned flags, struct env *env,
		const struct kinds *kinds)
{
	int r = target_open(t, path, flags, env);

	if (r >= 0)
		r = target_identify(t, kinds);
	if (r >= 0)
		r = target_refuse_newer(t);
	if (r < 0)
		return r;
	if (t->state == LIFECYCLE_PROVISIONING) {
		r = diag_fail(DIAG_INCOMPLETE, EUCLEAN,
			      "%s: provisioning was begun and not finished", path);
		diag_next("run the same `holdfast provision` command again");
		return r;
	}
	if (t->layout)
		return 0;
	r = diag_fail(DIAG_NOT_LAID_OUT, ENODATA,
		      "%s: %s: neither a vault nor a partition table that can be used", path,
		      lifecycle_name(t->state));
	diag_next("holdfast recovery assess %s", path);
	return r;
}

int target_read_keys(struct target *t)
{
	int r = t->ring ? 1 : 0;

	if (r == 0 && t->vault)
		r = keyring_read(t->vault, t->layout, t->job.env, &t->ring);
	if (r == 1 && t->may_count)
		keyring_allow_counting(t->ring);
	return r;
}

/* The first layer that has a key, of @volumes or of all; NULL: there is none. */
static const struct layer *first_keyed(const struct target *t, struct volume *const *volumes,
				       size_t n)
{
	layout_all_where_none(t->layout, &volumes, &n);
	for (size_t i = 0; i < n; i++) {
		volume_each_layer (l, volumes[i]) {
			if (layer_key_bytes(l, KEY_VOLUME))
				return l;
		}
	}
	return NULL;
}

int target_unlock(struct target *t, struct volume *const *volumes, size_t n)
{
	int r;

	if (!first_keyed(t, volumes, n) || !t->layout_from_vault || t->job.keys)
		return 0;
	r = target_read_keys(t);
	if (r <= 0)
		return r; /* no keys at all: the layer that asks for one reports it */
	t->job.keys = keyring_keys(t->ring);
	return keyring_unlock(t->ring, volumes, n);
}

int target_check_anchor(struct target *t)
{
	int r = 0, compared;

	if (!t->ring && t->layout_from_vault && layout_anchor(t->layout))
		r = target_read_keys(t);
	if (r < 0 || !t->ring)
		return r;
	compared = r = keyring_compare_anchors(t->ring);
	t->authenticated |= r == 1 && !keyring_is_sealed_elsewhere(t->ring);
	if (r == 1 && t->may_count)
		r = keyring_finish_rotations(t->ring);
	return r < 0 ? r : compared;
}

int target_authenticate(struct target *t)
{
	int r = t->authenticated ? 1 : 0;

	if (r == 1 || !t->layout_from_vault)
		return r;
	r = target_read_keys(t);
	if (r == 1) {
		r = keyring_authenticate(t->ring);
		if (r < 0)
			diag_state("nothing was opened or read: whether the vault is genuine is "
				   "asked before that; --without-keystore goes on without it");
	}
	t->authenticated = r == 1;
	return r;
}

static int refuse_unused(const struct target *t, const char *option)
{
	int r = diag_fail(DIAG_KEY_UNUSED, ENOKEY, "%s: nothing takes what --%s gives", t->path,
			  option);

	diag_state("nothing was opened, read or changed");
	diag_next(
	    "is it the right device? `holdfast status %s` says what is there; leave the option "
	    "out where nothing is meant to have a key",
	    t->path);
	return r;
}

int target_refuse_unused(struct target *t, struct volume *const *volumes, size_t n)
{
	const struct key_input *input = t->job.env->input;
	const struct layer *l = first_keyed(t, volumes, n);
	const struct secret *key;
	const char *option;
	int r = 0;

	if (!input)
		return 0;
	if (input->given && !l)
		return refuse_unused(t, input->given_by);
	if (input->given) /* a token may ask for a PIN */
		r = layer_key(l, &t->job, KEY_VOLUME, &key);
	option = r >= 0 && input->unused ? input->unused(input->ctx) : NULL;
	return option ? refuse_unused(t, option) : r;
}

struct volume *target_volume(const struct target *t, const char *name)
{
	struct volume *v = layout_volume(t->layout, name);
	_cleanup_text_ struct text names = {0};

	if (v)
		return v;
	layout_each_volume (other, t->layout)
		text_add(&names, "%s%s", names.len ? ", " : "", other->full_name);
	diag_fail(DIAG_NO_VOLUME, ENOENT, "%s: no volume \"%s\"; there are: %s", t->path, name,
		  names.s ? names.s : "none");
	return NULL;
}
