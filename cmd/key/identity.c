/* SPDX-License-Identifier: Apache-2.0 */
/* holdfast key identity: what has to be known to seal for this device elsewhere. */
#include "base/file.h"
#include "base/text.h"
#include "cmd/cli/passphrase.h"
#include "target/keys.h"

static const struct flag flags[] = {
    {"output", 'o', "FILE", "Where the identity is written.", .required = true},
    TCTI_FLAG,
    OWNER_FLAGS,
    RECORD_FLAG,
    {0},
};

/* There is no target yet: the hardware of a layout. */
static int run(struct session *s, const struct call *c)
{
	const char *path = call_value(c, "output");
	_cleanup_text_ struct text text = {0};
	int r = passphrase_arguments(s, c);

	if (r >= 0)
		r = target_hardware_identity(c->args[0], &s->env, s->kinds, &text);
	if (r >= 0)
		r = file_write(path, 0644, text.s, text.len);
	if (r < 0)
		return r;
	result_text(s->result, "output", path);
	result_say(s->result, "{output}: written; `holdfast provision --for-tpm {output}` makes an "
			      "image that only this TPM opens");
	return 0;
}

const struct command command_key_identity = {
    .name = "key identity",
    .synopsis = "LAYOUT -o FILE",
    .summary = "Prepare this device's TPM, and write what sealing for it elsewhere needs.",
    .text =
	"Makes the storage key, counters and anchor for the keystore of LAYOUT, and writes what "
	"has to be known to make an image for this TPM on another machine: `holdfast provision "
	"--for-tpm FILE`. Nothing in FILE is secret.",
    .example = "holdfast key identity gateway.layout -o unit-1234.tpm\n",
    .flags = flags,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
