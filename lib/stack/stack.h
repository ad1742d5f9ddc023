/* SPDX-License-Identifier: Apache-2.0 */
/* Walks stacks through layer_ops: survey, plan, verify, read, open, close. Knows no kind. */
#ifndef HOLDFAST_STACK_STACK_H
#define HOLDFAST_STACK_STACK_H

#include "model/layer.h"
#include "model/medium.h"

/* Surveys every source; computes the layout digest into @ret_digest. */
int stack_survey(struct layout *layout, struct env *env, uint8_t ret_digest[static SHA256_BYTES]);

/* Sizes, allocation, steps, digest. @commit appends the vault's step (NULL: none). p->seed etc. are
 * set by the caller. Pure but for what it writes into the model (extents). */
int stack_plan(struct plan *p, int (*commit)(struct plan *));

/* Checks the volumes named (all when @n is 0), media included where all. */
int stack_verify(struct layout *layout, struct volume *const *volumes, size_t n, struct env *env,
		 struct report *report);

/* Opens bottom-up; on failure closes again what it opened. @ret: the topmost place. */
int stack_open(struct volume *volume, struct env *env, const struct open_how *how,
	       struct place *ret);
/* Closes top-down; goes on after a failure, returns the first. */
int stack_close(struct volume *volume, struct env *env, const struct open_how *how);

#endif
