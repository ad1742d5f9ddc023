/* SPDX-License-Identifier: Apache-2.0 */
/* The options of backend tpm2, and what a layout says with them. */
#ifndef HOLDFAST_KEYSTORE_TPM2_OPTIONS_H
#define HOLDFAST_KEYSTORE_TPM2_OPTIONS_H

#include "keystore/tpm2/boot.h"
#include "keystore/tpm2/context.h"
#include "keystore/tpm2/pin.h"
#include "model/key.h"

extern const struct option_spec tpm2_options[];

/* Options that exclude or need each other. Speaks, with file and line. */
int tpm2_options_check(const struct keystore *k);

/* Pure and silent. */
void tpm2_boot_wanted(const struct keystore *k,
		      struct tpm2_boot *ret);              /* without PCR values and key */
struct tpm2_pin tpm2_wanted_pin(const struct keystore *k); /* without salt */
bool tpm2_wants_pin(const struct keystore *k);
bool tpm2_wants_lock(const struct keystore *k);
uint32_t tpm2_wants_version(const struct keystore *k);
const char *tpm2_public_key_path(const struct keystore *k); /* NULL: PCRs by value, or none */
const char *tpm2_signature_path(const struct keystore *k);
bool tpm2_must_erase(const struct keystore *k);           /* keystore_ops.must_erase() */
int tpm2_policy_version_option(const struct keystore *k); /* keystore_ops */

/* What @k is bound to, with the present values of the PCRs or the key that signs for them. Speaks.
 */
int tpm2_boot_now(const struct keystore *k, struct keystore_session *s, struct tpm2_boot *ret);

#endif
