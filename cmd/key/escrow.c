/* SPDX-License-Identifier: Apache-2.0 */
/* key escrow, key restore: recovery keys that somebody else keeps. */
#include <errno.h>

#include "base/hex.h"
#include "base/text.h"
#include "cmd/key/escrow.h"
#include "cmd/passphrase.h"
#include "target/escrow.h"

#define RECIPIENTS_MAX 16

static int make(struct session *s, struct target *t, const struct call *c, const struct volume *v)
{
	const char *certificates[RECIPIENTS_MAX], *path = call_value(c, "output");
	size_t n = call_values(c, "to", certificates, RECIPIENTS_MAX);
	uint8_t nonce[ESCROW_NONCE_BYTES];
	char hex[2 * ESCROW_NONCE_BYTES + 1];
	int r;

	if (!n || !path)
		return diag_fail(DIAG_USAGE, EINVAL,
				 "key escrow needs --to CERT and --output FILE, or --receipt FILE");
	r = device_escrow(t, v, certificates, n, path, nonce);
	if (r < 0)
		return r;
	hex_encode(nonce, sizeof(nonce), hex);
	json_text(s->result, "volume", v->full_name);
	json_text(s->result, "nonce", hex);
	json_number(s->result, "recipients", n);
	json_text(s->result, "output", path);
	session_say(s,
		    "%s: a recovery key of %s, for %zu recipient%s; whoever of them has the medium "
		    "has the contents. It counts when `key escrow --receipt` has their answer.\n",
		    path, v->full_name, n, n == 1 ? "" : "s");
	return 0;
}

static int confirm(struct session *s, struct target *t, const struct call *c,
		   const struct volume *v)
{
	bool remove_others = call_has(c, "remove-others");
	int r = device_escrow_confirm(t, v, call_value(c, "receipt"), remove_others);

	if (r < 0)
		return r;
	json_text(s->result, "volume", v->full_name);
	json_flag(s->result, "confirmed", true);
	if (r == 0)
		s->code = DIAG_NOTHING_TO_DO;
	session_say(s, "%s: the escrow of %s is confirmed%s\n", t->path, v->full_name,
		    remove_others ? ", and no other recovery key of it is kept here" : "");
	return 0;
}

int escrow_run(struct session *s, struct target *t, const struct call *c)
{
	struct volume *v = target_volume(t, c->args[2]);

	if (!v)
		return -ENOENT;
	if (call_has(c, "receipt"))
		return confirm(s, t, c, v);
	if (call_has(c, "remove-others"))
		return diag_fail(DIAG_USAGE, EINVAL,
				 "--remove-others goes with --receipt: nothing is removed before "
				 "somebody has proved to have the recovery key");
	return make(s, t, c, v);
}

static int restore(struct session *s, struct target *t, const struct call *c, struct restoring *of,
		   size_t n)
{
	_cleanup_text_ struct text lost = {0};
	int r = device_restore(t, of, n, call_has(c, "lose-others"), &lost);

	if (r < 0)
		return r;
	json_number(s->result, "restored", n);
	json_text(s->result, "lost", lost.s ? lost.s : "");
	session_say(s,
		    "%s: the keys of %zu volume%s are sealed anew in the hardware that is here\n",
		    t->path, n, n == 1 ? "" : "s");
	if (lost.len)
		session_say(s, "given up: %s\n", lost.s);
	diag_note("what the vault says of volumes without an escrow is taken as it stands: verify "
		  "them against what was shipped");
	return 0;
}

int restore_run(struct session *s, struct target *t, const struct call *c)
{
	const char *files[ARGS_MAX];
	struct restoring of[ARGS_MAX];
	size_t n = c->n_args - 2, read = 0;
	int r = 0;

	if (call_values(c, "recovery-key-file", files, ARGS_MAX) != n)
		return diag_fail(DIAG_USAGE, EINVAL,
				 "key restore needs as many --recovery-key-file as volumes, in "
				 "their order");
	for (size_t i = 0; i < n && r >= 0; i++) {
		of[i].volume = target_volume(t, c->args[2 + i]);
		r = of[i].volume ? passphrase_read_file(files[i], &of[i].words) : -ENOENT;
		read += r >= 0;
	}
	if (r >= 0)
		r = restore(s, t, c, of, n);
	for (size_t i = 0; i < read; i++)
		secret_free(of[i].words);
	return r;
}
