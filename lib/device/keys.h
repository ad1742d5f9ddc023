/* SPDX-License-Identifier: Apache-2.0 */
/* A provisioned target's keys: sealed anew, given up. */
#ifndef HOLDFAST_DEVICE_KEYS_H
#define HOLDFAST_DEVICE_KEYS_H

#include "device/target.h"

/* New device secrets; volume keys stay, so contents do. A cut leaves the old or the new state. */
int device_keys_rotate(struct target *t, struct env *env);
/* The keys of @v are gone afterwards, and so are its contents; the others' secrets are new. */
int device_keys_forget(struct target *t, struct env *env, struct volume *v);

#endif
