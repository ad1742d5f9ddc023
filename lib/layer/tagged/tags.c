/* SPDX-License-Identifier: Apache-2.0 */
/* dm-integrity below a layer: geometry, what was laid out against what stands there, clearing. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/hex.h"
#include "base/overflow.h"
#include "base/pool.h"
#include "layer/tagged/tags.h"
#include "stack/attach.h"

#define PIECE_BYTES  (1024 * 1024)
#define WINDOW_BYTES (64ULL * 1024 * 1024) /* between two checkpoints */
#define RECORD_BYTES 64 /* of a superblock, in the vault: all that is not zero, but for its MAC */

/* --- geometry --- */

static int from_record(const struct layer *l, const char *hex, struct integrity_superblock *ret)
{
	uint8_t bytes[INTEGRITY_SUPERBLOCK_BYTES] = {0};
	const char *why;

	if (hex_decode(hex, bytes, RECORD_BYTES) < 0 ||
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

/* What is given grows with the place, but for where the journal grows by a step: the search ends at
 * a place that is large enough, if not always the smallest one. */
uint64_t tags_place_bytes(const struct integrity_params *p, uint64_t data_bytes)
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

/* --- what stands on the medium --- */

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

static int read_superblock(const struct tags *t, struct io *place, uint8_t *bytes,
			   struct integrity_superblock *ret, const char **ret_why)
{
	int r = io_read(place, bytes, INTEGRITY_SUPERBLOCK_BYTES, t->offset_bytes);

	*ret_why = NULL;
	if (r < 0)
		return io_fail(place, r, "reading", t->offset_bytes, INTEGRITY_SUPERBLOCK_BYTES);
	r = integrity_decode(bytes, INTEGRITY_SUPERBLOCK_BYTES, ret, ret_why);
	if (r == -ENODATA)
		*ret_why = "is not there";
	return 0;
}

int tags_judge(const struct tags *t, struct io *place, const char **ret_why)
{
	uint8_t bytes[INTEGRITY_SUPERBLOCK_BYTES];
	struct integrity_superblock there;
	int r = read_superblock(t, place, bytes, &there, ret_why);

	if (r < 0 || *ret_why)
		return r;
	*ret_why = compare(t, &there);
	if (*ret_why || !t->params.journal_key_len)
		return 0;
	r = integrity_authentic(bytes, &there, &t->params);
	if (r == 0)
		*ret_why = "has a MAC of another key";
	return r < 0 ? r : 0;
}

static int learn_superblock(struct layer *l, const struct integrity_superblock *sb)
{
	uint8_t bytes[INTEGRITY_SUPERBLOCK_BYTES];
	char hex[2 * RECORD_BYTES + 1];

	integrity_encode(sb, bytes);
	hex_encode(bytes, RECORD_BYTES, hex);
	return layer_learn(l, "superblock", "%s", hex);
}

int tags_recognise(struct layer *l, struct job *job, uint64_t offset_bytes,
		   struct integrity_superblock *ret)
{
	const struct tags t = {.offset_bytes = offset_bytes};
	uint8_t bytes[INTEGRITY_SUPERBLOCK_BYTES];
	_cleanup_attached_ struct attached a = {0};
	const char *why = NULL;
	struct io *place;
	int r = layer_attach_below(l, job, ATTACH_READ_RAW, &a, &place);

	if (r >= 0 && place->size_bytes < offset_bytes + INTEGRITY_SUPERBLOCK_BYTES)
		return 0;
	if (r >= 0)
		r = read_superblock(&t, place, bytes, ret, &why);
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
	struct finding f = {
	    .kind = FINDING_CORRUPT,
	    .volume = l->volume->full_name,
	    .layer = l->ops->name,
	    .area = "journal",
	    .len_bytes = 4096,
	    .text = "a section of the journal cannot come from a power cut: it was changed",
	};
	int r = 0;

	integrity_journal(i, &j);
	for (uint64_t b = 0; b < min_u64(j.bad, 8) && r >= 0; b++) {
		f.offset_bytes = l->volume->pieces[ROLE_DATA].extent.offset_bytes + offset +
				 j.bad_offset_bytes[b];
		r = report_add(report, &f);
	}
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

/* --- steps --- */

/* The place that a step works on, and dm-integrity's parameters with their keys. */
struct working {
	struct attached a;
	struct io *place, *window;
	struct tags tags;
};

static void stop_working(struct working *w)
{
	io_close(w->window);
	attached_close(&w->a);
}

static int start_working(const struct step *s, struct job *job, struct working *w)
{
	const struct tag_steps *p = s->params;
	int r = layer_attach_below(s->layer, job, ATTACH_WRITE, &w->a, &w->place);

	w->tags = p->tags;
	if (r >= 0 && p->load_keys)
		r = p->load_keys(s->layer, job, &w->tags);
	if (r < 0 || !p->tags.sb.tag_bytes)
		return r;
	return io_open_window(w->place, w->place->name, p->tags.offset_bytes, p->tags.len_bytes,
			      &w->window);
}

static int run_clear(const struct step *s, struct job *job, struct cursor *cursor)
{
	const struct tag_steps *p = s->params;
	__attribute__((cleanup(stop_working))) struct working w = {0};
	int r = start_working(s, job, &w);

	if (r >= 0 && p->clear_bytes) {
		r = io_zero(w.place, 0, p->clear_bytes);
		r = r < 0 ? io_fail(w.place, r, "writing", 0, p->clear_bytes) : 0;
	}
	return r < 0 || !w.window
		   ? r
		   : integrity_prepare(w.window, &w.tags.params, &w.tags.sb, job->env);
}

/* Zeroes of the layer's own device: encrypted, with their tags. */
struct fill {
	struct io *io;
	uint64_t end, place; /* place: about where it is on the target */
	const uint8_t *zeroes;
	struct job *job;
};

static int fill_piece(void *ctx, uint64_t piece, unsigned worker)
{
	struct fill *f = ctx;
	uint64_t at = piece * PIECE_BYTES, n = min_u64(PIECE_BYTES, f->end - at);
	int r = io_write(f->io, f->zeroes, (size_t)n, at);

	/* The medium is kept busy while the next pieces are encrypted. */
	io_hint(f->job->target, IO_WILL_FLUSH, f->place + at, n);
	env_progress(f->job->env, n);
	return r;
}

static int fill_range(struct fill *f, uint64_t start, uint64_t end, struct cursor *cursor)
{
	uint64_t pieces = div_round_up(end, PIECE_BYTES), window = WINDOW_BYTES / PIECE_BYTES;
	int r = 0;

	for (uint64_t piece = start / PIECE_BYTES; piece < pieces && r >= 0; piece += window) {
		uint64_t last = min_u64(piece + window, pieces);

		r = pool_run(f->job->env->pool, piece, last, fill_piece, f, f->job->env->cancel);
		if (r >= 0)
			r = cursor_done(cursor, min_u64(last * PIECE_BYTES, end));
		else if (r == -ECANCELED)
			r = diag_fail(DIAG_SIGNAL, ECANCELED, "stopped while it was filled");
		else
			r = io_fail(f->io, r, "writing", piece * PIECE_BYTES, WINDOW_BYTES);
		env_tick(f->job->env);
	}
	return r;
}

static int open_fill(const struct step *s, struct job *job, struct attached *a, struct fill *ret)
{
	static const uint8_t zeroes[PIECE_BYTES];
	int r = layer_attach(s->layer, job, ATTACH_WRITE, a, &ret->io);

	ret->zeroes = zeroes;
	ret->place = s->layer->volume->pieces[ROLE_DATA].extent.offset_bytes;
	ret->job = job;
	if (r >= 0)
		ret->end = ret->io->size_bytes;
	return r;
}

static int run_fill(const struct step *s, struct job *job, struct cursor *cursor)
{
	_cleanup_attached_ struct attached a = {0};
	struct fill f;
	int r = open_fill(s, job, &a, &f);

	if (r < 0)
		return r;
	env_progress(job->env, min_u64(cursor ? cursor->start : 0, f.end));
	return fill_range(&f, cursor ? cursor->start : 0, f.end, cursor);
}

/* What looks for file systems and tables (blkid, the kernel, udev) looks at both ends. */
static int run_edges(const struct step *s, struct job *job, struct cursor *cursor)
{
	_cleanup_attached_ struct attached a = {0};
	struct fill f;
	uint64_t last;
	int r = open_fill(s, job, &a, &f);

	if (r < 0)
		return r;
	last = f.end > TAGS_LAST_BYTES ? round_down(f.end - TAGS_LAST_BYTES, PIECE_BYTES) : 0;
	r = fill_range(&f, 0, min_u64(f.end, TAGS_FIRST_BYTES), NULL);
	return r < 0 ? r : fill_range(&f, last, f.end, NULL);
}

static int run_finish(const struct step *s, struct job *job, struct cursor *cursor)
{
	__attribute__((cleanup(stop_working))) struct working w = {0};
	int r = start_working(s, job, &w);

	return r < 0 ? r : integrity_finish(w.window, &w.tags.params, &w.tags.sb);
}

static const struct step_ops clear_step = {"clear", STEP_REDO, run_clear, NULL};
static const struct step_ops fill_step = {"fill", STEP_CURSOR, run_fill, NULL};
static const struct step_ops edges_step = {"both ends", STEP_REDO, run_edges, NULL};
static const struct step_ops finish_step = {"integrity superblock", STEP_REDO, run_finish, NULL};

static int add(const struct layer *l, const struct tag_steps *params, const struct step_ops *ops,
	       struct extent target, uint64_t work_bytes, const char *detail, struct plan *p)
{
	struct tag_steps *copy = arena_new(&p->arena, struct tag_steps);
	const struct step step = {.layer = l,
				  .ops = ops,
				  .params = copy,
				  .target = target,
				  .work_bytes = work_bytes,
				  .detail = detail};

	if (!copy || !detail)
		return diag_no_memory();
	*copy = *params;
	return plan_add(p, &step);
}

int fill_plan_prepare(const struct layer *l, const struct tag_steps *params, struct plan *p)
{
	const struct extent *all = &l->volume->pieces[ROLE_DATA].extent;
	struct extent head = {all->offset_bytes, params->clear_bytes};
	uint64_t bytes;
	int r = l->ops->gives(l, &bytes);

	if (r >= 0 && params->clear_bytes)
		r = add(l, params, &clear_step, head, 0, "header", p);
	if (r < 0 || !params->full)
		return r;
	return add(l, params, &fill_step, *all, bytes, "every sector", p);
}

int tags_plan_prepare(const struct layer *l, const struct tag_steps *params, struct plan *p)
{
	const struct extent *all = &l->volume->pieces[ROLE_DATA].extent;
	const struct integrity_superblock *sb = &params->tags.sb;
	uint64_t bytes = tags_data_bytes(&params->tags);
	const char *what = arena_print(
	    &p->arena, "%s%" PRIu64 " sectors of %u with tags of %u, %u journal sections%s%s",
	    params->clear_bytes ? "header, " : "", bytes / params->tags.params.sector_bytes,
	    params->tags.params.sector_bytes, sb->tag_bytes, sb->journal_sections,
	    params->remark ? "; " : "", params->remark ? params->remark : "");
	int r = add(l, params, &clear_step, *all,
		    bytes / params->tags.params.sector_bytes * sb->tag_bytes, what, p);

	if (r < 0)
		return r;
	if (params->full)
		return add(l, params, &fill_step, *all, bytes, "every sector", p);
	return add(l, params, &edges_step, *all, min_u64(bytes, TAGS_FIRST_BYTES + TAGS_LAST_BYTES),
		   "the first 3 and the last 2 MiB; what nothing writes keeps what stood there", p);
}

int tags_plan_finish(const struct layer *l, const struct tag_steps *params, struct plan *p)
{
	const struct extent e = {l->volume->pieces[ROLE_DATA].extent.offset_bytes +
				     params->tags.offset_bytes,
				 INTEGRITY_SUPERBLOCK_BYTES};

	return add(l, params, &finish_step, e, 0, "makes it recognisable", p);
}
