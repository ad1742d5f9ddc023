/* SPDX-License-Identifier: Apache-2.0 */
/* Volumes of a shared image: copied where they come from a file, verified in full
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
	struct extent source[ROLE_COUNT];
};

/* Where the shared image has it; size 0: nowhere. */
static struct extent shared_extent(const struct plan *p, const struct volume *v, enum role role)
{
	const struct request *r = plan_find(p->shared, v, role);

	return r ? r->placed : (struct extent){0};
}

static int copy_piece(const struct volume *v, enum role role, const struct copy_params *p,
		      struct job *job)
{
	const struct extent *source = &p->source[role], *to = &v->pieces[role].extent;
	uint64_t len = min_u64(source->size_bytes, to->size_bytes);
	int r;

	if (!len)
		return 0;
	if (!range_inside(source->offset_bytes, len, p->from->size_bytes))
		return diag_fail(DIAG_SOURCE, EINVAL,
				 "%s ends before volume %s does: it was cut short", p->from->name,
				 v->full_name);
	r = io_copy(p->from, source->offset_bytes, job->target, to->offset_bytes, len, false,
		    job->env);
	if (r == -ECANCELED)
		return diag_fail(DIAG_SIGNAL, ECANCELED, "stopped while %s was copied",
				 v->full_name);
	return r < 0 ? io_fail(job->target, r, "writing", to->offset_bytes, len) : 0;
}

static int run_copy(const struct step *s, struct job *job, struct cursor *cursor)
{
	int r = 0;

	for (int role = 0; role < ROLE_COUNT && r >= 0; role++)
		r = copy_piece(s->volume, (enum role)role, s->params, job);
	return r;
}

static int fail_verify(const struct volume *v, const struct report *report)
{
	const struct finding *f = &report->findings.v[0];
	int r = diag_fail(DIAG_TAMPERED, EUCLEAN,
			  "volume %s is not what the shared image holds: %s at byte %" PRIu64
			  " %s, and %zu more findings",
			  v->full_name, f->area, f->offset_bytes, f->text, report->findings.n - 1);

	diag_next("copy the shared image again, or start again with --replace=all");
	return r;
}

static int run_verify(const struct step *s, struct job *job, struct cursor *cursor)
{
	const struct volume *v = s->volume;
	struct report report;
	int r = 0;

	report_init(&report);
	volume_each_layer (l, v) {
		r = l->ops->verify ? l->ops->verify(l, job, &report) : 0;
		if (r < 0)
			break;
	}
	if (r >= 0 && report.findings.n)
		r = fail_verify(v, &report);
	report_free(&report);
	return r;
}

static const struct step_ops copy_step = {"copy shared", STEP_REDO, run_copy, NULL};
static const struct step_ops verify_step = {"verify shared", STEP_REDO, run_verify, NULL};

static int plan_copy(const struct volume *v, struct plan *p)
{
	struct copy_params *params = arena_new(&p->arena, struct copy_params);
	struct step step = {.ops = &copy_step, .volume = v, .params = params};

	if (!params)
		return diag_no_memory();
	params->from = p->from;
	for (int role = 0; role < ROLE_COUNT; role++)
		params->source[role] = shared_extent(p, v, (enum role)role);
	step.target = v->pieces[ROLE_DATA].extent;
	step.work_bytes = params->source[ROLE_DATA].size_bytes;
	step.detail = "from the shared image";
	return plan_add(p, &step);
}

static int plan_verify(const struct volume *v, struct plan *p)
{
	const struct step step = {
	    .ops = &verify_step,
	    .volume = v,
	    .work_bytes = shared_extent(p, v, ROLE_DATA).size_bytes,
	};

	return plan_add(p, &step);
}

/* Contents grow in place or are made again, as the grow() of their layer has it. */
static int plan_growth(const struct volume *v, struct plan *p)
{
	uint64_t old = shared_extent(p, v, ROLE_DATA).size_bytes;

	if (old == v->pieces[ROLE_DATA].extent.size_bytes)
		return 0;
	volume_each_layer (l, v) {
		int r = l->ops->grow ? l->ops->grow(l, old, p) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

int complete_volume(const struct volume *v, struct plan *p)
{
	DIAG_SCOPE("volume %s", v->full_name);
	int r = p->from ? plan_copy(v, p) : 0;

	if (r >= 0 && !p->trust_copy)
		r = plan_verify(v, p);
	return r < 0 ? r : plan_growth(v, p);
}
