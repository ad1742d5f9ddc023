/* SPDX-License-Identifier: Apache-2.0 */
/* MACs over the records of a device part, which tell which record was changed. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/endian.h"
#include "crypto/digest.h"
#include "crypto/mac.h"
#include "keyring/mac.h"
#include "keyring/private.h"

/* Computed here with a key from the secret, or by the kernel, which alone has the key. */
struct maker {
	const struct sealed *s;
	struct mac *mac;
};

bool keyring_has_mac(const struct sealed *s)
{
	const struct key_reference_ops *ops = s->keystore->ops->references;

	return s->mac_key ||
	       (ops && s->loaded && ops->authenticates(s->keystore, s->blob, s->blob_len));
}

static int start(const struct sealed *s, struct maker *m)
{
	*m = (struct maker){.s = s};
	return s->mac_key ? mac_new("hmac(sha256)", secret_bytes(s->mac_key),
				    secret_len(s->mac_key), &m->mac)
			  : 0;
}

static void stop(struct maker *m)
{
	mac_free(m->mac);
}

static int run(struct maker *m, const struct mac_piece *pieces, size_t n,
	       uint8_t ret[static VAULT_MAC_BYTES])
{
	const struct keystore *k = m->s->keystore;
	_cleanup_text_ struct text all = {0};

	if (m->mac)
		return mac_run(m->mac, pieces, n, ret);
	for (size_t i = 0; i < n; i++)
		text_add_bytes(&all, pieces[i].bytes, pieces[i].len);
	if (all.failed)
		return -ENOMEM;
	return k->ops->references->mac(k, m->s->blob, m->s->blob_len, all.s, all.len, ret);
}

static int item_mac(struct maker *m, uint32_t index, const struct vault_item *item,
		    uint8_t ret[static VAULT_MAC_BYTES])
{
	const le32_t numbers[2] = {le32_make(index), le32_make(item->type)};
	const struct mac_piece pieces[] = {
	    {"item", 4}, {numbers, sizeof(numbers)}, {item->value, item->len}};

	return run(m, pieces, 3, ret);
}

/* @macs: those of the items. */
static int total_mac(struct maker *m, const uint8_t *bytes, size_t len, const uint8_t *macs,
		     size_t macs_len, uint8_t ret[static VAULT_MAC_BYTES])
{
	const struct mac_piece pieces[] = {{"all", 3}, {bytes, len}, {macs, macs_len}};

	return run(m, pieces, 3, ret);
}

/* The value of a MAC item: name NUL, total, one of each item of @bytes. */
int keyring_encode_mac(const struct sealed *s, const uint8_t *bytes, size_t len, struct text *value)
{
	__attribute__((cleanup(stop))) struct maker m;
	_cleanup_text_ struct text macs = {0};
	uint8_t mac[VAULT_MAC_BYTES];
	struct vault_item item;
	size_t at = 0;
	uint32_t index = 0;
	int r = start(s, &m);

	if (r < 0)
		return r;
	while (r >= 0 && at < len && vault_next_item(bytes, len, &at, &item) == 1) {
		r = item_mac(&m, index++, &item, mac);
		text_add_bytes(&macs, mac, VAULT_ITEM_MAC_BYTES);
	}
	if (r >= 0 && !macs.failed)
		r = total_mac(&m, bytes, len, (const uint8_t *)macs.s, macs.len, mac);
	text_add_bytes(value, s->keystore->name, strlen(s->keystore->name) + 1);
	text_add_bytes(value, mac, sizeof(mac));
	text_add_bytes(value, macs.s, macs.len);
	value->failed |= macs.failed;
	return r < 0 ? diag_fail(DIAG_INTERNAL, EIO, "no MAC can be computed") : 0;
}

/* Which record it is, in words: the volume and layer before it tell. */
struct naming {
	char volume[64];
	const char *layer;
};

static void follow(struct naming *n, const struct vault_item *item)
{
	const char *s[2];

	if (item->type == VAULT_VOLUME && item->len > 4 &&
	    vault_item_strings(item->value + 4, item->len - 4, s, 2) >= 0) {
		snprintf(n->volume, sizeof(n->volume), "%.31s%s%.31s", s[0], *s[1] ? ":" : "",
			 s[1]);
		n->layer = NULL;
	}
	if (item->type == VAULT_LAYER && vault_item_strings(item->value, item->len, s, 1) >= 0)
		n->layer = s[0];
}

