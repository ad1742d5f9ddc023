/* SPDX-License-Identifier: Apache-2.0 */
/* dm-crypt: confidential bytes, authenticated where the cipher is an AEAD or has a MAC beside it.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/modhex.h"
#include "base/overflow.h"
#include "layer/crypt/facts.h"
#include "layer/crypt/header.h"
#include "layer/crypt/kernel.h"
#include "layer/crypt/keyslots.h"
#include "layer/crypt/verify.h"
#include "layer/registry.h"
#include "layer/tagged/steps.h"
#include "model/key.h"

static const char *const format_words[] = {"luks2", "plain", NULL};
static const char *const cipher_words[] = {"aegis128-random",
					   "aes-gcm-random",
					   "chacha20-random",
					   "aes-xts-plain64",
					   "adiantum",
					   "hctr2",
					   NULL};
static const char *const integrity_words[] = {"aead", "hmac-sha256", "none", NULL};
static const char *const initialise_words[] = {"written", "full", NULL};

static const struct option_spec options[] = {
    [CRYPT_FORMAT] = {"format", OPTION_WORD, "luks2", .words = format_words,
		      .help = "luks2: with a header that other tools know; plain: without"},
    [CRYPT_CIPHER] = {"cipher", OPTION_WORD, "aegis128-random", .words = cipher_words, .max = 128,
		      .or_prefix = "capi:",
		      .help =
			  "Cipher and mode; capi:NAME-IV is one of the kernel's, also of "
			  "hardware (\"capi:tk(cbc(aes))-plain\"), with format plain, integrity "
			  "none and key-size"},
    [CRYPT_INTEGRITY] = {"integrity", OPTION_WORD, .words = integrity_words,
			 .help = "aead: the cipher authenticates; hmac-sha256: a MAC beside it; "
				 "none: nothing does. Default: whatever authenticates"},
    [CRYPT_SECTOR] = {"sector-size", OPTION_SIZE, "4096", 512, 4096, .power_of_2 = true,
		      .help = "Bytes that are encrypted (and authenticated) together"},
    [CRYPT_INITIALISE] = {"initialise", OPTION_WORD, "written", .words = initialise_words,
			  .help = "written: only sectors that the contents need get data and tags; "
				  "full: all"},
    [CRYPT_HEADER] = {"header-size", OPTION_SIZE, "16M", 1024 * 1024, 64 * 1024 * 1024,
		      .power_of_2 = true,
		      .help = "Bytes before the data that LUKS2's header and keyslots take"},
    [CRYPT_KEYSTORE] = {"keystore", OPTION_TEXT, .max = NAME_MAX_BYTES,
			.help = "What guards the key, where there are several"},
    [CRYPT_RECOVERY] = {"recovery-key", OPTION_FLAG, "false",
			.help = "A LUKS2 keyslot for a printable recovery key (`holdfast key "
				"recovery`)"},
    [CRYPT_TOKEN] = {"systemd-token", OPTION_FLAG, "false",
		     .help = "A LUKS2 keyslot and token by which systemd-cryptsetup opens the "
			     "volume with the TPM; no counter guards it, so erasing is \"media\""},
    [CRYPT_REFERENCE] = {"key-reference", OPTION_TEXT, .max = 100,
			 .help =
			     "A key in the kernel's keyrings, as TYPE:DESCRIPTION (logon, user, "
			     "encrypted, trusted), never seen by holdfast; with format plain"},
    [CRYPT_KEY_SIZE] = {"key-size", OPTION_NUMBER, .min = 1, .max = VOLUME_KEY_MAX,
			.help = "Bytes of the key, with cipher = \"capi:…\"; other ciphers decide "
				"it themselves"},
    {0},
};

/* --- what was asked for --- */

static size_t key_bytes(const struct layer *l, enum key_purpose purpose)
{
	const struct crypt_kind *kind = crypt_layer_kind(l);

	if (crypt_layer_reference(l))
		return 0;
	switch (purpose) {
	case KEY_VOLUME:
		return crypt_layer_is_given(l) ? l->values[CRYPT_KEY_SIZE].number
		       : kind                  ? kind->key_bytes
					       : 0;
	case KEY_RECOVERY:
		return l->values[CRYPT_RECOVERY].number ? MODHEX_KEY_BYTES : 0;
	case KEY_TOKEN:
		return l->values[CRYPT_TOKEN].number ? DEVICE_SECRET_BYTES : 0;
	case KEY_PURPOSES:
		break;
	}
	return 0;
}

