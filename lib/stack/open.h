/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and closing stacks in the running kernel. */
#ifndef HOLDFAST_STACK_OPEN_H
#define HOLDFAST_STACK_OPEN_H

#include "model/layer.h"

/* Opens bottom-up; on failure closes again what it opened. @ret: the topmost place. */
int stack_open(struct volume *volume, struct job *job, const struct open_how *how,
	       struct place *ret);
/* Closes top-down, up to the first that cannot be closed: it uses what lies below. */
int stack_close(struct volume *volume, struct job *job, const struct open_how *how);

#endif
