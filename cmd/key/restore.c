/* SPDX-License-Identifier: Apache-2.0 */
/* holdfast key restore: the keys of volumes, from the recovery keys that somebody else kept. */
#include <errno.h>

#include "base/text.h"
#include "cmd/cli/passphrase.h"
#include "target/escrow.h"

static const struct flag flags[] = {
    {"recovery-key-file", 0, "FILE",
     "A recovery key, with or without dashes; once for each volume, in their order.",
     .required = true},
    {"lose-others", 0, NULL, "Gives up the volumes that nothing opens."},
    {"accept-vault", 0, NULL,
     "The hardware has recorded another vault, and this one shall count: an older state of the "
     "medium, or a board that guarded another device. What it guards now never opens again."},
    PASSPHRASE_FLAGS,
    NEW_PASSPHRASE_FLAGS,
    PIN_FLAGS,
    TCTI_FLAG,
    OWNER_FLAGS,
    RECORD_FLAG,
    {0},
};

static int reseal(struct session *s, struct target *t, const struct call *c, struct restoring *of,
		  size_t n)
{
	_cleanup_text_ struct text lost = {0};
	const struct restore_consent consent = {.lose_others = call_has(c, "lose-others"),
						.accept_vault = call_has(c, "accept-vault")};
	int r = target_restore(t, of, n, &consent, &lost);

	if (r < 0)
		return r;
	result_number(s->result, "restored", n);
	result_text(s->result, "lost", lost.s ? lost.s : "");
	result_say(s->result, "{target}: the keys of {restored} volume{restored#} are now sealed "
			      "in the hardware that is here");
	if (lost.len)
		result_say(s->result, "given up: {lost}");
	diag_note("what the vault says of volumes without an escrow is accepted as it is: verify "
		  "them against what was shipped");
	return 0;
}

static int restore(struct session *s, struct target *t, const struct call *c)
{
	const char *files[ARGS_MAX];
	struct restoring of[ARGS_MAX];
	size_t n = c->n_args - 1, read = 0;
	int r = 0;

	if (call_values(c, "recovery-key-file", files, ARGS_MAX) != n)
		return diag_fail(DIAG_USAGE, EINVAL,
				 "key restore needs as many --recovery-key-file as volumes, in "
				 "their order");
	for (size_t i = 0; i < n && r >= 0; i++) {
		of[i].volume = target_volume(t, c->args[1 + i]);
		r = of[i].volume ? passphrase_read_file(files[i], &of[i].words) : -ENOENT;
		read += r >= 0;
	}
	if (r >= 0)
		r = reseal(s, t, c, of, n);
	for (size_t i = 0; i < read; i++)
		secret_free(of[i].words);
	return r;
}

static int run(struct session *s, const struct call *c)
{
	_cleanup_target_ struct target t = {0};
	int r = passphrase_arguments(s, c);

	s->target = c->args[0];
	if (r >= 0)
		r = target_load(&t, c->args[0], IO_WRITE | IO_SHARE, &s->env, s->kinds);
	return r < 0 ? r : restore(s, &t, c);
}

const struct command command_key_restore = {
    .name = "key restore",
    .synopsis = "TARGET VOLUME… --recovery-key-file FILE… [--lose-others] [--accept-vault]",
    .summary = "Seal the keys of volumes in this hardware, from their escrows.",
    .text =
	"In the same hardware when a passphrase was lost or a boot state does not come back, or in "
	"other hardware when a board was changed. The files hold recovery_key, one for each volume "
	"in their order. Where the keystore does not open, keys without an escrow would be lost: "
	"that is refused, with their names, unless --lose-others is given.\n\n"
	"What the vault says of the restored volumes and of the keystores is bound into the "
	"escrow; what it says of keyless volumes is accepted as it is.\n\n"
	"A cut at any moment leaves the old state or the new one.",
    .status =
	"2 when a passphrase is needed and was not given. 3 when the vault was changed by "
	"somebody without the key. 5 when the recovery key is wrong, or others would be lost.",
    .example = "holdfast key restore d.img data --recovery-key-file k "
	       "--new-passphrase-file p\n",
    .flags = flags,
    .min_args = 2,
    .max_args = ARGS_MAX,
    .run = run,
};
