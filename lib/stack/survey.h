/* SPDX-License-Identifier: Apache-2.0 */
/* What the sources of a layout are, and the digest of the layout with them. */
#ifndef HOLDFAST_STACK_SURVEY_H
#define HOLDFAST_STACK_SURVEY_H

#include "model/layer.h"

/*
 * Surveys every source and computes the layout digest into @ret_digest. @recorded (or NULL) is what
 * a shared image's vault says: a source that is not here takes its facts from there, and what it
 * made is verified instead of made.
 */
int stack_survey(struct layout *layout, const struct layout *recorded, struct env *env,
		 uint8_t ret_digest[static SHA256_BYTES]);

/* How big the bottom layer says that @v is. Pure. */
int stack_bound(const struct volume *v, struct bound *ret);

#endif
