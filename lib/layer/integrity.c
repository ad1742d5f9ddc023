/* SPDX-License-Identifier: Apache-2.0 */
/* dm-integrity by itself: bytes with checksums, or with a MAC that proves who wrote them. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/hex.h"
#include "base/overflow.h"
#include "crypto/kdf.h"
#include "kernel/dm.h"
#include "layer/mapping.h"
#include "layer/registry.h"
#include "layer/tagged/check.h"
#include "layer/tagged/kernel.h"
#include "layer/tagged/reader.h"
#include "layer/tagged/steps.h"
#include "model/build.h"
#include "model/key.h"
#include "stack/attach.h"

enum { ALGORITHM, MODE, SECTOR, INITIALISE, KEYSTORE };

static const char *const algorithm_words[] = {"crc32c", "sha256", "hmac-sha256", NULL};
enum { CRC32C, SHA256, HMAC_SHA256 };
static const char *const kernel_names[] = {"crc32c", "sha256", "hmac(sha256)"};
static const char *const mode_words[] = {"journal", "bitmap", "direct", NULL};
static const enum integrity_mode modes[] = {INTEGRITY_JOURNAL, INTEGRITY_BITMAP, INTEGRITY_DIRECT};
static const char *const initialise_words[] = {"written", "full", NULL};
enum { INITIALISE_WRITTEN, INITIALISE_FULL };

static const struct option_spec options[] = {
    [ALGORITHM] = {"algorithm", OPTION_WORD, "crc32c", .words = algorithm_words,
		   .help = "crc32c and sha256 find damage; only hmac-sha256 finds tampering"},
    [MODE] = {"mode", OPTION_WORD, "journal", .words = mode_words,
	      .help = "How data and tags stay together when power goes away: journal: always; "
		      "bitmap: tags are computed anew; direct: not at all"},
    [SECTOR] = {"sector-size", OPTION_SIZE, "4096", 512, 4096, .power_of_2 = true,
		.help = "Bytes that one tag covers"},
    [INITIALISE] = {"initialise", OPTION_WORD, "written", .words = initialise_words,
		    .help = "written: only sectors that the contents need get tags; full: all"},
    [KEYSTORE] = {"keystore", OPTION_TEXT, .max = NAME_MAX_BYTES,
		  .help = "What guards the key of hmac-sha256, where there are several"},
    {0},
};

#define MAC_KEY 32 /* one for tags, then one for the journal */

static bool is_keyed(const struct layer *l)
{
	return l->values[ALGORITHM].number == HMAC_SHA256;
}

/* Ours always has one; what integritysetup made may have none. */
static bool has_journal_mac(const struct layer *l)
{
	return is_keyed(l) && !layer_learned(l, "journal-mac");
}

static size_t key_bytes(const struct layer *l, enum key_purpose purpose)
{
	if (purpose != KEY_VOLUME || !is_keyed(l))
		return 0;
	return has_journal_mac(l) ? (size_t)2 * MAC_KEY : MAC_KEY;
}

static int check(const struct layer *l)
{
	char at[WHERE_SIZE];

	if (is_keyed(l) && modes[l->values[MODE].number] != INTEGRITY_JOURNAL)
		return diag_fail(
		    DIAG_LAYOUT_VALUE, EINVAL,
		    "%smode = \"%s\" cannot be with algorithm = \"hmac-sha256\": a "
		    "forged flag would make the kernel compute tags anew; write mode = "
		    "\"journal\"",
		    where_text(&l->values[MODE].where, at), l->values[MODE].text);
	return 0;
}

/* Everything but salt and keys. */
static void params_from_options(const struct layer *l, struct integrity_params *p)
{
	*p = (struct integrity_params){
	    .algorithm = kernel_names[l->values[ALGORITHM].number],
	    .mode = modes[l->values[MODE].number],
	    .sector_bytes = (uint32_t)l->values[SECTOR].number,
	    .journal_key_len = has_journal_mac(l) ? MAC_KEY : 0,
	};
}

