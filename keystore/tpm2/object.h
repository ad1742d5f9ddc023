/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed objects in a TPM. */
#ifndef HOLDFAST_KEYSTORE_TPM2_OBJECT_H
#define HOLDFAST_KEYSTORE_TPM2_OBJECT_H

#include "base/secret.h"
#include "keystore/tpm2/context.h"

/* Seals @secret under @parent. @object: the template, then what the TPM made of it. Speaks. */
int tpm2_object_create(struct keystore_session *s, ESYS_TR parent, const struct secret *secret,
		       const TPM2B_AUTH *auth, TPM2B_PUBLIC *object, TPM2B_PRIVATE *ret);
/* Loads it under the storage key into s->object; imports it first if @seed has a size. Silent. */
TSS2_RC tpm2_object_load(struct keystore_session *s, const TPM2B_PUBLIC *object,
			 const TPM2B_PRIVATE *private, const TPM2B_ENCRYPTED_SECRET *seed);
/* Unseals s->object in s->policy, which ends with it: no satisfied session is left. The caller
 * wipes and frees *@ret. Silent. */
TSS2_RC tpm2_object_unseal(struct keystore_session *s, TPM2B_SENSITIVE_DATA **ret);

#endif
