/* SPDX-License-Identifier: Apache-2.0 */
/* A provisioned target's keys: sealed anew, given up. */
#ifndef HOLDFAST_TARGET_KEYS_H
#define HOLDFAST_TARGET_KEYS_H

#include "base/text.h"
#include "target/target.h"

/* Unseals all; HF-KEY-MISSING where there are none. */
int target_unlock_all(struct target *t);
/* New device secrets; volume keys stay, so contents do. A cut leaves the old or the new state.
 * @pcr_version: as written, signatures for it count from then on; NULL: those that count now. */
int target_rotate(struct target *t, const char *pcr_version);
/* The keys of @v are gone afterwards, and so are its contents; the others' secrets are new. 1; 0
 * where they were given up before. */
int target_forget(struct target *t, struct volume *v);

/* What else hardware sealed for others to open volumes by, sealed for what is here now; before the
 * vault's commit. What cannot be is noted, and is no failure. */
void target_reseal_tokens(struct target *t);

/* Prepares the hardware of the keystore of a layout, as provisioning would, and tells what has to
 * be known to seal for it elsewhere. */
int hardware_identity(const char *layout_path, struct env *env, const struct kinds *kinds,
		      struct text *ret);
/* An image that was made for this hardware elsewhere: its keys are sealed here, and the hardware
 * records its vault. @t is loaded for reading, before and
 * afterwards. 1; 0 where there is nothing to do. */
int target_enrol(struct target *t, struct env *env, const struct kinds *kinds);

#endif
