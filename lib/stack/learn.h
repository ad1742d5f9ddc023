/* SPDX-License-Identifier: Apache-2.0 */
/* Results that only the target knows: root hashes, for the vault and the partition table. */
#ifndef HOLDFAST_STACK_LEARN_H
#define HOLDFAST_STACK_LEARN_H

#include "model/layer.h"

/* Reads back what the finished steps of a plan produced: learn() of every layer of every volume
 * that the plan made. */
int stack_learn(struct layout *layout, struct job *job);

#endif
