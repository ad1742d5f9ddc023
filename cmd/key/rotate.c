/* SPDX-License-Identifier: Apache-2.0 */
/* holdfast key rotate: a new device secret; volume keys and contents stay. */
#include "cmd/cli/passphrase.h"
#include "target/keys.h"
#include "target/ways.h"

static const struct flag flags[] = {
    PASSPHRASE_FLAGS,
    NEW_PASSPHRASE_FLAGS,
    PIN_FLAGS,
    TCTI_FLAG,
    OWNER_FLAGS,
    {"pcr-version", 0, "N",
     "For a keystore with pcr-public-key: signatures over PCRs for version N count from then on, "
     "and no others; it is only raised. The image that runs must be signed for both versions. The "
     "TPM's anchor is made again, which may need the owner's authorisation."},
    RECORD_FLAG,
    {0},
};

/* In which other ways an older copy of the medium still opens. */
static void tell_other_ways(struct result *to, const struct keyring *ring)
{
	struct way_in ways[WAYS_MAX];
	size_t n = keyring_ways_in(ring, NULL, ways, WAYS_MAX);
	struct result *list = result_list(to, "also_by");
	bool token = false, recovery = false;

	for (size_t i = 0; i < n; i++) {
		token |= ways[i].kind == WAY_SYSTEMD;
		recovery |= ways[i].kind != WAY_SYSTEMD && ways[i].kind != WAY_KEYSTORE;
	}
	if (recovery)
		result_word(list, NULL, "recovery-key", "but by a recovery key");
	if (token)
		result_word(list, NULL, "systemd-token",
			    recovery ? "or by systemd's token on this device"
				     : "but by systemd's token on this device");
}

/* What somebody does with a copy of the medium from before: by the weakest keystore. */
static void tell_old_copy(struct result *to, const struct layout *l)
{
	bool on_device = false;

	for (size_t i = 0; i < l->n_keystores; i++) {
		const struct keystore_ops *ops = l->keystores[i]->ops;

		if (!ops->advance && !ops->references) {
			result_word(to, "old_copy", "old-passphrase",
				    "still opens with the old passphrase");
			return;
		}
		on_device |= ops->references != NULL;
	}
	if (on_device)
		result_word(to, "old_copy", "this-device", "still opens on this device");
	else
		result_word(to, "old_copy", "closed", "opens no more");
}

static int rotate(struct session *s, struct target *t, const struct call *c)
{
	int r = target_rotate(t, call_value(c, "pcr-version"));

	if (r < 0)
		return r;
	tell_old_copy(s->result, t->layout);
	tell_other_ways(s->result, t->ring);
	result_say(s->result,
		   "{target}: device secret is new; volume keys and contents are the same. A copy "
		   "of the medium from before {old_copy}[, {also_by}].");
	return 0;
}

static int run(struct session *s, const struct call *c)
{
	_cleanup_target_ struct target t = {0};
	int r = passphrase_arguments(s, c);

	s->target = c->args[0];
	if (r >= 0)
		r = target_load(&t, c->args[0], IO_WRITE | IO_SHARE, &s->env, s->kinds);
	return r < 0 ? r : rotate(s, &t, c);
}

const struct command command_key_rotate = {
    .name = "key rotate",
    .synopsis = "TARGET [--new-passphrase-file FILE] [--pcr-version N]",
    .summary = "Draw a new device secret and wrap the volume keys under it.",
    .text =
	"For when a passphrase became known: with --new-passphrase-file. The volume keys stay, and "
	"so do the contents. A copy of the medium from before still opens with the old passphrase "
	"(backend file), on the same device (trusted), or no more (tpm2, tee); by a recovery key, "
	"an escrow or a token of systemd it opens as before.\n\n"
	"A cut at any moment leaves the old state or the new one.",
    .status = "2 when a passphrase is needed and was not given. 3 when the vault was changed by "
	      "somebody without the key. 5 when the passphrase is wrong.",
    .example = "holdfast key rotate d.img --passphrase-file old --new-passphrase-file new\n"
	       "holdfast key rotate /dev/mmcblk0 --pcr-version 3\n",
    .flags = flags,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
