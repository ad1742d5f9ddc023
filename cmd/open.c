/* SPDX-License-Identifier: Apache-2.0 */
/* holdfast open: volumes through the kernel, all or none. */
#include <errno.h>

#include "cmd/cli/keystores.h"
#include "cmd/cli/open-arguments.h"
#include "cmd/cli/passphrase.h"
#include "cmd/cli/volume-key.h"
#include "target/keys.h"
#include "stack/open.h"
#include "keyring/seal.h"

static const struct flag flags[] = {
    OPEN_FLAGS,
    {"read-only", 'r', NULL, "Opens nothing for writing."},
    PASSPHRASE_FLAGS,
    PIN_FLAGS,
    TCTI_FLAG,
    VOLUME_KEY_FLAGS,
    {"require-anchor", 0, NULL,
     "Opens only from a vault that the keystore's hardware has recorded. For a verified "
     "initramfs: without it, a vault that has no keystore in hardware is used as it is, whoever "
     "wrote it.",
     .excludes = "without-keystore"},
    WITHOUT_KEYSTORE_FLAG,
    RECORD_FLAG,
    {0},
};

static void tell(struct result *to, const struct volume *v, const struct place *p)
{
	result_text(to, "volume", v->full_name);
	result_text(to, "path", p->path);
	result_flag(to, "read_only", p->read_only);
	result_say(to, "{volume} {path}");
}

/* All, and then no more until the next boot, where a keystore wants that; or none. */
static int open_all(struct session *s, struct target *t, struct volume **volumes, int n,
		    const struct open_how *how)
{
	struct place places[VOLUMES_MAX];
	struct result *list = result_list(s->result, "opened");
	int r = 0, done;

	for (done = 0; done < n && r >= 0; done++)
		r = stack_open(volumes[done], &t->job, how, &places[done]);
	if (r < 0)
		done--; /* what failed has cleaned up after itself */
	else if (t->ring)
		r = keyring_lock(t->ring);
	for (int i = 0; i < n && r >= 0; i++)
		tell(result_object(list, NULL), volumes[i], &places[i]);
	if (r >= 0)
		return 0;
	diag_state("everything that this run opened was closed again");
	while (--done >= 0)
		stack_close(volumes[done], &t->job, how);
	return r;
}

/* The first opening of an image that was made for this hardware where it was not. */
static int enrol(struct target *t, struct env *env, const struct kinds *kinds)
{
	int r = target_enrol(t, env, kinds);

	if (r == 1)
		diag_note("%s was made for this device elsewhere: its keys are sealed here now",
			  t->path);
	return r;
}

/* Whoever guards keys of this target also knows which vault is the true one. */
static int check_anchor(struct session *s, const struct call *c, struct target *t)
{
	int r = call_has(c, "without-keystore") ? 0 : target_check_anchor(t);

	if (r == 0 && call_has(c, "require-anchor")) {
		r = diag_fail(DIAG_VAULT_OLD, EUCLEAN, "%s: no hardware has a record of its vault",
			      t->path);
		diag_state("nothing was opened");
	}
	return r < 0 ? r : keystores_authenticate(t, c);
}

static int run(struct session *s, const struct call *c)
{
	_cleanup_target_ struct target t = {0};
	struct volume *volumes[VOLUMES_MAX];
	struct open_how how;
	int n, r = open_arguments(c, &how);

	if (r >= 0)
		r = passphrase_arguments(s, c);
	if (r >= 0)
		r = volume_key_arguments(s, c);
	s->target = c->args[0];
	if (r >= 0)
		r = target_load(&t, c->args[0], 0, &s->env, s->kinds);
	if (r >= 0)
		r = refuse_damaged_vault(&t, c);
	if (r >= 0)
		r = enrol(&t, &s->env, s->kinds);
	if (r < 0)
		return r;
	t.may_count = true;
	n = open_volumes(c, &t, volumes);
	r = n > 0 ? target_unlock(&t, volumes, (size_t)n) : n;
	if (r >= 0)
		r = check_anchor(s, c, &t);
	if (r >= 0)
		r = target_refuse_unused(&t, volumes, (size_t)n);
	return r < 0 ? r : open_all(s, &t, volumes, n, &how);
}

const struct command command_open = {
    .name = "open",
    .synopsis = "TARGET [VOLUME…] [--mount DIR] [--prefix NAME]",
    .summary = "Open volumes through the kernel, and mount them where asked.",
    .text =
	"Prints the device or directory of each. Without VOLUME all that hold something are "
	"opened; where one fails, those opened before are closed again. Tables are built from the "
	"vault's records, not from superblocks on the medium. Keys are unsealed once, for all "
	"volumes, and given to the kernel through its keyring.\n\n"
	"A keystore that guards keys of the target is asked first whether the vault is genuine, "
	"also for volumes without keys: hardware by its record, the others by the vault's MAC, "
	"which takes the passphrase. Where a keystore has lock = true, its "
	"hardware releases nothing more until the next boot.",
    .status =
	"3 when a superblock is not the one that was laid out. 7 when a volume is open already.",
    .example = "holdfast open /dev/mmcblk0 root:a\n"
	       "holdfast open /dev/mmcblk0 --mount /mnt\n",
    .flags = flags,
    .min_args = 1,
    .max_args = ARGS_MAX - 1,
    .run = run,
};
