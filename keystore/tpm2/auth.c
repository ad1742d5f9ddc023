/* SPDX-License-Identifier: Apache-2.0 */
/* Authorisation values. */
#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "model/layout.h"
#include "keystore/tpm2/auth.h"

void tpm2_auth_trim(TPM2B_AUTH *auth)
{
	while (auth->size && !auth->buffer[auth->size - 1])
		auth->size--;
}

int tpm2_auth_set_owner(struct keystore_session *s, const struct secret *owner)
{
	TPM2B_AUTH auth = {0};

	if (owner && secret_len(owner) > SHA256_BYTES)
		return diag_fail(DIAG_KEYSTORE_OWNER, EINVAL,
				 "the owner authorisation is longer than %d bytes", SHA256_BYTES);
	if (owner) {
		auth.size = (UINT16)secret_len(owner);
		memcpy(auth.buffer, secret_bytes(owner), auth.size);
		tpm2_auth_trim(&auth);
	}
	Esys_TR_SetAuth(s->esys, ESYS_TR_RH_OWNER, &auth);
	explicit_bzero(&auth, sizeof(auth));
	return 0;
}