static int tell_changed(const struct naming *n, uint32_t index, const struct vault_item *item)
{
	static const char *const kinds[] = {
	    [VAULT_DEVICE] = "the device",
	    [VAULT_MEDIUM] = "the medium",
	    [VAULT_OPTION] = "an option",
	    [VAULT_VOLUME] = "the volume itself",
	    [VAULT_EXTENT] = "its place",
	    [VAULT_LAYER] = "a layer",
	    [VAULT_SOURCE] = "a source",
	    [VAULT_LEARNED] = "what was learnt",
	    [VAULT_KEYSTORE] = "a keystore",
	    [VAULT_SEALED] = "a sealed secret",
	    [VAULT_KEY] = "a volume key",
	    [VAULT_KEYS_FOR] = "the plan of the keys",
	    [VAULT_KEY_BLOB] = "a volume key",
	    [VAULT_ESCROW] = "an escrow",
	    [VAULT_ESCROW_KEY] = "a key in escrow",
	};
	const char *kind =
	    item && item->type < sizeof(kinds) / sizeof(kinds[0]) ? kinds[item->type] : NULL;
	int r;

	if (!item)
		r = diag_fail(DIAG_TAMPERED, EUCLEAN,
			      "records were added to the vault's device part, or taken away");
	else
		r = diag_fail(DIAG_TAMPERED, EUCLEAN,
			      "record %u of the vault's device part was changed: %s%s%s%s%s", index,
			      kind ? kind : "unknown", *n->volume ? ", of volume " : "", n->volume,
			      n->layer ? ", layer " : "", n->layer ? n->layer : "");
	diag_state("nothing was opened");
	diag_next("holdfast recovery assess; the medium was changed by somebody without the key");
	return r;
}

/* @stored: what follows the total in the MAC item. */
static int find_changed(const struct keyring *ring, struct maker *m, size_t covered,
			const uint8_t *stored, size_t stored_len)
{
	struct naming n = {0};
	struct vault_item item;
	uint8_t mac[VAULT_MAC_BYTES];
	size_t at = 0;
	uint32_t index = 0;

	for (; at < covered && vault_next_item(ring->payload, covered, &at, &item) == 1; index++) {
		size_t place = (size_t)index * VAULT_ITEM_MAC_BYTES;

		follow(&n, &item);
		if (place + VAULT_ITEM_MAC_BYTES > stored_len)
			return tell_changed(&n, index, NULL);
		if (item_mac(m, index, &item, mac) < 0)
			return diag_fail(DIAG_INTERNAL, EIO, "no MAC can be computed");
		if (!digest_equal(mac, stored + place, VAULT_ITEM_MAC_BYTES))
			return tell_changed(&n, index, &item);
	}
	return tell_changed(&n, index, NULL);
}

/* Where the first MAC item begins. */
static size_t covered_bytes(const struct keyring *ring)
{
	struct vault_item item;
	size_t at = 0, before = 0;

	while (vault_next_item(ring->payload, ring->payload_len, &at, &item) == 1) {
		if (item.type == VAULT_MAC)
			break;
		before = at;
	}
	return before;
}

static size_t count_items(const struct keyring *ring, size_t covered)
{
	struct vault_item item;
	size_t at = 0, n = 0;

	while (at < covered && vault_next_item(ring->payload, covered, &at, &item) == 1)
		n++;
	return n;
}

int keyring_check_mac(const struct keyring *ring, const struct sealed *s)
{
	size_t covered = covered_bytes(ring), at = covered, name = strlen(s->keystore->name) + 1;
	__attribute__((cleanup(stop))) struct maker m;
	uint8_t mac[VAULT_MAC_BYTES];
	const uint8_t *macs;
	struct vault_item item;
	int r = start(s, &m);

	if (r < 0)
		return r;
	while (vault_next_item(ring->payload, ring->payload_len, &at, &item) == 1) {
		if (item.type != VAULT_MAC || item.len < name + VAULT_MAC_BYTES ||
		    memcmp(item.value, s->keystore->name, name) != 0)
			continue;
		macs = item.value + name + VAULT_MAC_BYTES;
		r = total_mac(&m, ring->payload, covered, macs, item.len - name - VAULT_MAC_BYTES,
			      mac);
		if (r < 0)
			return diag_fail(DIAG_INTERNAL, EIO, "no MAC can be computed");
		/* Nothing but the number of MACs says where the records end: whoever moved the
		 * last records into this item would not change the total. */
		if (digest_equal(mac, item.value + name, VAULT_MAC_BYTES) &&
		    item.len - name - VAULT_MAC_BYTES ==
			count_items(ring, covered) * VAULT_ITEM_MAC_BYTES)
			return 0;
		return find_changed(ring, &m, covered, macs, item.len - name - VAULT_MAC_BYTES);
	}
	return diag_fail(DIAG_TAMPERED, EUCLEAN,
			 "the vault's device part has no MAC of keystore %s: it was changed",
			 s->keystore->name);
}
