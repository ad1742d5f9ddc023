/* SPDX-License-Identifier: Apache-2.0 */
/* The medium interface: it allocates volumes; only the medium writes its table, as the last step.
 */
#ifndef HOLDFAST_MODEL_MEDIUM_H
#define HOLDFAST_MODEL_MEDIUM_H

#include "model/job.h"
#include "model/facts.h"
#include "model/layout.h"
#include "model/plan.h"
#include "model/place.h"
#include "model/report.h"

struct medium_ops {
	const char *name;
	const char *summary;
	enum place_kind provides; /* what a bottom layer is put on */
	const struct option_spec *options;

	/* Pure. */
	int (*check)(const struct medium *m);
	/* Read-only. Reads what is on job->target, whatever the layout says; @ret is zeroed. Use
	 * target_probe(), which reads once. */
	int (*probe)(struct job *job, struct medium_facts *ret);
	/* Pure: size that the layout gives an image file that is to be made; 0: none. */
	uint64_t (*image_bytes)(const struct medium *m);
	/* Pure: fills `placed` of all requests, or says what does not fit. Appends a REQUEST_KEEP
	 * for every kept partition of p->facts. The vault's request comes first and is placed where
	 * it asks. Fixed offsets next; then the others in order, one after another; `fill` last. */
	int (*allocate)(const struct medium *m, struct plan *p);
	/* The smallest image that can hold the plan's requests, table copies included; pure. */
	uint64_t (*least_bytes)(const struct medium *m, const struct plan *p);
	/* INTENT_PROVISION/SHARED: the step that writes the table, last of all. INTENT_REPAIR:
	 * steps that mend a damaged copy. Nothing where the medium has no table. */
	int (*plan)(const struct medium *m, struct plan *p);
	/* The step that invalidates the old table (--replace), before all others. */
	int (*plan_retire)(const struct medium *m, struct plan *p);
	/* Complete check of the table as @facts have it, and of what it says of the layout's
	 * volumes; findings. Unset: there is no table. */
	int (*verify)(const struct medium *m, const struct layout *layout,
		      const struct medium_facts *facts, struct job *job, struct report *report);
	/* Volumes that can be told from the table alone (DPS types): for images without a vault.
	 * Appends to @layout; needs the layers' registry to make stacks. */
	int (*discover)(struct medium *m, struct layout *layout, const struct medium_facts *facts,
			struct job *job, const struct layer_ops *const *layers);
};

const struct medium_ops *medium_kind(const struct medium_ops *const *registry, const char *name);

#endif
