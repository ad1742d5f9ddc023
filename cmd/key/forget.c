/* SPDX-License-Identifier: Apache-2.0 */
/* holdfast key forget: gives up the keys of a volume. */
#include <errno.h>

#include "cmd/cli/passphrase.h"
#include "target/keys.h"

static const struct flag flags[] = {
    PASSPHRASE_FLAGS, NEW_PASSPHRASE_FLAGS, PIN_FLAGS, TCTI_FLAG, RECORD_FLAG, {0},
};

static int forget(struct session *s, struct target *t, const struct call *c)
{
	struct volume *v = target_volume(t, c->args[1]);
	int r = v ? target_forget(t, v) : -ENOENT;

	if (r < 0)
		return r;
	if (r == 0)
		s->code = DIAG_NOTHING_TO_DO;
	result_text(s->result, "volume", v->full_name);
	result_say(s->result, r ? "{target}: the key of {volume} is gone from the medium, and so "
				  "are its contents"
				: "{target}: the key of {volume} was given up before");
	return 0;
}

static int run(struct session *s, const struct call *c)
{
	_cleanup_target_ struct target t = {0};
	int r = passphrase_arguments(s, c);

	s->target = c->args[0];
	if (r >= 0)
		r = target_load(&t, c->args[0], IO_WRITE | IO_SHARE, &s->env, s->kinds);
	return r < 0 ? r : forget(s, &t, c);
}

const struct command command_key_forget = {
    .name = "key forget",
    .synopsis = "TARGET VOLUME",
    .summary = "Give up the keys of a volume, and with them its contents, for good.",
    .text = "Also overwrites its LUKS2 keyslots, and seals the keys of the other volumes under a "
	    "new device secret. A volume that was given up before: HF-NOTHING-TO-DO.\n\n"
	    "A cut at any moment leaves the old state or the new one.",
    .status = "2 when a passphrase is needed and was not given. 3 when the vault was changed by "
	      "somebody without the key. 5 when the passphrase is wrong.",
    .example = "holdfast key forget /dev/mmcblk0 data --passphrase-file p\n",
    .flags = flags,
    .min_args = 2,
    .max_args = 2,
    .run = run,
};
