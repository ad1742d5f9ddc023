/* SPDX-License-Identifier: Apache-2.0 */
/* The options of backend trusted, and what a layout says with them. */
#ifndef HOLDFAST_KEYSTORE_TRUSTED_OPTIONS_H
#define HOLDFAST_KEYSTORE_TRUSTED_OPTIONS_H

#include "model/key.h"

/* Indexes of the option table. */
enum { TRUSTED_SOURCE, TRUSTED_KEYHANDLE, TRUSTED_OPTIONS, TRUSTED_LOAD_OPTIONS };

extern const struct option_spec trusted_options[];

/* Options whose words the kernel would take but must not get from a layout. Speaks, with file and
 * line. */
int trusted_options_check(const struct keystore *k);

/* Pure and silent. */
bool trusted_is_tpm(const struct keystore *k);                  /* a TPM seals */
bool trusted_has_policy(const struct keystore *k);              /* the TPM's key has a policy */
const char *trusted_text(const struct keystore *k, int option); /* "": not set */

#endif
