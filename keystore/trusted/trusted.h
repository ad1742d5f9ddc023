/* SPDX-License-Identifier: Apache-2.0 */
/* Backend trusted's own files: keystore/trusted*.c share these. */
#ifndef HOLDFAST_KEYSTORE_TRUSTED_H
#define HOLDFAST_KEYSTORE_TRUSTED_H

#include "model/key.h"

/* Indexes of the option table. */
enum { TRUSTED_SOURCE, TRUSTED_KEYHANDLE, TRUSTED_OPTIONS, TRUSTED_LOAD_OPTIONS };
enum { TRUSTED_SOURCE_TPM };

bool trusted_is_tpm(const struct keystore *k);
const char *trusted_text(const struct keystore *k, int option); /* "": not there */
bool trusted_has_policy(const struct keystore *k);

/* What the kernel's errors (positive) mean, and what to do: for keyctl add trusted "new", "load",
 * add encrypted "load", and any other call. */
int trusted_fail_seal(const struct keystore *k, int err);
int trusted_fail_unseal(const struct keystore *k, int err);
int trusted_fail_load(const struct keystore *k, int err, const char *name);
int trusted_fail(const struct keystore *k, int err, const char *doing);

#endif
