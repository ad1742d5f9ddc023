/* SPDX-License-Identifier: Apache-2.0 */
/* The LUKS2 header of a crypt volume as the target has it: recognised, judged, mended. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "layer/crypt/header.h"
#include "model/build.h"
#include "stack/attach.h"

/* --- reading --- */

int crypt_place_open(const struct layer *l, struct job *job, enum attach_mode mode,
		     struct crypt_place *ret)
{
	int r;

	*ret = (struct crypt_place){.header.active = -1};
	r = crypt_layer_facts(l, &ret->facts);
	return r < 0 ? r : layer_attach_below(l, job, mode, &ret->below, &ret->io);
}

void crypt_place_close(struct crypt_place *p)
{
	luks2_free(&p->header);
	attached_close(&p->below);
}

int crypt_header_open(const struct layer *l, struct job *job, enum attach_mode mode,
		      struct crypt_place *ret)
{
	int r = crypt_place_open(l, job, mode, ret);

	return r < 0 || !ret->facts.luks2 ? r : luks2_read(ret->io, &ret->header);
}

int crypt_header_learn(struct layer *l, struct crypt_place *p)
{
	const struct luks2_found *h = &p->header;
	char uuid[UUID_TEXT_SIZE];
	int r = luks2_read(p->io, &p->header);

	if (r == -ENODATA || (r >= 0 && (h->active < 0 || !h->facts.valid)))
		return diag_fail(DIAG_DAMAGED, EUCLEAN, "%s: the LUKS2 header is not there",
				 l->volume->full_name);
	if (r < 0)
		return r;
	uuid_print(&h->copy[h->active].binary.uuid, uuid);
	return layer_learn(l, "uuid", "%s", uuid);
}

/* --- volumes that others laid out --- */

static int set_options(struct layer *l, const struct crypt_kind *kind, const struct luks2_facts *h)
{
	const struct where nowhere = {0};
	char sector[16];
	const char *texts[] = {kind->cipher, kind->integrity, sector};
	static const char *const names[] = {"cipher", "integrity", "sector-size"};
	int r = 0;

	snprintf(sector, sizeof(sector), "%u", h->sector_bytes);
	for (int i = 0; i < 3 && r >= 0; i++)
		r = layer_set(l, names[i], &texts[i], 1, nowhere);
	return r < 0 ? r : layer_learn(l, "segment", "%" PRIu64, h->segment_offset_bytes);
}

static int fail_unknown(const struct luks2_facts *h)
{
	return diag_fail(DIAG_NOT_BUILT, ENOTSUP, "LUKS2 with cipher %s%s%s is not known here: %s",
			 h->encryption, *h->integrity ? " and integrity " : "", h->integrity,
			 h->valid ? "`holdfast layers` lists what is" : h->why);
}

int crypt_header_recognise(struct layer *l, struct job *job)
{
	_cleanup_luks2_ struct luks2_found found = {.active = -1};
	_cleanup_attached_ struct attached a = {0};
	const struct crypt_kind *kind;
	struct integrity_superblock sb;
	struct io *place;
	int r = layer_attach_below(l, job, ATTACH_READ_RAW, &a, &place);

	if (r >= 0)
		r = luks2_read(place, &found);
	if (r == -ENODATA || (r >= 0 && found.active < 0))
		return 0;
	if (r < 0)
		return r;
	kind = crypt_kind_luks(found.facts.encryption,
			       *found.facts.integrity ? found.facts.integrity : NULL);
	if (!kind || !found.facts.valid)
		return fail_unknown(&found.facts);
	r = set_options(l, kind, &found.facts);
	if (r >= 0 &&
	    place->size_bytes < found.facts.segment_offset_bytes + INTEGRITY_SUPERBLOCK_BYTES)
		return diag_fail(DIAG_DAMAGED, EUCLEAN,
				 "a LUKS2 header with its data from byte %" PRIu64
				 " on, but the place "
				 "has %" PRIu64 " bytes: it ends before its integrity superblock",
				 found.facts.segment_offset_bytes, place->size_bytes);
	if (r >= 0 && kind->tag_bytes)
		r = tags_recognise(l, job, found.facts.segment_offset_bytes, &sb);
	else if (r >= 0)
		r = 1;
	if (r == 0)
		return diag_fail(DIAG_DAMAGED, EUCLEAN,
				 "a LUKS2 header with integrity, but no integrity superblock");
	return r;
}

/* --- judging --- */

static void say(struct text *to, const char *sentence)
{
	text_add(to, "%s%s", to->len ? "\n" : "", sentence);
}

static void judge_segment(const struct crypt_facts *f, const struct luks2_facts *h, struct text *to)
{
	const char *integrity = f->kind->luks_integrity ? f->kind->luks_integrity : "";

	if (strcmp(h->encryption, "cipher_null") == 0 || strncmp(h->encryption, "null", 4) == 0 ||
	    strstr(h->encryption, "cipher_null"))
		say(to, "its cipher is the null cipher: an opener that trusts it writes plaintext");
	else if (strcmp(h->encryption, f->kind->luks_cipher) != 0)
		say(to, "it names another cipher than was laid out");
	if (strcmp(h->integrity, integrity) != 0)
		say(to, "it names another integrity than was laid out");
	if (h->sector_bytes != f->sector_bytes)
		say(to, "it has another sector size than was laid out");
	if (h->segment_offset_bytes != f->header_bytes || h->segment_bytes || h->iv_tweak)
		say(to, "its segment is not where the data were laid out");
}

