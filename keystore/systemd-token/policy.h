/* SPDX-License-Identifier: Apache-2.0 */
/* The conditions of a systemd-tpm2 token. Both speak. */
#ifndef HOLDFAST_KEYSTORE_SYSTEMD_TOKEN_POLICY_H
#define HOLDFAST_KEYSTORE_SYSTEMD_TOKEN_POLICY_H

#include "keystore/tpm2/context.h"
#include "userspace/luks2/token.h"

/* Meets all conditions but the PIN, in s->policy. @sealed: the policy of the object that was
 * loaded. HF-KEYSTORE-POLICY if the session does not arrive at it: no PIN was asked for then, and
 * the TPM counts no wrong try. */
int systemd_token_policy(struct keystore_session *s, struct env *env, const struct tpm2_token *t,
			 const TPM2B_DIGEST *sealed);
/* Asks for the PIN, and sets it for s->object. */
int systemd_token_pin(struct keystore_session *s, struct env *env, const struct tpm2_token *t);

#endif
