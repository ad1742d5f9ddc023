/* SPDX-License-Identifier: Apache-2.0 */
/* Assessing a damaged target, and mending what has a good copy. */
#ifndef HOLDFAST_RECOVERY_REPAIR_H
#define HOLDFAST_RECOVERY_REPAIR_H

#include "target/target.h"
#include "engine/execute.h"
#include "model/medium.h"

struct assessment {
	struct target target;
	struct layout *layout; /* with nothing but a medium, where the target has none */
	struct report report;  /* of vault and table */
	struct plan *plan;     /* what would mend them */
};

/* Opens (for writing where @mend), identifies, checks vault and table, and makes the plan. */
int recovery_assess(struct assessment *a, const char *path, bool mend, struct env *env,
		    const struct kinds *kinds);
int recovery_repair(struct assessment *a, const struct execute_events *events);
void assessment_free(struct assessment *a);

#endif
