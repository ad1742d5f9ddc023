/* SPDX-License-Identifier: Apache-2.0 */
/* A target as a whole: its vault, its layout, and what state it is in, told from evidence. */
#ifndef HOLDFAST_TARGET_TARGET_H
#define HOLDFAST_TARGET_TARGET_H

#include "base/env.h"
#include "base/io.h"
#include "keyring/keyring.h"
#include "model/job.h"
#include "model/kinds.h"
#include "model/layout.h"
#include "model/lifecycle.h"
#include "model/medium.h"
#include "vault/vault.h"

struct target {
	struct job job;           /* for layers, media and the engine */
	const char *path;         /* as given; borrowed */
	char *work_path;          /* PATH.part while an image file is being made, else NULL */
	struct io *io;            /* the same as job.target; owned */
	struct extent vault_hint; /* where a layout has the vault; size 0: none */
	struct vault *vault;      /* NULL: none */
	bool has_plan;            /* @begun is filled in */
	struct vault_begun begun;
	struct layout *layout; /* from the vault, else from a DPS table; NULL: neither */
	bool layout_from_vault;
	bool vault_damaged; /* a vault is there, but its device part cannot be used */
	enum lifecycle state;
	char newer[1024]; /* LIFECYCLE_NEWER: what a newer holdfast made, a sentence */
	const struct medium_ops *probed_as; /* what @facts are of; NULL: nothing is read yet */
	struct medium_facts facts;          /* ask target_probe() */
	struct keyring *ring;               /* after target_read_keys() */
	bool authenticated; /* a keystore has vouched for the vault: target_authenticate() */
	/* The operation may change the keystore's hardware to finish a rotation: true with
	 * IO_WRITE; `open` sets it, too. */
	bool may_count;
};

/* Opens and locks (exclusively with IO_WRITE in @flags), and puts it into t->job. -errno
 * with a message, also where it is neither a file nor a block device. */
int target_open(struct target *t, const char *path, unsigned flags, struct env *env);
/* For provision: where there is nothing at @path, PATH.part is made or taken up again. */
int target_create(struct target *t, const char *path, struct env *env);
/* Finds the vault and the layout and decides the state. A broken vault or table is a state, not a
 * failure. */
int target_identify(struct target *t, const struct kinds *kinds);
/* What is on the target, read once for a kind of medium and kept until another kind is asked for or
 * the target is closed. What is written later does not show. */
int target_probe(struct target *t, const struct medium_ops *as, const struct medium_facts **ret);
/* Checks the table of the medium that @layout names (t->layout, where that is known): findings. */
int target_verify_medium(struct target *t, const struct layout *layout, struct report *report);
/* HF-NEWER if the state is LIFECYCLE_NEWER; else 0. */
int target_refuse_newer(const struct target *t);
/* Open, identify, and insist on a layout: what verify, read, open, status and the like begin with.
 */
int target_load(struct target *t, const char *path, unsigned flags, struct env *env,
		const struct kinds *kinds);
/* Reads the keys of the vault into t->ring; unseals nothing. 1, or 0 if there are none. */
int target_read_keys(struct target *t);
/* Unseals the keys of @volumes (of all if @n is 0) and puts them into t->job.keys; this
 * authenticates the device part. Keyless volumes ask for nothing. */
int target_unlock(struct target *t, struct volume *const *volumes, size_t n);
/* Compares the vault with the hardware's record, which makes root hashes authentic even if no
 * volume that is opened has a key; finishes a rotation if @t may. 1, or 0 if no hardware keeps a
 * record of this vault. */
int target_check_anchor(struct target *t);
/* What is asked before any volume is opened or read, keyless ones included: does a keystore vouch
 * for the vault? 1; 0 if there is no keystore, or none that can; -errno if it does not, or cannot
 * be asked here. To be called after target_unlock(), whose keys may have answered it. */
int target_authenticate(struct target *t);
/* Whoever gives a key, a passphrase, a PIN or a token counts on its being asked for: a volume that
 * was exchanged for one without a key must not pass. HF-KEY-UNUSED where none of @volumes (all if
 * @n is 0) takes it. To be called after target_authenticate(), before a volume is looked at. */
int target_refuse_unused(struct target *t, struct volume *const *volumes, size_t n);
void target_close(struct target *t);
#define _cleanup_target_ __attribute__((cleanup(target_close)))

/* By name; NULL with a message that lists the names. */
struct volume *target_volume(const struct target *t, const char *name);

#endif
