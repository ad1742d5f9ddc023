/* SPDX-License-Identifier: Apache-2.0 */
/* The step that commits the device part. */
#include "keyring/commit.h"
#include "stack/learn.h"
#include "target/commit.h"
#include "vault/vault.h"

static int run(const struct step *s, struct job *job, struct cursor *cursor)
{
	struct layout *layout = s->layout;
	const struct extent *e = &layout->vault.extent;
	_cleanup_vault_ struct vault *v = NULL;
	int r = stack_learn(layout, job);

	if (r >= 0)
		r = vault_load(job->target, e->offset_bytes, e->size_bytes, &v);
	return r < 0 ? r : keyring_commit(v, layout, job->ring);
}

static const struct step_ops commit_step = {"commit device part", STEP_REDO, run, NULL};

int target_plan_commit(struct plan *plan)
{
	const struct step step = {
	    .ops = &commit_step,
	    .subject = "vault",
	    .detail = "inactive copy, then the other",
	    .target = plan->layout->vault.extent,
	};

	return plan_add(plan, &step);
}
