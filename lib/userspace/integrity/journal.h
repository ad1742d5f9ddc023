/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the journal, or the bitmap, as the kernel does when it activates a device. */
#ifndef HOLDFAST_USERSPACE_INTEGRITY_JOURNAL_H
#define HOLDFAST_USERSPACE_INTEGRITY_JOURNAL_H

#include "userspace/integrity/private.h"

/* Fills the overlay, bitmap and report of @i. Speaks. */
int integrity_replay(struct integrity *i, const struct integrity_params *p, struct env *env);

#endif
