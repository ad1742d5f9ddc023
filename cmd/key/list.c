/* SPDX-License-Identifier: Apache-2.0 */
/* holdfast key list: which keys a device has, and what guards them. */
#include "cmd/cli/keystores.h"
#include "cmd/cli/passphrase.h"
#include "keyring/ways.h"
#include "model/key.h"
#include "target/target.h"

static const struct flag flags[] = {
    TCTI_FLAG,
    {0},
};

static const char *const purposes[] = {
    [KEY_VOLUME] = "volume", [KEY_RECOVERY] = "recovery", [KEY_TOKEN] = "systemd-token"};

static void tell(struct result *to, const struct keyring_entry *key)
{
	result_text(to, "volume", key->volume);
	result_text(to, "layer", key->layer ? key->layer->ops->name : NULL);
	result_text(to, "purpose", purposes[key->purpose % KEY_PURPOSES]);
	result_number(to, "bits", key->bytes * 8);
	result_text(to, "keystore", key->keystore);
	result_say(to, "{volume}: {layer|?}: {purpose} key, {bits} bits, keystore {keystore}");
}

/* Needs no passphrase: what is wrapped is not shown. */
static int list(struct session *s, struct target *t)
{
	struct keyring_entry keys[VOLUMES_MAX * KEY_PURPOSES];
	struct result *list;
	size_t n;
	int r = target_read_keys(t);

	if (r < 0)
		return r;
	if (r == 0) {
		result_list(s->result, "keys");
		result_say(s->result, "{target}: no keys");
		return 0;
	}
	r = tell_keystores(s, t);
	if (r < 0)
		return r;
	list = result_list(s->result, "keys");
	n = keyring_list(t->ring, keys, VOLUMES_MAX * KEY_PURPOSES);
	for (size_t i = 0; i < n; i++)
		tell(result_object(list, NULL), &keys[i]);
	return 0;
}

static int run(struct session *s, const struct call *c)
{
	_cleanup_target_ struct target t = {0};
	int r = passphrase_arguments(s, c);

	s->target = c->args[0];
	if (r >= 0)
		r = target_load(&t, c->args[0], 0, &s->env, s->kinds);
	return r < 0 ? r : list(s, &t);
}

const struct command command_key_list = {
    .name = "key list",
    .synopsis = "TARGET",
    .summary = "List which keys there are, what guards them, what erasing is worth.",
    .text = "Needs no passphrase. Also lists every way into the contents of a volume: keystores, "
	    "recovery keys, escrows, tokens of systemd, keyslots that nobody laid out.",
    .example = "holdfast key list gateway.img\n"
	       "holdfast key list /dev/mmcblk0 --json\n",
    .flags = flags,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