int crypt_header_judge(const struct layer *l, const struct crypt_facts *f,
		       const struct luks2_found *found, const struct secret *key, struct text *to)
{
	const struct luks2_facts *h = &found->facts;
	const char *uuid = layer_learned(l, "uuid");
	char there[UUID_TEXT_SIZE];
	int match = 0;

	if (found->active < 0) {
		say(to, "neither copy is good");
		return 0;
	}
	if (h->reencryption)
		say(to, "it asks for a reencryption that nobody began");
	if (*h->requirements && !h->reencryption)
		say(to, "it has requirements that were not laid out");
	if (!h->valid) {
		say(to, *h->why ? h->why : "it cannot be understood");
		return 0;
	}
	judge_segment(f, h, to);
	uuid_print(&found->copy[found->active].binary.uuid, there);
	if (uuid && strcmp(uuid, there) != 0)
		say(to, "it is the header of another volume (its UUID differs)");
	if (key)
		match = luks2_key_matches(h, secret_bytes(key), secret_len(key));
	if (match < 0)
		return match;
	if (key && !match)
		say(to, "its digest is of another key: the header of another volume");
	return to->failed ? diag_no_memory() : 0;
}

/* --- its two copies --- */

int crypt_header_report_copies(const struct layer *l, const struct luks2_found *found,
			       struct report *report)
{
	static const char *const areas[] = {"first LUKS2 header", "second LUKS2 header"};
	const struct luks2_copy *active = found->active < 0 ? NULL : &found->copy[found->active];
	int r = 0;

	for (int i = 0; i < 2 && r >= 0; i++) {
		const struct luks2_copy *c = &found->copy[i];
		const char *why = c->why;

		if (c->good && active && c->binary.sequence == active->binary.sequence &&
		    !(found->differ && c != active))
			continue;
		if (c->good)
			why = found->differ ? "does not say the same as the other one"
					    : "is older than the other one";
		r = layer_report(l, report, active ? FINDING_MENDABLE : FINDING_CORRUPT, areas[i],
				 c->offset_bytes, LUKS2_HEADER_BYTES, why ? why : "is not there");
	}
	return r;
}

static int run_mend(const struct step *s, struct job *job, struct cursor *cursor)
{
	_cleanup_crypt_place_ struct crypt_place p;
	int r = crypt_header_open(s->layer, job, ATTACH_WRITE, &p);

	return r < 0 ? r : luks2_mend(p.io, &p.header);
}

static const struct step_ops mend_step = {"mend LUKS2 header", STEP_REDO, run_mend, NULL};

int crypt_header_mend(const struct layer *l, struct job *job, struct report *report, struct plan *p)
{
	const struct step step = {
	    .layer = l, .ops = &mend_step, .detail = "the damaged copy from the good one"};
	_cleanup_crypt_place_ struct crypt_place place;
	_cleanup_text_ struct text why = {0};
	size_t before = report->findings.n;
	int r = crypt_header_open(l, job, ATTACH_READ_RAW, &place);

	if (r < 0 || !place.facts.luks2)
		return r == -ENODATA ? 0 : r; /* `verify` tells, nothing mends it */
	r = crypt_header_report_copies(l, &place.header, report);
	if (r >= 0)
		r = crypt_header_judge(l, &place.facts, &place.header, NULL, &why);
	if (r < 0 || report->findings.n == before || place.header.active < 0 || why.len)
		return r;
	return plan_add(p, &step);
}

/* --- evidence --- */

static int probe_header(const struct layer *l, const struct crypt_place *p, enum probe_result *ret)
{
	_cleanup_text_ struct text why = {0};
	int r = crypt_header_judge(l, &p->facts, &p->header, NULL, &why);

	if (r >= 0)
		*ret = p->header.active < 0 ? PROBE_DAMAGED
		       : why.len            ? PROBE_FOREIGN
					    : PROBE_MATCHES;
	return r;
}

int crypt_layer_probe(const struct layer *l, struct job *job, enum probe_result *ret)
{
	_cleanup_crypt_place_ struct crypt_place p;
	enum probe_result found = PROBE_MATCHES;
	int r = crypt_header_open(l, job, ATTACH_READ_RAW, &p);

	if (r == -ENODATA) {
		*ret = PROBE_ABSENT;
		return 0;
	}
	if (r >= 0 && p.facts.luks2)
		r = probe_header(l, &p, &found);
	if (r >= 0 && found == PROBE_MATCHES && p.facts.has_tags)
		r = tags_probe(l, &p.facts.tags, p.io, &found);
	if (r >= 0)
		*ret = found;
	return r;
}
