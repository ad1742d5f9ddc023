/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the gpt medium have in common. lib/medium only. */
#ifndef HOLDFAST_MEDIUM_GPT_H
#define HOLDFAST_MEDIUM_GPT_H

#include "model/medium.h"

enum { GPT_SIZE, GPT_ALIGN, GPT_KEEP }; /* its options */

/* Operations of struct medium_ops. */
int gpt_verify(const struct medium *m, const struct layout *layout,
	       const struct medium_facts *facts, struct job *job, struct report *report);
int gpt_discover(struct medium *m, struct layout *layout, const struct medium_facts *facts,
		 struct job *job, const struct layer_ops *const *layers);

#endif
