/* SPDX-License-Identifier: Apache-2.0 */
/* The device secret, sealed and unsealed. Both speak. */
#ifndef HOLDFAST_KEYSTORE_TPM2_SEAL_H
#define HOLDFAST_KEYSTORE_TPM2_SEAL_H

#include "keystore/tpm2/blob.h"
#include "keystore/tpm2/context.h"

/* Draws a device secret and seals it. @b has boot, pin (without salt) and counters; the rest is
 * filled in. */
int tpm2_seal(const struct keystore *k, struct keystore_session *s, struct env *env,
	      struct tpm2_blob *b, struct secret **ret);
/* @path: the file with the signatures, if b->boot.is_signed. HF-KEYSTORE-POLICY also if the anchor
 * that was read is bound to another boot state than @b. */
int tpm2_unseal(const struct keystore *k, struct keystore_session *s, struct env *env,
		const struct tpm2_blob *b, const char *path, struct secret **ret);

#endif
