/* SPDX-License-Identifier: Apache-2.0 */
/* Cheap evidence that volumes are what was laid out. */
#ifndef HOLDFAST_STACK_PROBE_H
#define HOLDFAST_STACK_PROBE_H

#include "model/layer.h"

/* Asks every layer that can be read without a key: superblocks, LUKS2 headers, the top of a hash
 * tree, against what was learnt. A finding for the lowest layer of a volume that is not what was
 * laid out, or cannot be read. 0 even where there are findings. Speaks. */
int stack_probe(const struct layout *layout, struct job *job, struct report *report);

#endif
