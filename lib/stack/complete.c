/* SPDX-License-Identifier: Apache-2.0 */
/* Volumes that a shared image brings along: copied where they come from a file, verified in full
 * (a copy that was cut short has a good superblock and missing data), grown where there is more
 * room. */
#include <errno.h>
#include <inttypes.h>

#include "base/diag.h"
#include "base/overflow.h"
#include "base/io.h"
#include "model/layer.h"
#include "stack/complete.h"

struct copy_params {
	struct io *from;
};

static int copy_extent(const struct volume *v, enum role role, struct io *from, struct job *job)
{
	const struct extent *source = &v->shared_extent[role], *to = &v->pieces[role].extent;
	uint64_t len = min_u64(source->size_bytes, to->size_bytes);
	int r;

	if (!len)
		return 0;
	if (!range_inside(source->offset_bytes, len, from->size_bytes))
		return diag_fail(DIAG_SOURCE, EINVAL,
				 "%s ends before volume %s does: it was cut short", from->name,
				 v->full_name);
	r = io_copy(from, source->offset_bytes, job->target, to->offset_bytes, len, false,
		    job->env);
	if (r == -ECANCELED)
		return diag_fail(DIAG_SIGNAL, ECANCELED, "stopped while %s was copied",
				 v->full_name);
	return r < 0 ? io_fail(job->target, r, "writing", to->offset_bytes, len) : 0;
}

static int run_copy(const struct step *s, struct job *job, struct cursor *cursor)
{
	const struct copy_params *p = s->params;
	int r = 0;

	for (int role = 0; role < ROLE_COUNT && r >= 0; role++)
		r = copy_extent(s->volume, (enum role)role, p->from, job);
	return r;
}

static int fail_verify(const struct volume *v, const struct report *report)
{
	const struct finding *f = &report->findings.v[0];
	int r = diag_fail(DIAG_TAMPERED, EUCLEAN,
			  "volume %s is not what the shared image holds: %s at byte %" PRIu64
			  " %s, and %zu more findings",
			  v->full_name, f->area, f->offset_bytes, f->text, report->findings.n - 1);

	diag_next("copy the shared image anew, or start anew with --replace=all");
	return r;
}

static int run_verify(const struct step *s, struct job *job, struct cursor *cursor)
{
	const struct volume *v = s->volume;
	struct report report;
	int r = 0;

	report_init(&report);
	for (size_t i = 0; i < v->n_layers && r >= 0; i++) {
		const struct layer *l = v->layers[i];

		r = l->ops->verify ? l->ops->verify(l, job, &report) : 0;
	}
	if (r >= 0 && report.findings.n)
		r = fail_verify(v, &report);
	report_free(&report);
	return r;
}

static const struct step_ops copy_step = {"copy shared", STEP_REDO, run_copy, NULL};
static const struct step_ops verify_step = {"verify shared", STEP_REDO, run_verify, NULL};

static int plan_copy(struct volume *v, struct plan *p)
{
	struct copy_params *params = arena_new(&p->arena, struct copy_params);
	struct step step = {.ops = &copy_step, .volume = v, .params = params};

	if (!params)
		return diag_no_memory();
	params->from = p->from;
	step.target = v->pieces[ROLE_DATA].extent;
	step.work_bytes = v->shared_extent[ROLE_DATA].size_bytes;
	step.detail = "from the shared image";
	return plan_add(p, &step);
}

static int plan_verify(struct volume *v, struct plan *p)
{
	const struct step step = {
	    .ops = &verify_step,
	    .volume = v,
	    .work_bytes = v->shared_extent[ROLE_DATA].size_bytes,
	};

	return plan_add(p, &step);
}

/* Contents that cannot grow are made anew, where the layer says how. */
static int plan_growth(struct volume *v, struct plan *p)
{
	uint64_t old = v->shared_extent[ROLE_DATA].size_bytes;
	int r = 0;

	if (old == v->pieces[ROLE_DATA].extent.size_bytes)
		return 0;
	for (size_t i = 0; i < v->n_layers && r >= 0; i++) {
		const struct layer *l = v->layers[i];

		r = l->ops->grow ? l->ops->grow(l, old, p) : 0;
	}
	return r;
}

int complete_volume(struct volume *v, struct plan *p)
{
	int r = p->from ? plan_copy(v, p) : 0;

	if (r >= 0 && !p->trust_copy)
		r = plan_verify(v, p);
	return r < 0 ? r : plan_growth(v, p);
}
