/* SPDX-License-Identifier: Apache-2.0 */
/* What guards the keys of a target, told to people and scripts. */
#include <inttypes.h>
#include <stdio.h>

#include "base/hex.h"
#include "base/text.h"
#include "cmd/cli/keystores.h"
#include "target/ways.h"
#include "keyring/anchor.h"
#include "model/key.h"

static const char *const strengths[] = {[ERASE_MEDIA] = "media", [ERASE_FINAL] = "final"};
static const char *const erasing[] = {
    [ERASE_MEDIA] = "erasing overwrites the medium; a copy from before keeps its contents",
    [ERASE_FINAL] = "erasing is final",
};

/* The hardware's record against the vault that was read. */
static void tell_anchor(struct session *s, struct json *j, const struct keystore_anchor *a,
			enum anchor_standing standing)
{
	static const char *const words[] = {
	    [ANCHOR_NAMES_IT] = "this vault is the one that the hardware has recorded",
	    [ANCHOR_IS_LATER] = "THIS VAULT IS AN EARLIER ONE than the hardware has recorded",
	    [ANCHOR_NAMES_ANOTHER] = "THIS VAULT IS NOT THE ONE that the hardware has recorded",
	    [ANCHOR_IS_MISSING] = "the hardware has no record of a vault",
	};
	static const char *const names[] = {
	    [ANCHOR_NAMES_IT] = "named",
	    [ANCHOR_IS_LATER] = "earlier",
	    [ANCHOR_NAMES_ANOTHER] = "other",
	    [ANCHOR_IS_MISSING] = "none",
	};

	json_text(j, "anchor", names[standing]);
	if (a->present)
		json_number(j, "anchor_sequence", a->sequence);
	session_say(s, "  anchor: %s\n", words[standing]);
}

static void tell_hardware(struct session *s, struct json *j, struct keyring *ring,
			  const struct keystore *k)
{
	struct keyring_hardware h;
	size_t mark = diag_count();
	int r = keyring_read_hardware(ring, k, &h);

	if (r < 0) {
		const struct diag_record *d = diag_get(mark);

		json_text(j, "hardware_error", d ? d->text : "");
		json_text(j, "hardware_code", d ? diag_code_text(d->code) : "");
		session_say(s, "  hardware: %s\n", d ? d->text : "does not answer");
		diag_forget(mark);
		return;
	}
	json_text(j, "hardware", h.state.hardware);
	json_number(j, "erase_counter", h.state.erase);
	json_number(j, "rotation_counter", h.state.rotation);
	session_say(s, "  hardware: %s\n  counters: E %" PRIu64 ", R %" PRIu64 "\n",
		    h.state.hardware, h.state.erase, h.state.rotation);
	if (k->ops->anchor_read)
		tell_anchor(s, j, &h.state.anchor, h.standing);
	if (h.rotation_waits) {
		json_flag(j, "rotation_waits", true);
		session_say(s, "  a rotation of the keys waits to be counted: `holdfast open` or "
			       "`holdfast key rotate` finishes it\n");
	}
}

/* All but a keystore in hardware outlive what hardware erases. */
static void tell_way(struct session *s, struct json *j, const struct way_in *w)
{
	char nonce[2 * ESCROW_NONCE_BYTES + 1], number[16] = "";

	json_text(j, "volume", w->volume);
	json_text(j, "way", way_name(w->kind));
	if (w->number) {
		json_number(j, "number", w->number);
		snprintf(number, sizeof(number), "%u ", w->number);
	}
	session_say(s, "way into %s: %s%s%s%s\n", w->volume, number, way_words(w->kind),
		    *w->keystore ? ": " : "", w->keystore);
	if (*w->keystore)
		json_text(j, "keystore", w->keystore);
	if (w->kind == WAY_ESCROW || w->kind == WAY_ESCROW_WAITING) {
		hex_encode(w->nonce, sizeof(w->nonce), nonce);
		json_text(j, "nonce", nonce);
	}
}

static void tell_one(struct session *s, struct json *j, const struct target *t,
		     const struct keystore *k, const struct ways_in *ways)
{
	_cleanup_text_ struct text words = {0};
	enum erase_strength strength =
	    t->ring ? keyring_erase_strength(t->ring, k, ways->v, ways->n) : k->ops->strength(k);

	if (t->ring)
		keyring_describe(t->ring, k, &words);
	json_text(j, "keystore", k->name);
	json_text(j, "backend", k->ops->name);
	json_text(j, "policy", words.s);
	json_text(j, "erase", strengths[strength]);
	session_say(s, "keystore %s: %s%s%s; %s\n", k->name, k->ops->name, words.s ? ": " : "",
		    words.s ? words.s : "", erasing[strength]);
	if (t->ring && k->ops->state)
		tell_hardware(s, j, t->ring, k);
}

static const char *without_keystore(const struct target *t)
{
	for (size_t i = 0; i < t->layout->n_volumes; i++) {
		if (volume_is_secret(t->layout->volumes[i]))
			return "no keystore: keys are in the kernel's keyrings, only named here; "
			       "who "
			       "put them there erases them";
	}
	return "no keystore: nothing here is confidential; erasing is overwriting";
}

int tell_keystores(struct session *s, struct target *t)
{
	struct json *list = json_list(s->result, "keystores");
	struct ways_in ways = {.n = 0};
	int r = target_read_keys(t);

	if (r >= 0 && t->ring)
		target_ways_in(t, &ways);
	for (size_t i = 0; i < t->layout->n_keystores && r >= 0; i++)
		tell_one(s, json_child(list, NULL), t, t->layout->keystores[i], &ways);
	if (r >= 0 && t->ring) {
		list = json_list(s->result, "ways_in");
		for (size_t i = 0; i < ways.n; i++)
			tell_way(s, json_child(list, NULL), &ways.v[i]);
	}
	if (!t->layout->n_keystores)
		session_say(s, "%s\n", without_keystore(t));
	return r;
}
