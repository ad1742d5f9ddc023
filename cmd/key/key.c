/* SPDX-License-Identifier: Apache-2.0 */
/* holdfast key: the keys of a device: listed, sealed anew, given up, printed for recovery. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "cmd/key/escrow.h"
#include "cmd/keystores.h"
#include "cmd/passphrase.h"
#include "cmd/key/recovery.h"
#include "target/keys.h"
#include "target/ways.h"
#include "model/key.h"

static const struct flag flags[] = {
    PASSPHRASE_FLAGS,
    HARDWARE_FLAGS,
    NEW_PASSPHRASE_FLAGS,
    OWNER_FLAGS,
    {"output", 'o', "FILE", "where a recovery key (0600), an escrow or an identity is written",
     false},
    {"pcr-version", 0, "N", "rotate: signatures over PCRs for this version count, no others",
     false},
    RECOVERY_KEY_FLAGS,
    ESCROW_FLAGS,
    {0},
};

static const char *const purposes[] = {
    [KEY_VOLUME] = "volume", [KEY_RECOVERY] = "recovery", [KEY_TOKEN] = "systemd-token"};

/* Needs no passphrase: what is wrapped is not shown. */
static int list(struct session *s, struct target *t, const struct call *c)
{
	struct vault_key_info keys[VOLUMES_MAX * KEY_PURPOSES];
	struct json *list = json_list(s->result, "keys");
	size_t n;
	int r = t->vault ? vault_keys_read(t->vault, t->layout, &s->env, &t->keys) : 0;

	if (r < 0)
		return r;
	if (r == 0) {
		session_say(s, "%s: no keys\n", t->path);
		return 0;
	}
	r = tell_keystores(s, t);
	if (r < 0)
		return r;
	n = vault_keys_list(t->keys, keys, VOLUMES_MAX * KEY_PURPOSES);
	for (size_t i = 0; i < n; i++) {
		struct json *j = json_child(list, NULL);
		const char *layer = keys[i].layer ? keys[i].layer->ops->name : NULL;

		json_text(j, "volume", keys[i].volume);
		json_text(j, "layer", layer);
		json_text(j, "purpose", purposes[keys[i].purpose % KEY_PURPOSES]);
		json_number(j, "bits", keys[i].bytes * 8);
		json_text(j, "keystore", keys[i].keystore);
		session_say(s, "%s: %s: %s key, %u bits, keystore %s\n", keys[i].volume,
			    layer ? layer : "?", purposes[keys[i].purpose % KEY_PURPOSES],
			    keys[i].bytes * 8, keys[i].keystore);
	}
	return 0;
}

/* The ways in that no device secret has part in. */
static const char *but_by(const struct vault_keys *keys)
{
	struct way_in ways[WAYS_MAX];
	size_t n = vault_ways_in(keys, NULL, ways, WAYS_MAX);
	bool token = false, recovery = false;

	for (size_t i = 0; i < n; i++) {
		token |= ways[i].kind == WAY_SYSTEMD;
		recovery |= ways[i].kind != WAY_SYSTEMD && ways[i].kind != WAY_KEYSTORE;
	}
	return token && recovery ? ", but by a recovery key, or by systemd's token on this device"
	       : token           ? ", but by systemd's token on this device"
	       : recovery        ? ", but by a recovery key"
				 : "";
}

/* What somebody does with a copy of the medium from before: by the weakest keystore. */
static const char *old_copy(const struct layout *l)
{
	bool on_device = false;

	for (size_t i = 0; i < l->n_keystores; i++) {
		const struct keystore_ops *ops = l->keystores[i]->ops;

		if (!ops->advance && !ops->references)
			return "still opens with the old passphrase";
		on_device |= ops->references != NULL;
	}
	return on_device ? "still opens on this device" : "opens no more";
}

static int rotate(struct session *s, struct target *t, const struct call *c)
{
	int r = device_keys_rotate(t, call_value(c, "pcr-version"));

	if (r >= 0)
		session_say(
		    s,
		    "%s: device secret is new; volume keys and contents are the same. A copy "
		    "of the medium from before %s%s.\n",
		    t->path, old_copy(t->layout), but_by(t->keys));
	return r;
}

static int forget(struct session *s, struct target *t, const struct call *c)
{
	struct volume *v = target_volume(t, c->args[2]);
	int r = v ? device_keys_forget(t, v) : -ENOENT;

	if (r < 0)
		return r;
	if (r == 0)
		s->code = DIAG_NOTHING_TO_DO;
	session_say(s,
		    r ? "%s: the key of %s is gone from the medium, and so are its contents\n"
		      : "%s: the key of %s was given up before\n",
		    t->path, v->full_name);
	return 0;
}