static int refuse_combination(const struct layer *l)
{
	_cleanup_text_ struct text possible = {0};
	char at[WHERE_SIZE];

	for (const struct crypt_kind *k = crypt_kinds; k->cipher; k++) {
		if (strcmp(k->cipher, l->values[CRYPT_CIPHER].text) == 0)
			text_add(&possible, "%s\"%s\"", possible.len ? " or " : "", k->integrity);
	}
	return diag_fail(
	    DIAG_LAYOUT_VALUE, EINVAL, "%scipher = \"%s\" cannot have integrity = \"%s\"; write %s",
	    where_text(&l->where, at), l->values[CRYPT_CIPHER].text, crypt_layer_integrity(l),
	    possible.s                ? possible.s
	    : crypt_layer_is_given(l) ? "\"none\": holdfast knows no tags of it"
				      : "another cipher");
}

/* The whole goes into a table as one word. */
static bool is_reference(const char *s)
{
	static const char *const types[] = {"logon:", "user:", "encrypted:", "trusted:", NULL};

	for (const char *c = s; *c; c++) {
		if (!isgraph((unsigned char)*c))
			return false;
	}
	for (size_t i = 0; types[i]; i++) {
		if (strncmp(s, types[i], strlen(types[i])) == 0)
			return s[strlen(types[i])] != 0;
	}
	return false;
}

/* Tags that only the kernel can make are made through its page cache. */
static int check_sectors(const struct layer *l)
{
	char at[WHERE_SIZE];

	if (l->values[CRYPT_SECTOR].number == 4096 || !crypt_layer_kind(l)->tag_bytes)
		return 0;
	return diag_fail(DIAG_LAYOUT_VALUE, EINVAL,
			 "%svolume \"%s\": write sector-size = 4096: the kernel lays this volume "
			 "out, and moves whole pages",
			 where_text(&l->where, at), l->volume->name);
}

static int check_reference(const struct layer *l)
{
	char at[WHERE_SIZE];

	where_text(&l->values[CRYPT_REFERENCE].where, at);
	if (!is_reference(crypt_layer_reference(l)))
		return diag_fail(DIAG_LAYOUT_VALUE, EINVAL,
				 "%skey-reference = \"%s\" is none; write \"logon:NAME\", "
				 "\"user:NAME\", \"encrypted:NAME\" or \"trusted:NAME\", without "
				 "spaces",
				 at, crypt_layer_reference(l));
	if (l->values[CRYPT_FORMAT].number != FORMAT_PLAIN)
		return diag_fail(DIAG_LAYOUT_VALUE, EINVAL,
				 "%skey-reference needs format = \"plain\": a LUKS2 header has a "
				 "digest of the key",
				 at);
	if (l->values[CRYPT_KEYSTORE].present)
		return diag_fail(DIAG_LAYOUT_VALUE, EINVAL,
				 "%skey-reference and keystore exclude each other: the key is in "
				 "the kernel's keyring or in the vault",
				 at);
	return check_sectors(l);
}

static int check_given(const struct layer *l)
{
	const char *name = l->values[CRYPT_CIPHER].text;
	bool has_size = l->values[CRYPT_KEY_SIZE].present;
	char at[WHERE_SIZE];

	if (!crypt_layer_is_given(l) && !has_size)
		return 0;
	where_text(&l->values[crypt_layer_is_given(l) ? CRYPT_CIPHER : CRYPT_KEY_SIZE].where, at);
	if (!crypt_layer_is_given(l))
		return diag_fail(DIAG_LAYOUT_VALUE, EINVAL,
				 "%skey-size is for cipher = \"capi:…\": %s has keys of %u bytes",
				 at, name, crypt_layer_kind(l)->key_bytes);
	if (!has_size || l->values[CRYPT_FORMAT].number != FORMAT_PLAIN)
		return diag_fail(DIAG_LAYOUT_VALUE, EINVAL,
				 "%scipher = \"%s\" needs format = \"plain\" and key-size = BYTES",
				 at, name);
	if (!strchr(name, '-'))
		return diag_fail(DIAG_LAYOUT_VALUE, EINVAL,
				 "%scipher = \"%s\" lacks how IVs are made; write for example "
				 "\"%s-plain64\"",
				 at, name, name);
	return 0;
}

static int check_referred(const struct layer *l)
{
	char at[WHERE_SIZE];

	if (l->values[CRYPT_FORMAT].number == FORMAT_PLAIN)
		return check_sectors(l);
	return diag_fail(
	    DIAG_LAYOUT_VALUE, EINVAL,
	    "%svolume \"%s\": write format = \"plain\": a LUKS2 header has a digest of "
	    "the key, and keystore \"%s\" keeps it where only the kernel has it",
	    where_text(&l->where, at), l->volume->name, layer_keystore(l)->name);
}

