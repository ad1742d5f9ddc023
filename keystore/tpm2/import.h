/* SPDX-License-Identifier: Apache-2.0 */
/* A sealed object for a TPM that is elsewhere. TPM2_Import takes it there. */
#ifndef HOLDFAST_KEYSTORE_TPM2_IMPORT_H
#define HOLDFAST_KEYSTORE_TPM2_IMPORT_H

#include <tss2/tss2_tpm2_types.h>

#include "base/secret.h"

/*
 * TPM 2.0 Library, Part 1, section "Protected Storage / Outer Duplication Wrapping" and Annex C.6.3
 * (ECDH). @parent is a storage key on P-256 with SHA-256 and AES-128-CFB; @object a KEYEDHASH
 * with name algorithm SHA-256, without fixedTPM and fixedParent; its unique field is filled in
 * here.
 * @auth may be NULL. Speaks.
 */
int tpm2_import_make(const TPM2B_PUBLIC *parent, TPM2B_PUBLIC *object, const struct secret *data,
		     const struct secret *auth, int (*random)(void *buf, size_t len),
		     TPM2B_PRIVATE *ret_duplicate, TPM2B_ENCRYPTED_SECRET *ret_seed);

#endif
