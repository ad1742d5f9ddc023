/* SPDX-License-Identifier: Apache-2.0 */
/* Assessing a damaged target, and mending what a good copy can mend. */
#include <errno.h>

#include "base/diag.h"
#include "model/build.h"
#include "recovery/repair.h"
#include "vault/check.h"
#include "vault/log.h"

/* The medium as the vault names it; without a vault a GPT is looked for. */
static int probe_medium(struct assessment *a, const struct kinds *kinds, struct medium **ret)
{
	const struct where nowhere = {0};
	struct layout *layout = a->target.layout;
	struct medium *m;
	int r;

	if (!layout) {
		layout = a->layout = layout_new();
		if (!layout || !layout_add_medium(layout, kinds->media[0], "disk", nowhere))
			return -ENOMEM;
	}
	m = layout->media[0];
	r = m->facts ? 0 : m->ops->probe(m, layout, &a->target.job);
	*ret = m;
	return r;
}

static int check(struct assessment *a, const struct medium *m, const struct layout *layout)
{
	int r = a->target.vault ? vault_verify(a->target.vault, &a->report) : 0;

	if (r >= 0 && m->ops->verify)
		r = m->ops->verify(m, layout, &a->target.job, &a->report);
	return r;
}

/* Layers that keep a structure twice: LUKS2 headers. */
static int mend_layers(struct assessment *a, struct layout *layout)
{
	int r = 0;

	for (size_t i = 0; i < layout->n_volumes && r >= 0; i++) {
		struct volume *v = layout->volumes[i];

		for (size_t j = 0; j < v->n_layers && !v->reserved && r >= 0; j++) {
			const struct layer *l = v->layers[j];
			DIAG_SCOPE("volume %s: layer %s", v->full_name, l->ops->name);

			r = l->ops->mend ? l->ops->mend(l, &a->target.job, &a->report, a->plan) : 0;
		}
	}
	return r;
}

static int make_plan(struct assessment *a, const struct medium *m, struct layout *layout)
{
	int r = 0;

	a->plan = plan_new(layout, INTENT_REPAIR);
	if (!a->plan)
		return -ENOMEM;
	a->plan->capacity_bytes = a->target.io->size_bytes;
	a->plan->sector_bytes = a->target.io->sector_bytes;
	if (a->target.vault)
		r = vault_plan_repair(a->target.vault, a->plan);
	if (r >= 0 && m->ops->plan)
		r = m->ops->plan(m, a->plan);
	if (r >= 0 && a->target.layout_from_vault && a->target.state != LIFECYCLE_PROVISIONING)
		r = mend_layers(a, layout);
	return r;
}

int recovery_assess(struct assessment *a, const char *path, bool mend, struct env *env,
		    const struct kinds *kinds)
{
	struct medium *m = NULL;
	struct layout *layout;
	int r = target_open(&a->target, path, mend ? IO_WRITE : 0, env);

	report_init(&a->report);
	if (r >= 0)
		r = target_identify(&a->target, kinds);
	if (r >= 0)
		r = probe_medium(a, kinds, &m);
	layout = a->target.layout ? a->target.layout : a->layout;
	if (r >= 0 && a->target.state != LIFECYCLE_BLANK)
		r = check(a, m, layout);
	return r < 0 ? r : make_plan(a, m, layout);
}

int recovery_repair(struct assessment *a, const struct execute_events *events)
{
	int r;

	if (a->target.state == LIFECYCLE_PROVISIONING) {
		r = diag_fail(DIAG_INCOMPLETE, EUCLEAN, "%s is half laid out, not damaged",
			      a->target.path);
		diag_next("run the same `holdfast provision` command again");
		return r;
	}
	r = execute(a->plan, &a->target.job, NULL, events);
	if (r >= 0 && a->target.vault && a->plan->steps.n)
		r = vault_log(a->target.vault, "repair", "%zu structures mended", a->plan->steps.n);
	return r;
}

void assessment_free(struct assessment *a)
{
	plan_free(a->plan);
	report_free(&a->report);
	target_close(&a->target);
	layout_free(a->layout);
	*a = (struct assessment){0};
}
