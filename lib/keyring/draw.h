/* SPDX-License-Identifier: Apache-2.0 */
/* New keys: drawn, sealed and wrapped for the plan that was begun. */
#ifndef HOLDFAST_KEYRING_DRAW_H
#define HOLDFAST_KEYRING_DRAW_H

#include "base/env.h"
#include "model/layout.h"

struct keyring;
struct sealed;
struct vault;

/* Draws secrets and volume keys for every keyed volume of @layout that is to be made, and has them
 * sealed. @layout outlives the keyring. Failures are reported. */
int keyring_draw(const struct vault *v, const struct layout *layout, struct env *env,
		 struct keyring **ret);
/* The keys were drawn for the plan that was begun last in @v, not for an earlier one that may have
 * been the same. */
bool keyring_is_for(const struct keyring *ring, const struct vault *v);

/* --- for lib/keyring --- */

/* A secret without a predecessor that the hardware names: whatever was sealed before is dead. */
int keyring_seal_first(struct keyring *ring, struct sealed *s);

#endif
