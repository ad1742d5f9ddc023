/* SPDX-License-Identifier: Apache-2.0 */
/* Every way to the contents of a target's volumes. */
#ifndef HOLDFAST_TARGET_WAYS_H
#define HOLDFAST_TARGET_WAYS_H

#include "target/target.h"
#include "keyring/ways.h"

#define WAYS_MAX (6 * VOLUMES_MAX)

struct ways_in {
	struct way_in v[WAYS_MAX];
	size_t n;
};
/* The ways of the vault, after target_read_keys(), and those that the medium has besides. A place
 * that cannot be read counts as a way, too. */
void target_ways_in(struct target *t, struct ways_in *ret);

#endif
