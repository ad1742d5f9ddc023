/* SPDX-License-Identifier: Apache-2.0 */
/* dm-integrity below a layer: steps that lay it out. */
#include <errno.h>
#include <inttypes.h>

#include "base/diag.h"
#include "base/overflow.h"
#include "base/pool.h"
#include "layer/tagged/steps.h"
#include "stack/attach.h"

#define PIECE_BYTES  (1024 * 1024)
#define WINDOW_BYTES (64ULL * 1024 * 1024) /* between two checkpoints */

/* The place that a step works on, and dm-integrity's parameters with keys. */
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
