/* SPDX-License-Identifier: Apache-2.0 */
/* A crypt volume in user space: its plaintext, and what of it does not authenticate. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "layer/crypt/header.h"
#include "layer/crypt/keyslots.h"
#include "layer/crypt/through.h"
#include "layer/crypt/verify.h"
#include "layer/tagged/check.h"
#include "layer/tagged/reader.h"
#include "model/key.h"
#include "stack/attach.h"

/* @ret_plain: as dm-crypt would show it, whole sectors only. */
static int open_plain(const struct layer *l, struct job *job, const struct crypt_facts *f,
		      enum attach_mode mode, struct io *below, struct io **ret_ground,
		      struct io **ret_plain)
{
	uint8_t *bytes;
	const struct secret *key;
	struct integrity *tags = NULL;
	_cleanup_io_ struct io *ground = NULL;
	int r = layer_key(l, job, KEY_VOLUME, &key);

	if (r < 0)
		return r;
	if (f->has_tags)
		r = tags_open(&f->tags, below, mode, job, &tags, &ground);
	else
		r = io_open_window(below, below->name, f->header_bytes, f->data_bytes, &ground);
	if (r < 0)
		return r;
	bytes = secret_bytes(key);
	r = crypt_open(f->kind, f->sector_bytes, bytes, tags ? NULL : ground, tags,
		       mode != ATTACH_READ, job->env, l->volume->full_name, ret_plain);
	if (r < 0) {
		integrity_close(tags);
		return r;
	}
	*ret_ground = TAKE(ground);
	return 0;
}

/* --- the header --- */

static int report_ways_in(const struct layer *l, const struct crypt_facts *f,
			  const struct luks2_facts *h, struct report *report)
{
	unsigned foreign = crypt_header_foreign(f, h);
	int r = 0;

	if (foreign && !layer_learned(l, "segment"))
		r = report_note(report,
				"%s: its LUKS2 header has %u keyslots that were not laid out: "
				"ways in that erasing the device's keys does not close",
				l->volume->full_name, foreign);
	return r < 0 ? diag_no_memory() : 0;
}

static int verify_header(const struct layer *l, struct job *job, struct crypt_place *p,
			 struct report *report)
{
	const struct luks2_found *h = &p->header;
	_cleanup_text_ struct text why = {0};
	const struct secret *key;
	int r = layer_key(l, job, KEY_VOLUME, &key);

	if (r >= 0)
		r = luks2_read(p->io, &p->header);
	if (r == -ENODATA)
		return layer_report(
		    l, report, FINDING_CORRUPT, "LUKS2 header", 0, p->facts.header_bytes,
		    "neither copy is there; the data do not need it, other tools do");
	if (r >= 0)
		r = crypt_header_report_copies(l, h, report);
	if (r >= 0 && h->active >= 0)
		r = crypt_header_judge(l, &p->facts, h, key, &why);
	for (char *save = NULL, *s = why.s ? strtok_r(why.s, "\n", &save) : NULL; s && r >= 0;
	     s = strtok_r(NULL, "\n", &save))
		r = layer_report(l, report, FINDING_WRONG, "LUKS2 header",
				 h->copy[h->active].offset_bytes, LUKS2_HEADER_BYTES, s);
	if (r >= 0 && h->active >= 0)
		r = report_ways_in(l, &p->facts, &h->facts, report);
	return r;
}

/* --- sectors --- */

static int states(void *ctx, uint64_t first, uint64_t n, uint8_t *ret, uint8_t *data)
{
	static_assert(CRYPT_GOOD == (int)SECTOR_GOOD && CRYPT_NEVER == (int)SECTOR_NEVER &&
			  CRYPT_BAD == (int)SECTOR_BAD,
		      "one numbering");
	return crypt_check(ctx, first, n, ret, data);
}

/* d->plain is to be closed. */
static int open_sectors(const struct layer *l, struct job *job, const struct crypt_facts *f,
			struct io *place, struct sector_device *d)
{
	struct io *ground = NULL, *plain;
	int r = f->soft ? open_plain(l, job, f, ATTACH_READ_RAW, place, &ground, &plain)
			: crypt_through_open(l, job, f, ATTACH_READ_RAW, place, &plain);

	if (r < 0)
		return r;
	*d = (struct sector_device){.layer = l,
				    .tags = &f->tags,
				    .sector_bytes = f->sector_bytes,
				    .device =
					f->soft ? crypt_tags(plain) : crypt_through_tags(plain),
				    .states = f->soft ? states : crypt_through_states,
				    .ctx = plain,
				    .written = f->full};
	d->sectors = integrity_sectors(d->device);
	return io_open_blocks(plain, f->sector_bytes, ground, &d->plain);
}

static int verify_sectors(const struct layer *l, struct job *job, const struct crypt_facts *f,
			  struct io *place, struct report *report)
{
	struct sector_device d;
	int r = open_sectors(l, job, f, place, &d);

	if (r < 0)
		return r;
	r = tags_note_grown(l, &f->tags, report);
	if (r >= 0)
		r = tags_report_journal(l, d.device, f->tags.offset_bytes, report);
	if (r >= 0)
		r = sector_check(&d, job, report);
	io_close(d.plain);
	return r;
}

int crypt_layer_attach(const struct layer *l, struct job *job, enum attach_mode mode,
		       struct io *below, struct io **ret)
{
	struct io *plain, *ground;
	struct sector_device d;
	struct crypt_facts f;
	int r = crypt_layer_facts(l, &f);

	if (r < 0)
		return r;
	if (mode == ATTACH_IMAGE && f.has_tags) {
		r = open_sectors(l, job, &f, below, &d);
		return r < 0 ? r : sector_reader_open(&d, job, ret);
	}
	if (!f.soft)
		return crypt_layer_attach_through(l, job, &f, mode, below, ret);
	r = open_plain(l, job, &f, mode, below, &ground, &plain);
	return r < 0 ? r : io_open_blocks(plain, f.sector_bytes, ground, ret);
}

int crypt_layer_verify(const struct layer *l, struct job *job, struct report *report)
{
	_cleanup_crypt_place_ struct crypt_place p;
	const struct tags *t = &p.facts.tags;
	const char *why = NULL;
	int r = crypt_place_open(l, job, ATTACH_READ_RAW, &p);

	if (r >= 0 && p.facts.luks2)
		r = verify_header(l, job, &p, report);
	if (r < 0)
		return r;
	if (!p.facts.has_tags) {
		r = report_note(report,
				"%s: %s without authentication: contents cannot be verified",
				l->volume->full_name, l->values[CRYPT_CIPHER].text);
		return r < 0 ? diag_no_memory() : 0;
	}
	r = tags_judge(t, p.io, &why);
	if (r >= 0 && why)
		r = layer_report(l, report, FINDING_WRONG, "integrity superblock", t->offset_bytes,
				 INTEGRITY_SUPERBLOCK_BYTES, why);
	return r < 0 ? r : verify_sectors(l, job, &p.facts, p.io, report);
}