/* The salt is public, and random as the key is: so it need not be known before the key. */
static int take_salt(const struct layer *l, const struct secret *key, struct tags *t)
{
	const struct kdf_field info = {"holdfast 1 integrity salt", 25};
	int r = 0;

	if (!layer_learned(l, "superblock"))
		r = kdf_hkdf(secret_bytes(key), secret_len(key), &info, 1, t->sb.salt,
			     sizeof(t->sb.salt));
	memcpy(t->params.salt, t->sb.salt, sizeof(t->params.salt));
	return r;
}

static int load_keys(const struct layer *l, struct job *job, struct tags *t)
{
	const struct secret *key;
	int r = is_keyed(l) ? layer_key(l, job, KEY_VOLUME, &key) : 0;

	if (r < 0 || !is_keyed(l))
		return r;
	t->params.key = secret_bytes(key);
	t->params.key_len = MAC_KEY;
	if (has_journal_mac(l)) {
		t->params.journal_key = secret_bytes(key) + MAC_KEY;
		t->params.journal_key_len = MAC_KEY;
	}
	return take_salt(l, key, t);
}

/* Everything but keys, and the salt where it was not learnt yet. */
static int choose(const struct layer *l, struct tags *ret)
{
	struct tags t = {0};
	int r = layer_below_gives(l, &t.len_bytes);

	params_from_options(l, &t.params);
	if (r >= 0)
		r = tags_choose(l, &t);
	if (r >= 0)
		*ret = t;
	return r;
}

/* --- planning --- */

static int size(const struct layer *l, struct sizing *s, struct plan *p)
{
	struct integrity_params params;

	params_from_options(l, &params);
	return tags_size(l, &l->values[SECTOR], &params, 0, s, p);
}

static int gives(const struct layer *l, uint64_t *ret_bytes)
{
	struct tags t;
	int r = choose(l, &t);

	if (r >= 0)
		*ret_bytes = tags_data_bytes(&t);
	return r;
}

static int prepare(const struct layer *l, struct plan *p)
{
	struct tag_steps steps = {.load_keys = load_keys,
				  .full = l->values[INITIALISE].number == INITIALISE_FULL};
	int r = choose(l, &steps.tags);

	return r < 0 ? r : tags_plan_prepare(l, &steps, p);
}

static int plan(const struct layer *l, struct plan *p)
{
	struct tag_steps steps = {.load_keys = load_keys};
	int r = choose(l, &steps.tags);

	return r < 0 ? r : tags_plan_finish(l, &steps, p);
}

/* Parameters with their keys, and the place below @l. */
static int open_place(const struct layer *l, struct job *job, struct tags *ret, struct attached *a,
		      struct io **ret_place)
{
	int r = choose(l, ret);

	if (r >= 0)
		r = load_keys(l, job, ret);
	return r < 0 ? r : layer_attach_below(l, job, ATTACH_READ_RAW, a, ret_place);
}

static int learn(struct layer *l, struct job *job)
{
	_cleanup_attached_ struct attached a = {0};
	struct io *place;
	struct tags t;
	int r = open_place(l, job, &t, &a, &place);

	return r < 0 ? r : tags_learn(l, &t, place);
}

/* The superblock does not name the algorithm: the tag's length does, and whether there is a key. */
static int recognise(struct layer *l, struct job *job)
{
	const struct where nowhere = {0};
	struct integrity_superblock sb;
	char sector[16];
	const char *algorithm, *sector_text = sector;
	int r = tags_recognise(l, job, 0, &sb);

	if (r != 1)
		return r;
	algorithm = algorithm_words[sb.tag_bytes == 4 ? CRC32C : job->keys ? HMAC_SHA256 : SHA256];
	snprintf(sector, sizeof(sector), "%u", 512U << sb.log2_sectors_per_block);
	r = layer_set(l, "algorithm", &algorithm, 1, nowhere);
	if (r >= 0)
		r = layer_set(l, "sector-size", &sector_text, 1, nowhere);
	if (r >= 0 && !(sb.flags & INTEGRITY_HAVE_JOURNAL_MAC))
		r = layer_learn(l, "journal-mac", "none");
	return r < 0 ? r : 1;
}

