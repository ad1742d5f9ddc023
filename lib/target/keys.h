/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of a provisioned target: resealed, given up. */
#ifndef HOLDFAST_TARGET_KEYS_H
#define HOLDFAST_TARGET_KEYS_H

#include "base/text.h"
#include "target/target.h"

/* Unseals all keys; HF-KEY-MISSING if there are none. */
int target_unlock_all(struct target *t);
/* New device secrets; volume keys and contents stay. A cut leaves the old or the new state.
 * @pcr_version, as written: signatures for it count from then on; NULL: those that count now. */
int target_rotate(struct target *t, const char *pcr_version);
/* Gives up the keys of @v, and so its contents; the device secrets are new. 1; 0 if they were given
 * up before. */
int target_forget(struct target *t, struct volume *v);

/* Before the vault's commit: reseals, for the hardware and boot state of now, the tokens by which
 * others open volumes. Failures are reported as notes and are not errors. */
void target_reseal_tokens(struct target *t);

/* Prepares the hardware of a layout's keystore, as provisioning does, and gives what must be known
 * to seal for it elsewhere. */
int target_hardware_identity(const char *layout_path, struct env *env, const struct kinds *kinds,
			     struct text *ret);
/* Reseals the keys of an image that was sealed elsewhere for this hardware, which then records its
 * vault. @t is loaded for reading, before and after. 1; 0 if there is nothing to do. */
int target_enrol(struct target *t, struct env *env, const struct kinds *kinds);

#endif
