/* SPDX-License-Identifier: Apache-2.0 */
/* holdfast key escrow: a recovery key that somebody else keeps. */
#include <errno.h>

#include "cmd/cli/passphrase.h"
#include "target/escrow.h"

#define RECIPIENTS_MAX 16

static const struct flag flags[] = {
    {"to", 0, "CERT",
     "The certificate (PEM) of a recipient, who will be able to read it: RSA of at least 2048 "
     "bits, or an "
     "elliptic curve. May be repeated; its dates are not looked at.",
     .needs = "output", .excludes = "receipt"},
    {"output", 'o', "FILE", "Where the escrow is written.", .needs = "to"},
    {"receipt", 0, "FILE", "The answer of who keeps it."},
    {"remove-others", 0, NULL,
     "The device forgets its own copy of the recovery key, which it could print.",
     .needs = "receipt",
     .why = "nothing is removed before somebody has proved to have the recovery key"},
    PASSPHRASE_FLAGS,
    PIN_FLAGS,
    TCTI_FLAG,
    RECORD_FLAG,
    {0},
};

static int make(struct session *s, struct target *t, const struct call *c, const struct volume *v)
{
	const char *certificates[RECIPIENTS_MAX], *path = call_value(c, "output");
	size_t n = call_values(c, "to", certificates, RECIPIENTS_MAX);
	uint8_t nonce[ESCROW_NONCE_BYTES];
	int r;

	r = target_escrow(t, v, certificates, n, path, nonce);
	if (r < 0)
		return r;
	result_text(s->result, "volume", v->full_name);
	result_hex(s->result, "nonce", nonce, sizeof(nonce));
	result_number(s->result, "recipients", n);
	result_text(s->result, "output", path);
	result_say(s->result,
		   "{output}: a recovery key of {volume}, for {recipients} recipient{recipients#}; "
		   "whoever of them has the medium has the contents. It counts when `key escrow "
		   "--receipt` has their answer.");
	return 0;
}

static int confirm(struct session *s, struct target *t, const struct call *c,
		   const struct volume *v)
{
	bool remove_others = call_has(c, "remove-others");
	int r = target_confirm_escrow(t, v, call_value(c, "receipt"), remove_others);

	if (r < 0)
		return r;
	result_text(s->result, "volume", v->full_name);
	result_flag(s->result, "confirmed", true);
	result_flag(s->result, "others_removed", remove_others);
	if (r == 0)
		s->code = DIAG_NOTHING_TO_DO;
	result_say(s->result, "{target}: the escrow of {volume} is confirmed{others_removed?, and "
			      "no other recovery key of it is kept here}");
	return 0;
}

static int escrow(struct session *s, struct target *t, const struct call *c)
{
	struct volume *v = target_volume(t, c->args[1]);

	if (!v)
		return -ENOENT;
	return call_has(c, "receipt") ? confirm(s, t, c, v) : make(s, t, c, v);
}

static int run(struct session *s, const struct call *c)
{
	_cleanup_target_ struct target t = {0};
	int r = passphrase_arguments(s, c);

	s->target = c->args[0];
	if (r >= 0)
		r = target_load(&t, c->args[0], IO_WRITE | IO_SHARE, &s->env, s->kinds);
	return r < 0 ? r : escrow(s, &t, c);
}

const struct command command_key_escrow = {
    .name = "key escrow",
    .synopsis = "TARGET VOLUME --to CERT… -o FILE | --receipt FILE [--remove-others]",
    .summary = "Encrypt a recovery key to certificates; confirm who keeps it.",
    .text =
	"Encrypts a recovery key of a volume to certificates (CMS, AES-256-GCM, in PEM form), and "
	"keeps the keys of the volume wrapped under it in the vault. A volume that has a recovery "
	"key of its own gets no other: one printed key serves both. Refused where the volume's "
	"keystore has erase = \"final\", and for keys that only the kernel has.\n\n"
	"Decrypted, the file is one line of JSON: volume, nonce, receipt_message and recovery_key. "
	"Whoever keeps it answers with HMAC-SHA256 over receipt_message, the 71 characters of "
	"recovery_key being the key, as 64 hexadecimal digits. --receipt checks that answer and "
	"records it. Only then is an earlier escrow dropped, and with --remove-others the copy of "
	"the recovery key that the device could print.\n\n"
	"A cut at any moment leaves the old state or the new one.",
    .status = "2 when a certificate cannot be used. 3 when the vault was changed by somebody "
	      "without the key. 5 when the passphrase or the receipt is wrong.",
    .example = "holdfast key escrow d.img data --to fleet.crt -o d.cms --passphrase-file p\n"
	       "holdfast key escrow d.img data --receipt d.receipt --passphrase-file p\n",
    .flags = flags,
    .one_of = "to receipt",
    .min_args = 2,
    .max_args = 2,
    .run = run,
};