static int probe(const struct layer *l, struct job *job, enum probe_result *ret)
{
	_cleanup_attached_ struct attached a = {0};
	struct io *place;
	struct tags t;
	int r = choose(l, &t);

	if (r >= 0)
		r = layer_attach_below(l, job, ATTACH_READ_RAW, &a, &place);
	return r < 0 ? r : tags_probe(l, &t, place, ret);
}

/* --- in user space --- */

static int states(void *ctx, uint64_t first, uint64_t n, uint8_t *ret, uint8_t *data)
{
	const struct sector_device *d = ctx;
	uint32_t tag_bytes = integrity_tag_bytes(d->device);
	_cleanup_free_ uint8_t *own = data ? NULL : malloc(n * d->sector_bytes);
	_cleanup_free_ uint8_t *tags = malloc(n * tag_bytes);
	int r;

	static_assert(INTEGRITY_GOOD == (int)SECTOR_GOOD && INTEGRITY_NEVER == (int)SECTOR_NEVER &&
			  INTEGRITY_BAD == (int)SECTOR_BAD,
		      "one numbering");
	if (!tags || (!data && !own))
		return -ENOMEM;
	data = data ? data : own;
	r = integrity_read(d->device, first, n, data, tags);
	if (r >= 0)
		r = integrity_check(d->device, first, n, data, tags, ret);
	for (uint64_t i = 0; r >= 0 && i < n; i++) {
		if (ret[i] != INTEGRITY_GOOD)
			memset(data + i * d->sector_bytes, 0, d->sector_bytes);
	}
	return r;
}

static int open_device(const struct layer *l, struct job *job, const struct tags *t,
		       enum attach_mode mode, struct io *place, struct integrity **ret_device,
		       struct io **ret)
{
	struct io *ground, *io;
	int r = tags_open(t, place, mode, job, ret_device, &ground);

	if (r < 0)
		return r;
	r = integrity_io(*ret_device, l->volume->full_name,
			 mode == ATTACH_WRITE || mode == ATTACH_READ_RAW, &io);
	if (r < 0) {
		integrity_close(*ret_device);
		io_close(ground);
		return r;
	}
	return io_open_blocks(io, t->params.sector_bytes, ground, ret);
}

/* d->plain is to be closed; @d stays where it is. */
static int open_sectors(const struct layer *l, struct job *job, const struct tags *t,
			struct io *place, struct sector_device *d)
{
	*d = (struct sector_device){
	    .layer = l,
	    .tags = t,
	    .sector_bytes = t->params.sector_bytes,
	    .states = states,
	    .ctx = d,
	    .written = l->values[INITIALISE].number == INITIALISE_FULL,
	};
	int r = open_device(l, job, t, ATTACH_READ_RAW, place, &d->device, &d->plain);

	if (r >= 0)
		d->sectors = integrity_sectors(d->device);
	return r;
}

static int attach(const struct layer *l, struct job *job, enum attach_mode mode, struct io *below,
		  struct io **ret)
{
	struct sector_device d;
	struct integrity *device;
	struct tags t;
	int r = choose(l, &t);

	if (r >= 0)
		r = load_keys(l, job, &t);
	if (r < 0)
		return r;
	if (mode != ATTACH_IMAGE)
		return open_device(l, job, &t, mode, below, &device, ret);
	r = open_sectors(l, job, &t, below, &d);
	return r < 0 ? r : sector_reader_open(&d, job, ret);
}

static int verify_sectors(const struct layer *l, struct job *job, const struct tags *t,
			  struct io *place, struct report *report)
{
	struct sector_device d;
	int r = open_sectors(l, job, t, place, &d);

	if (r < 0)
		return r;
	r = tags_note_grown(l, t, report);
	if (r >= 0)
		r = tags_report_journal(l, d.device, 0, report);
	if (r >= 0)
		r = sector_check(&d, job, report);
	io_close(d.plain);
	return r;
}

