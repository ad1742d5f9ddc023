/* SPDX-License-Identifier: Apache-2.0 */
/* Checking stacks. */
#ifndef HOLDFAST_STACK_VERIFY_H
#define HOLDFAST_STACK_VERIFY_H

#include "model/job.h"
#include "model/layout.h"
#include "model/report.h"

/* Checks the volumes named, or all where @n is 0. 0 even when there are findings. */
int stack_verify(const struct layout *layout, struct volume *const *volumes, size_t n,
		 struct job *job, struct report *report);

#endif
