/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel's errors mean for trusted and encrypted keys, and what to do. */
#ifndef HOLDFAST_KEYSTORE_TRUSTED_SAY_H
#define HOLDFAST_KEYSTORE_TRUSTED_SAY_H

#include "model/key.h"

/* Record the failure @err (positive errno) of … */
int trusted_fail_seal(const struct keystore *k, int err);   /* … keyctl add trusted "new" */
int trusted_fail_unseal(const struct keystore *k, int err); /* … keyctl add trusted "load" */
/* … keyctl add encrypted "load" of the vault's key @name */
int trusted_fail_load(const struct keystore *k, int err, const char *name);
/* … any other call; @what: what could not be done */
int trusted_fail(const struct keystore *k, int err, const char *what);

#endif
