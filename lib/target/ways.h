/* SPDX-License-Identifier: Apache-2.0 */
/* Every way to the contents of a target's volumes. */
#ifndef HOLDFAST_DEVICE_WAYS_H
#define HOLDFAST_DEVICE_WAYS_H

#include "target/target.h"
#include "vault/escrow.h"

#define WAYS_MAX (6 * VOLUMES_MAX)

struct ways_in {
	struct way_in v[WAYS_MAX];
	size_t n;
};
/* What the vault has (@t->keys was read) and what the medium has beside it. What cannot be
 * looked at is a way, too. */
void device_ways_in(struct target *t, struct ways_in *ret);

#endif
