/* SPDX-License-Identifier: Apache-2.0 */
/* Every sector of an authenticated device. */
#ifndef HOLDFAST_LAYER_TAGGED_CHECK_H
#define HOLDFAST_LAYER_TAGGED_CHECK_H

#include "layer/tagged/sector.h"

/* Every sector; findings with files' names. */
int sector_check(const struct sector_device *d, struct job *job, struct report *report);

#endif
