/* SPDX-License-Identifier: Apache-2.0 */
/* dm-integrity below a layer: geometry, and what was laid out against what the medium has. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/hex.h"
#include "base/overflow.h"
#include "layer/tagged/tags.h"
#include "stack/attach.h"

/* --- geometry --- */

static int from_record(const struct layer *l, const char *hex, struct integrity_superblock *ret)
{
	uint8_t bytes[INTEGRITY_SUPERBLOCK_BYTES] = {0};
	const char *why;

	if (hex_decode(hex, bytes, TAGS_RECORD_BYTES) < 0 ||
	    integrity_decode(bytes, sizeof(bytes), ret, &why) < 0)
		return diag_fail(DIAG_DAMAGED, EUCLEAN, "the vault's record of %s cannot be used",
				 l->volume->full_name);
	return 0;
}

int tags_choose(const struct layer *l, struct tags *t)
{
	const char *record = layer_learned(l, "superblock");
	int r;

	if (record)
		return from_record(l, record, &t->sb);
	r = integrity_choose(&t->params, t->len_bytes, &t->sb);
	if (r == -ENOSPC)
		return diag_fail(DIAG_LAYOUT_SPACE, ENOSPC,
				 "volume \"%s\": %" PRIu64 " bytes are too few for data with tags "
				 "and a journal",
				 l->volume->name, t->len_bytes);
	return r < 0 ? diag_fail(DIAG_INTERNAL, -r, "no tag area is possible") : 0;
}

static uint64_t given(const struct integrity_params *p, uint64_t place_bytes)
{
	struct integrity_superblock sb;

	return integrity_choose(p, place_bytes, &sb) < 0 ? 0 : sb.provided_data_sectors * 512;
}

/* Bytes of a place that has room for @data_bytes. The room grows with the place, except where the
 * journal grows by a step: the result is large enough, but not always the smallest one. */
static uint64_t tags_place_bytes(const struct integrity_params *p, uint64_t data_bytes)
{
	uint64_t step = 4096, low = data_bytes / step, high = low + 1;

	while (given(p, high * step) < data_bytes)
		high += high / 8 + 64;
	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (given(p, middle * step) >= data_bytes)
			high = middle;
		else
			low = middle + 1;
	}
	return high * step;
}

int tags_size(const struct layer *l, const struct option_value *sector,
	      const struct integrity_params *params, uint64_t head_bytes, struct sizing *s,
	      const struct plan *p)
{
	uint64_t *const bytes[] = {&s->need_bytes, &s->least_bytes};
	char at[WHERE_SIZE];

	if (sector->number < p->sector_bytes)
		return diag_fail(DIAG_LAYOUT_VALUE, EINVAL,
				 "%svolume \"%s\": sector-size = %" PRIu64 ", but the target has "
				 "sectors of %u bytes: write sector-size = %u",
				 where_text(&sector->where, at), l->volume->name, sector->number,
				 p->sector_bytes, p->sector_bytes);
	if (!s->least_bytes)
		s->least_bytes = 1024 * 1024;
	for (int i = 0; i < 2; i++) {
		uint64_t n = round_up(*bytes[i], sector->number);

		if (n && params)
			n = tags_place_bytes(params, n);
		*bytes[i] = n ? head_bytes + n : 0;
	}
	return 0;
}

/* --- what the medium has --- */

/* Flags that come and go while the kernel uses a device. */
static uint32_t passing_flags(const struct tags *t)
{
	bool keyed = !t->params.algorithm || strncmp(t->params.algorithm, "hmac", 4) == 0;

	/* A forged one of these makes the kernel compute keyed tags anew over what it finds. */
	return keyed ? 0 : INTEGRITY_DIRTY_BITMAP | INTEGRITY_RECALCULATING;
}

static const char *compare(const struct tags *t, const struct integrity_superblock *there)
{
	const struct integrity_superblock *sb = &t->sb;
	uint32_t passing = passing_flags(t);

	if ((there->flags & ~passing) & (INTEGRITY_RECALCULATING | INTEGRITY_DIRTY_BITMAP))
		return "asks for tags to be recalculated: whoever set that could change data";
	if (there->provided_data_sectors != sb->provided_data_sectors)
		return "is for a place of another size: the volume was grown, shrunk or swapped";
	if ((there->flags | passing) != (sb->flags | passing) ||
	    there->tag_bytes != sb->tag_bytes || there->journal_sections != sb->journal_sections ||
	    there->log2_interleave_sectors != sb->log2_interleave_sectors ||
	    there->log2_sectors_per_block != sb->log2_sectors_per_block)
		return "is not the one that was laid out";
	if (memcmp(there->salt, sb->salt, sizeof(sb->salt)) != 0)
		return "has another salt: it is the one of another volume";
	return NULL;
}

/* With *@ret_why: PROBE_ABSENT or PROBE_DAMAGED. */
static int read_superblock(const struct tags *t, struct io *place, uint8_t *bytes,
			   struct integrity_superblock *ret, enum probe_result *ret_probe,
			   const char **ret_why)
{
	int r = io_read(place, bytes, INTEGRITY_SUPERBLOCK_BYTES, t->offset_bytes);

	*ret_why = NULL;
	if (r < 0)
		return io_fail(place, r, "reading", t->offset_bytes, INTEGRITY_SUPERBLOCK_BYTES);
	r = integrity_decode(bytes, INTEGRITY_SUPERBLOCK_BYTES, ret, ret_why);
	if (r == -ENODATA)
		*ret_why = "is not there";
	*ret_probe = r == -ENODATA ? PROBE_ABSENT : r < 0 ? PROBE_DAMAGED : PROBE_MATCHES;
	return 0;
}

