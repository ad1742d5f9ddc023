/* SPDX-License-Identifier: Apache-2.0 */
/* Assessing a damaged target, and mending what has a good copy. */
#include <errno.h>

#include "base/diag.h"
#include "model/build.h"
#include "model/layer.h"
#include "recovery/repair.h"
#include "stack/probe.h"
#include "vault/check.h"
#include "vault/log.h"

/* The layout of the vault or the table; without either, one that has only a GPT medium. */
static struct layout *layout_of(struct assessment *a, const struct kinds *kinds)
{
	const struct where nowhere = {0};

	if (a->target.layout)
		return a->target.layout;
	a->layout = layout_new();
	if (!a->layout || !layout_add_medium(a->layout, kinds->media[0], "disk", nowhere))
		return NULL;
	return a->layout;
}

static int check(struct assessment *a, const struct layout *layout)
{
	int r = a->target.vault ? vault_verify(a->target.vault, &a->report) : 0;

	return r < 0 ? r : target_verify_medium(&a->target, layout, &a->report);
}

/* Layers that have a structure twice: LUKS2 headers. */
static int mend_layers(struct assessment *a, const struct layout *layout)
{
	layout_each_volume (v, layout) {
		if (v->reserved)
			continue;
		volume_each_layer (l, v) {
			LAYER_SCOPE(l);
			int r =
			    l->ops->mend ? l->ops->mend(l, &a->target.job, &a->report, a->plan) : 0;

			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int make_plan(struct assessment *a, struct layout *layout)
{
	const struct medium *m = layout->media[0];
	int r;

	a->plan = plan_new(layout, INTENT_REPAIR);
	if (!a->plan)
		return -ENOMEM;
	a->plan->capacity_bytes = a->target.io->size_bytes;
	a->plan->sector_bytes = a->target.io->sector_bytes;
	r = target_probe(&a->target, m->ops, &a->plan->facts);
	if (r >= 0 && a->target.vault)
		r = vault_plan_repair(a->target.vault, a->plan);
	if (r >= 0 && m->ops->plan)
		r = m->ops->plan(m, a->plan);
	if (r < 0 || !a->target.layout_from_vault || a->target.state == LIFECYCLE_PROVISIONING)
		return r;
	r = mend_layers(a, layout);
	return r < 0 ? r : stack_probe(layout, &a->target.job, &a->report);
}

int recovery_assess(struct assessment *a, const char *path, bool mend, struct env *env,
		    const struct kinds *kinds)
{
	struct layout *layout;
	int r = target_open(&a->target, path, mend ? IO_WRITE : 0, env);

	report_init(&a->report);
	if (r >= 0)
		r = target_identify(&a->target, kinds);
	if (r >= 0)
		r = target_refuse_newer(&a->target);
	if (r < 0)
		return r;
	layout = layout_of(a, kinds);
	if (!layout)
		return -ENOMEM;
	if (a->target.state != LIFECYCLE_BLANK)
		r = check(a, layout);
	return r < 0 ? r : make_plan(a, layout);
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