/* Where there is no target yet: the hardware of a layout. */
static int identity(struct session *s, const struct call *c)
{
	const char *path = call_value(c, "output");
	_cleanup_text_ struct text text = {0};
	int r = path ? 0 : diag_fail(DIAG_USAGE, EINVAL, "key identity needs --output FILE");

	if (r >= 0)
		r = device_keys_identity(c->args[1], &s->env, s->kinds, &text);
	if (r >= 0)
		r = file_write(path, 0644, text.s, text.len);
	if (r >= 0)
		session_say(
		    s,
		    "%s: written; `holdfast provision --for-tpm %s` makes an image that only "
		    "this TPM opens\n",
		    path, path);
	return r;
}

static const struct {
	const char *name;
	size_t args;
	unsigned flags; /* of the target */
	int (*run)(struct session *s, struct target *t, const struct call *c);
} actions[] = {
    {"list", 2, 0, list},
    {"rotate", 2, IO_WRITE | IO_SHARE, rotate},
    {"forget", 3, IO_WRITE | IO_SHARE, forget},
    {"recovery", 3, 0, recovery_key_run},
    {"escrow", 3, IO_WRITE | IO_SHARE, escrow_run},
    {"restore", 3, IO_WRITE | IO_SHARE, restore_run},
};

static int run(struct session *s, const struct call *c)
{
	_cleanup_target_ struct target t = {0};
	int r = passphrase_arguments(s, c);

	if (r >= 0 && strcmp(c->args[0], "identity") == 0)
		return c->n_args == 2
			   ? identity(s, c)
			   : diag_fail(DIAG_USAGE, EINVAL, "key identity takes a layout");
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]) && r >= 0; i++) {
		if (strcmp(actions[i].name, c->args[0]) != 0)
			continue;
		if (c->n_args < actions[i].args ||
		    (c->n_args > actions[i].args && actions[i].run != restore_run))
			return diag_fail(DIAG_USAGE, EINVAL, "key %s takes %s", actions[i].name,
					 actions[i].args == 2 ? "a target"
							      : "a target and a volume");
		r = target_load(&t, c->args[1], actions[i].flags, &s->env, s->kinds);
		s->result = json_new("result");
		return r < 0 ? r : actions[i].run(s, &t, c);
	}
	return r < 0 ? r
		     : diag_fail(
			   DIAG_USAGE, EINVAL,
			   "key %s: list, rotate, forget, recovery, escrow, restore or identity",
			   c->args[0]);
}

const struct command command_key = {
    .name = "key",
    .synopsis = "list|rotate TARGET; key forget|recovery|escrow TARGET VOLUME; key restore TARGET "
		"VOLUME...; key identity LAYOUT",
    .summary = "List a device's keys, seal them anew, give one up, put them in escrow, restore.",
    .text =
	"list shows which keys there are and what guards them. rotate draws a new device\n"
	"secret and wraps the volume keys anew: after a passphrase became known, with\n"
	"--new-passphrase-file. The volume keys stay, and so do the contents. forget gives up\n"
	"the key of a volume, for good. recovery writes the recovery key of a volume that has\n"
	"one to a file, as cryptsetup takes it, shows it as a QR code on the terminal (--qr), or\n"
	"writes a label for a printer (--qr-svg). A cut at any moment leaves the old state or the\n"
	"new one. identity, on a device, prepares its TPM for a layout and writes what has to be\n"
	"known to make an image for it elsewhere (provision --for-tpm): nothing of it is secret.\n"
	"\n"
	"escrow encrypts a recovery key of a volume to certificates (CMS, AES-256-GCM) and keeps\n"
	"the volume's keys wrapped under it. Whoever decrypts it answers with HMAC-SHA256 over\n"
	"receipt_message, the 71 characters of recovery_key being the key, as 64 hexadecimal\n"
	"digits; escrow --receipt checks that and records it, and only then drops an escrow of\n"
	"before and, with --remove-others, the recovery key that the device could print itself.\n"
	"restore seals the keys anew from it: in the same hardware, when a passphrase was lost or\n"
	"a boot state does not come back, or in other hardware, when a board was changed.",
    .example =
	"  holdfast key list gateway.img\n"
	"  holdfast key rotate /dev/mmcblk0 --passphrase-file old --new-passphrase-file new\n"
	"  holdfast key rotate /dev/mmcblk0 --pcr-version 3\n"
	"  holdfast key forget /dev/mmcblk0 data --passphrase-file p\n"
	"  holdfast key identity gateway.layout -o unit-1234.tpm\n"
	"  holdfast key escrow gateway.img data --to fleet.crt -o unit-1234.cms --passphrase-file "
	"p\n"
	"  holdfast key escrow gateway.img data --receipt unit-1234.receipt --passphrase-file p\n"
	"  holdfast key restore /dev/mmcblk0 data --recovery-key-file k --new-passphrase-file p\n"
	"  holdfast key recovery gateway.img data --passphrase-file p -o data.recovery\n"
	"  holdfast key recovery gateway.img data --passphrase-file p --qr\n",
    .flags = flags,
    .min_args = 2,
    .max_args = ARGS_MAX,
    .run = run,
};
