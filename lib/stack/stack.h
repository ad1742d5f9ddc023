/* SPDX-License-Identifier: Apache-2.0 */
/* Walks stacks through layer_ops: survey, plan, verify, open, close. Knows no kind. */
#ifndef HOLDFAST_STACK_STACK_H
#define HOLDFAST_STACK_STACK_H

#include "model/layer.h"
#include "model/medium.h"

/*
 * Surveys every source and computes the layout digest into @ret_digest. @recorded (or NULL) is what
 * a shared image's vault says: a source that is not here takes its facts from there, and what it
 * made is verified instead of made.
 */
int stack_survey(struct layout *layout, const struct layout *recorded, struct env *env,
		 uint8_t ret_digest[static SHA256_BYTES]);

/*
 * Sizes, allocation, steps, digest. The caller has set why, layout_digest, seed, instance,
 * sector_bytes, and capacity_bytes (0: an image that is to be made, of the medium's size or the
 * least). @commit appends the vault's step (NULL: none). Pure but for extents and partitions'
 * identities, which it writes into the volumes.
 */
int stack_plan(struct plan *p, int (*commit)(struct plan *));

/* Checks the volumes named, or all and the media where @n is 0. 0 even when there are findings. */
int stack_verify(struct layout *layout, struct volume *const *volumes, size_t n, struct job *job,
		 struct report *report);

/* Opens bottom-up; on failure closes again what it opened. @ret: the topmost place. */
int stack_open(struct volume *volume, struct job *job, const struct open_how *how,
	       struct place *ret);
/* Closes top-down, up to the first that cannot be closed: it uses what lies below. */
int stack_close(struct volume *volume, struct job *job, const struct open_how *how);

#endif
