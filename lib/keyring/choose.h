/* SPDX-License-Identifier: Apache-2.0 */
/* Which of two copies that differ counts: the hardware of a keystore knows. */
#ifndef HOLDFAST_KEYRING_CHOOSE_H
#define HOLDFAST_KEYRING_CHOOSE_H

#include "base/env.h"
#include "model/layout.h"

struct vault;

/* Asks the hardware if the two copies differ, after a cut. True: another copy than before counts.
 * If it cannot be asked the copies are left as they are. Failures are not reported. */
bool keyring_choose_copy(struct vault *v, const struct layout *layout, struct env *env);

#endif