static int check_keyslots(const struct layer *l)
{
	static const int options_of[] = {CRYPT_RECOVERY, CRYPT_TOKEN};
	char at[WHERE_SIZE];

	for (size_t i = 0; i < 2; i++) {
		const struct option_value *v = &l->values[options_of[i]];

		if (v->number && l->values[CRYPT_FORMAT].number == FORMAT_PLAIN)
			return diag_fail(DIAG_LAYOUT_VALUE, EINVAL,
					 "%s%s needs format = \"luks2\": a plain volume has no "
					 "keyslots",
					 where_text(&v->where, at), options[options_of[i]].name);
	}
	return 0;
}

static int check(const struct layer *l)
{
	const struct crypt_kind *kind = crypt_layer_kind(l);

	if (!kind)
		return refuse_combination(l);
	if (check_given(l) < 0 || (crypt_layer_reference(l) && check_reference(l) < 0) ||
	    check_keyslots(l) < 0)
		return -EINVAL;
	return layer_key_is_reference(l) ? check_referred(l) : 0;
}

/* --- planning --- */

static int size(const struct layer *l, struct sizing *s, struct plan *p)
{
	struct crypt_facts f;

	crypt_layer_facts_of_options(l, &f);
	return tags_size(l, &l->values[CRYPT_SECTOR], f.has_tags ? &f.tags.params : NULL,
			 f.header_bytes, s, p);
}

static int gives(const struct layer *l, uint64_t *ret_bytes)
{
	struct crypt_facts f;
	int r = crypt_layer_facts(l, &f);

	if (r >= 0)
		*ret_bytes = f.data_bytes;
	return r;
}

static int prepare(const struct layer *l, struct plan *p)
{
	struct tag_steps params = {0};
	struct crypt_facts f;
	int r = crypt_layer_facts(l, &f);

	if (r < 0)
		return r;
	params.tags = f.tags;
	params.full = f.full;
	if (f.kind->sectors_max)
		params.remark =
		    arena_print(&p->arena,
				"its random nonces allow 2^%d writes of a sector (%" PRIu64
				" of the whole) under this key",
				63 - __builtin_clzll(f.kind->sectors_max),
				f.kind->sectors_max / (f.data_bytes / f.sector_bytes));
	params.clear_bytes = f.header_bytes;
	return f.has_tags ? tags_plan_prepare(l, &params, p) : fill_plan_prepare(l, &params, p);
}

static int plan(const struct layer *l, struct plan *p)
{
	struct tag_steps params = {0};
	struct crypt_facts f;
	int r = crypt_layer_facts(l, &f);

	params.tags = f.tags;
	if (r >= 0 && f.has_tags)
		r = tags_plan_finish(l, &params, p);
	return r < 0 || !f.luks2 ? r : crypt_header_plan(l, &f, p);
}

static int learn(struct layer *l, struct job *job)
{
	_cleanup_crypt_place_ struct crypt_place p;
	int r = crypt_place_open(l, job, ATTACH_READ_RAW, &p);

	if (r >= 0 && p.facts.has_tags)
		r = tags_learn(l, &p.facts.tags, p.io);
	return r < 0 || !p.facts.luks2 ? r : crypt_header_learn(l, &p);
}

static bool authenticates(const struct layer *l)
{
	return crypt_layer_kind(l)->tag_bytes != 0;
}

static bool has_external_key(const struct layer *l)
{
	return crypt_layer_reference(l) != NULL;
}

static const struct layer_key_ops keys = {
    .bytes = key_bytes,
    .keystore_option = CRYPT_KEYSTORE,
    .by_reference = true,
    .external = has_external_key,
    .reseal = crypt_layer_reseal,
    .foreign_ways = crypt_layer_foreign_ways,
    .forget = crypt_layer_forget,
};

static const char *const yes[] = {"yes", NULL};
static const struct option_spec learns[] = {
    {"uuid", OPTION_UUID},
    {"segment", OPTION_NUMBER},
    {"superblock", OPTION_HEX, .min = TAGS_RECORD_BYTES, .max = TAGS_RECORD_BYTES},
    {"foreign", OPTION_WORD, .words = yes},
    {0},
};

const struct layer_ops layer_crypt = {
    .name = "crypt",
    .summary = "Encrypts, and authenticates every sector (dm-crypt, with dm-integrity below it).",
    .example = "crypt { cipher = \"aegis128-random\"  keystore = \"device\" }",
    .consumes = PLACE_BYTES,
    .provides = PLACE_BYTES,
    .options = options,
    .check = check,
    .size = size,
    .gives = gives,
    .prepare = prepare,
    .plan = plan,
    .learns = learns,
    .learn = learn,
    .recognise = crypt_header_recognise,
    .probe = crypt_layer_probe,
    .attach = crypt_layer_attach,
    .verify = crypt_layer_verify,
    .mend = crypt_header_mend,
    .authenticates = authenticates,
    .keys = &keys,
    .kernel = &crypt_kernel,
};