static int verify(const struct layer *l, struct job *job, struct report *report)
{
	_cleanup_attached_ struct attached a = {0};
	const char *why = NULL;
	struct io *place;
	struct tags t;
	int r = open_place(l, job, &t, &a, &place);

	if (r >= 0)
		r = tags_judge(&t, place, &why);
	if (r >= 0 && why)
		r = layer_report(l, report, FINDING_WRONG, "superblock", 0,
				 INTEGRITY_SUPERBLOCK_BYTES, why);
	return r < 0 ? r : verify_sectors(l, job, &t, place, report);
}

static bool authenticates(const struct layer *l)
{
	return true;
}

/* --- the kernel --- */

/* dm-integrity takes no key from a keyring: it is in the table, where root sees it while open. */
static void hash_params(const struct layer *l, const struct integrity_params *p, char *ret,
			size_t size)
{
	char key[2 * MAC_KEY + 1], journal[2 * MAC_KEY + 1];

	if (!is_keyed(l)) {
		snprintf(ret, size, "internal_hash:%s", p->algorithm);
		return;
	}
	hex_encode(p->key, MAC_KEY, key);
	hex_encode(p->journal_key, MAC_KEY, journal);
	snprintf(ret, size, "internal_hash:%s:%s journal_mac:%s:%s fix_hmac", p->algorithm, key,
		 p->algorithm, journal);
	explicit_bzero(key, sizeof(key));
	explicit_bzero(journal, sizeof(journal));
}

static int open_layer(const struct layer *l, struct job *job, const struct open_how *how,
		      const struct place *below, struct place *ret)
{
	char hash[512];
	struct tags t;
	int r = choose(l, &t);

	if (r >= 0)
		r = load_keys(l, job, &t);
	if (r >= 0)
		r = tags_refuse_changed(l, job, &t);
	if (r < 0)
		return r;
	hash_params(l, &t.params, hash, sizeof(hash));
	r = tags_map(l, how, &t, below, hash, NULL, ret);
	explicit_bzero(hash, sizeof(hash));
	return r;
}

static int close_layer(const struct layer *l, struct job *job, const struct open_how *how)
{
	char name[MAPPING_NAME_SIZE];

	mapping_name_of_layer(l, how, NULL, name);
	return mapping_remove(name, 2000);
}

static int status(const struct layer *l, struct job *job, const struct open_how *how,
		  bool *ret_open, struct text *to)
{
	char name[MAPPING_NAME_SIZE];
	struct mapping_info info;
	uint64_t mismatches = 0;
	int r;

	mapping_name_of_layer(l, how, NULL, name);
	r = mapping_query(name, &info);
	if (r < 0)
		return r;
	*ret_open = info.exists;
	if (!info.exists)
		return 0;
	sscanf(info.params, "%" SCNu64, &mismatches);
	text_add(to, "%s: %s: ", name, kernel_names[l->values[ALGORITHM].number]);
	if (mismatches)
		text_add(to, "%" PRIu64 " MISMATCHES", mismatches);
	else
		text_add(to, "no mismatch");
	return 0;
}

static const struct layer_key_ops keys = {.bytes = key_bytes, .keystore_option = KEYSTORE};

static const struct layer_kernel_ops kernel = {
    .open = open_layer,
    .close = close_layer,
    .status = status,
};

static const char *const none[] = {"none", NULL}, *const yes[] = {"yes", NULL};
static const struct option_spec learns[] = {
    {"superblock", OPTION_HEX, .min = TAGS_RECORD_BYTES, .max = TAGS_RECORD_BYTES},
    {"journal-mac", OPTION_WORD, .words = none},
    {"foreign", OPTION_WORD, .words = yes},
    {0},
};

const struct layer_ops layer_integrity = {
    .name = "integrity",
    .summary = "A checksum or a MAC for every sector (dm-integrity).",
    .example = "integrity { algorithm = \"hmac-sha256\"  keystore = \"device\" }",
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
    .recognise = recognise,
    .probe = probe,
    .attach = attach,
    .verify = verify,
    .authenticates = authenticates,
    .keys = &keys,
    .kernel = &kernel,
};
