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

/* Needs no passphrase: what is wrapped is not shown. */
static int list(struct session *s, struct target *t)
{
	struct keyring_entry keys[VOLUMES_MAX * KEY_PURPOSES];
	struct json *list = json_list(s->result, "keys");
	size_t n;
	int r = target_read_keys(t);

	if (r < 0)
		return r;
	if (r == 0) {
		session_say(s, "%s: no keys\n", t->path);
		return 0;
	}
	r = tell_keystores(s, t);
	if (r < 0)
		return r;
	n = keyring_list(t->ring, keys, VOLUMES_MAX * KEY_PURPOSES);
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

static int run(struct session *s, const struct call *c)
{
	_cleanup_target_ struct target t = {0};
	int r = passphrase_arguments(s, c);

	s->target = c->args[0];
	if (r >= 0)
		r = target_load(&t, c->args[0], 0, &s->env, s->kinds);
	s->result = json_new("result");
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
