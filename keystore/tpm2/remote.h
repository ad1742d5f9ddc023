/* SPDX-License-Identifier: Apache-2.0 */
/* A TPM that is elsewhere: what is sealed for it here, it imports once. All speak. */
#ifndef HOLDFAST_KEYSTORE_TPM2_REMOTE_H
#define HOLDFAST_KEYSTORE_TPM2_REMOTE_H

#include "keystore/tpm2/blob.h"
#include "keystore/tpm2/context.h"

/* A session for the TPM whose identity is in the file @path. The caller calls tpm2_disconnect(). */
int tpm2_remote_connect(const char *path, struct keystore_session **ret);
/* Sets b->values to what its PCRs held. */
int tpm2_remote_boot(const struct keystore_session *s, struct tpm2_boot *b);
/* Seals @secret: completes b->object, sets b->private to a duplicate and b->seed to its seed. */
int tpm2_remote_create(const struct keystore_session *s, struct env *env, struct tpm2_blob *b,
		       const struct secret *secret, const TPM2B_AUTH *auth);
/* Records HF-KEYSTORE-MISSING: nothing that was sealed for it can be unsealed here. */
int tpm2_remote_refuse(const struct keystore *k);

/* The identity of the TPM that @s is connected to, after it was prepared. */
int tpm2_remote_identity(struct keystore_session *s, struct text *to);

#endif
