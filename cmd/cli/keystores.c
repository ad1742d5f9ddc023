/* SPDX-License-Identifier: Apache-2.0 */
/* What guards the keys of a target, told to people and scripts. */
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
static void tell_anchor(struct result *to, const struct keystore_anchor *a,
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

	result_word(to, "anchor", names[standing], words[standing]);
	if (a->present)
		result_number(to, "anchor_sequence", a->sequence);
	result_say(to, "  anchor: {anchor}");
}

/* True if the hardware has recorded this vault. */
static bool tell_hardware(struct result *to, struct keyring *ring, const struct keystore *k)
{
	struct keyring_hardware h;
	size_t mark = diag_count();
	int r = keyring_read_hardware(ring, k, &h);

	if (r < 0) {
		const struct diag_record *d = diag_get(mark);

		result_text(to, "hardware_error", d ? d->text : "");
		result_text(to, "hardware_code", d ? diag_code_text(d->code) : "");
		result_say(to, "  hardware: {hardware_error|does not answer}");
		diag_forget(mark);
		return false;
	}
	result_text(to, "hardware", h.state.hardware);
	result_number(to, "erase_counter", h.state.erase);
	result_number(to, "rotation_counter", h.state.rotation);
	result_say(to, "  hardware: {hardware}");
	result_say(to, "  counters: E {erase_counter}, R {rotation_counter}");
	if (k->ops->anchor_read)
		tell_anchor(to, &h.state.anchor, h.standing);
	if (h.rotation_waits) {
		result_flag(to, "rotation_waits", true);
		result_say(to, "  a rotation of the keys waits to be counted: `holdfast open` or "
			       "`holdfast key rotate` finishes it");
	}
	return k->ops->anchor_read && h.standing == ANCHOR_NAMES_IT;
}

static void tell_way(struct result *to, const struct way_in *w)
{
	result_text(to, "volume", w->volume);
	result_word(to, "way", way_name(w->kind), way_words(w->kind));
	if (w->number) {
		result_number(to, "number", w->number);
		result_aside(to, "place", "%u ", w->number);
	}
	if (*w->keystore)
		result_text(to, "keystore", w->keystore);
	result_say(to, "way into {volume}: {place}{way}[: {keystore}]");
	if (w->kind == WAY_ESCROW || w->kind == WAY_ESCROW_WAITING)
		result_hex(to, "nonce", w->nonce, sizeof(w->nonce));
}

static void tell_one(struct result *to, struct target *t, const struct keystore *k,
		     const struct ways_in *ways)
{
	_cleanup_text_ struct text words = {0};
	enum erase_strength strength =
	    t->ring ? keyring_erase_strength(t->ring, k, ways->v, ways->n) : k->ops->strength(k);

	if (t->ring)
		keyring_describe(t->ring, k, &words);
	result_text(to, "keystore", k->name);
	result_text(to, "backend", k->ops->name);
	result_text(to, "policy", words.s);
	result_word(to, "erase", strengths[strength], erasing[strength]);
	result_say(to, "keystore {keystore}: {backend}[: {policy}]; {erase}");
	if (t->ring && k->ops->state)
		t->authenticated |= tell_hardware(to, t->ring, k);
}

/* A secret asks for a passphrase or a PIN, which status never does. */
static void tell_authenticated(struct result *to, const struct target *t)
{
	if (!t->layout_from_vault)
		return;
	result_flag(to, "vault_authenticated", t->authenticated);
	result_say(
	    to, t->authenticated ? "vault: authenticated: the hardware has recorded it"
		: t->ring ? "vault: not checked here whether it is genuine: `holdfast verify` asks "
			    "its keystore"
			  : "vault: not authenticated: it has no keystore's secret");
}

static const char *without_keystore(const struct target *t)
{
	layout_each_volume (v, t->layout) {
		if (volume_is_secret(v))
			return "no keystore: keys are in the kernel's keyrings, only named here; "
			       "whoever put them there erases them";
	}
	return "no keystore: nothing here is confidential; erasing is overwriting";
}

int tell_keystores(struct session *s, struct target *t)
{
	struct result *list = result_list(s->result, "keystores");
	struct ways_in ways = {.n = 0};
	int r = target_read_keys(t);

	if (r >= 0 && t->ring)
		target_ways_in(t, &ways);
	for (size_t i = 0; i < t->layout->n_keystores && r >= 0; i++)
		tell_one(result_object(list, NULL), t, t->layout->keystores[i], &ways);
	if (r >= 0 && t->ring) {
		list = result_list(s->result, "ways_in");
		for (size_t i = 0; i < ways.n; i++)
			tell_way(result_object(list, NULL), &ways.v[i]);
	}
	if (!t->layout->n_keystores)
		result_say(s->result, without_keystore(t));
	if (r >= 0)
		tell_authenticated(s->result, t);
	return r;
}

/* Whoever breaks a vault would else be asked for no key by the partition table alone. */
int refuse_damaged_vault(const struct target *t, const struct call *c)
{
	int r;

	if (!t->vault_damaged || call_has(c, "without-keystore"))
		return 0;
	r = diag_fail(DIAG_DAMAGED, EUCLEAN,
		      "%s: its vault cannot be used, so nothing says what was laid out", t->path);

	diag_state("nothing was opened or read");
	diag_next("holdfast recovery assess %s; --without-keystore goes by the partition table",
		  t->path);
	return r;
}

int keystores_authenticate(struct target *t, const struct call *c)
{
	int r;

	if (!call_has(c, "without-keystore")) {
		r = target_authenticate(t);
		return r < 0 ? r : 0;
	}
	if (t->layout_from_vault && t->layout->n_keystores)
		diag_warn("%s: no keystore was asked whether its vault is genuine", t->path);
	return 0;
}