static int judge(const struct tags *t, struct io *place, enum probe_result *ret,
		 const char **ret_why)
{
	uint8_t bytes[INTEGRITY_SUPERBLOCK_BYTES];
	struct integrity_superblock there;
	int r = read_superblock(t, place, bytes, &there, ret, ret_why);

	if (r < 0 || *ret_why)
		return r;
	*ret_why = compare(t, &there);
	if (!*ret_why && t->params.journal_key_len) {
		r = integrity_authentic(bytes, &there, &t->params);
		if (r == 0)
			*ret_why = "has a MAC of another key";
	}
	if (*ret_why)
		*ret = PROBE_FOREIGN;
	return r < 0 ? r : 0;
}

int tags_judge(const struct tags *t, struct io *place, const char **ret_why)
{
	enum probe_result result;

	return judge(t, place, &result, ret_why);
}

int tags_probe(const struct layer *l, const struct tags *t, struct io *place,
	       enum probe_result *ret)
{
	struct tags keyless = *t;
	struct integrity_superblock there;
	uint8_t bytes[INTEGRITY_SUPERBLOCK_BYTES];
	const char *why;

	keyless.params.journal_key_len = 0;
	return layer_learned(l, "superblock") ? judge(&keyless, place, ret, &why)
					      : read_superblock(t, place, bytes, &there, ret, &why);
}

static int learn_superblock(struct layer *l, const struct integrity_superblock *sb)
{
	uint8_t bytes[INTEGRITY_SUPERBLOCK_BYTES];
	char hex[2 * TAGS_RECORD_BYTES + 1];

	integrity_encode(sb, bytes);
	hex_encode(bytes, TAGS_RECORD_BYTES, hex);
	return layer_learn(l, "superblock", "%s", hex);
}

int tags_recognise(struct layer *l, struct job *job, uint64_t offset_bytes,
		   struct integrity_superblock *ret)
{
	const struct tags t = {.offset_bytes = offset_bytes};
	uint8_t bytes[INTEGRITY_SUPERBLOCK_BYTES];
	_cleanup_attached_ struct attached a = {0};
	enum probe_result result;
	const char *why = NULL;
	struct io *place;
	int r = layer_attach_below(l, job, ATTACH_READ_RAW, &a, &place);

	if (r >= 0 && place->size_bytes < offset_bytes + INTEGRITY_SUPERBLOCK_BYTES)
		return 0;
	if (r >= 0)
		r = read_superblock(&t, place, bytes, ret, &result, &why);
	if (r < 0 || why)
		return r < 0 ? r : 0;
	r = learn_superblock(l, ret);
	if (r >= 0)
		r = layer_learn(l, "foreign", "yes");
	return r < 0 ? r : 1;
}

int tags_learn(struct layer *l, const struct tags *t, struct io *place)
{
	const char *why;
	int r = tags_judge(t, place, &why);

	if (r < 0)
		return r;
	if (why)
		return diag_fail(DIAG_DAMAGED, EUCLEAN, "%s: the integrity superblock %s",
				 l->volume->full_name, why);
	return learn_superblock(l, &t->sb);
}

int tags_open(const struct tags *t, struct io *place, enum attach_mode mode, struct job *job,
	      struct integrity **ret, struct io **ret_ground)
{
	_cleanup_io_ struct io *window = NULL;
	int r = io_open_window(place, place->name, t->offset_bytes, t->len_bytes, &window);

	if (r >= 0)
		r = integrity_open(window, &t->params, &t->sb, mode != ATTACH_WRITE, job->env, ret);
	if (r >= 0)
		*ret_ground = TAKE(window);
	return r;
}

int tags_note_grown(const struct layer *l, const struct tags *t, struct report *report)
{
	struct integrity_geometry g;
	const char *why;

	if (integrity_geometry(&t->sb, &g, &why) < 0 ||
	    integrity_fit(&t->sb, t->len_bytes) <= t->sb.provided_data_sectors)
		return 0;
	if (report_note(report,
			"%s: uses %" PRIu64 " bytes of its place's %" PRIu64
			": it was grown, or copied to a larger one",
			l->volume->full_name, t->offset_bytes + g.end_bytes,
			t->offset_bytes + t->len_bytes) < 0)
		return diag_no_memory();
	return 0;
}

/* --- the journal --- */

int tags_report_journal(const struct layer *l, const struct integrity *i, uint64_t offset,
			struct report *report)
{
	struct integrity_journal_report j;
	int r = 0;

	integrity_journal(i, &j);
	for (uint64_t b = 0; b < min_u64(j.bad, 8) && r >= 0; b++)
		r = layer_report(
		    l, report, FINDING_CORRUPT, "journal", offset + j.bad_offset_bytes[b], 4096,
		    "a section of the journal cannot come from a power cut: it was changed");
	if (r >= 0 && j.dirty)
		r = report_note(report,
				"%s: the journal was in use when power went away: %" PRIu64
				" sectors are taken from it",
				l->volume->full_name, j.replayed_sectors);
	if (r >= 0 && j.torn)
		r = report_note(report,
				"%s: %" PRIu64 " sections of the journal were not finished; "
				"the kernel drops them",
				l->volume->full_name, j.torn);
	return r < 0 ? diag_no_memory() : 0;
}
