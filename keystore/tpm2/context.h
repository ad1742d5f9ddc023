/* SPDX-License-Identifier: Apache-2.0 */
/* A connection to a TPM, and what it holds there. */
#ifndef HOLDFAST_KEYSTORE_TPM2_CONTEXT_H
#define HOLDFAST_KEYSTORE_TPM2_CONTEXT_H

#include <tss2/tss2_esys.h>

#include "base/env.h"
#include "keystore/tpm2/identity.h"
#include "keystore/tpm2/index-public.h"

#define TPM2_SRK_HANDLE 0x81000001U /* of the storage key */

struct tpm2_index {
	ESYS_TR tr; /* ESYS_TR_NONE: not looked at yet */
	TPM2B_NV_PUBLIC public;
};

/* A session or a transient object. It is flushed when the connection ends, whatever happened. */
struct tpm2_held {
	ESYS_TR tr;
	TPM2_HANDLE handle; /* 0: nothing is held */
};

struct keystore_session {
	TSS2_TCTI_CONTEXT *tcti;
	ESYS_CONTEXT *esys;
	ESYS_TR srk; /* the storage key; ESYS_TR_NONE: there is none */
	TPM2B_NAME srk_name;
	struct tpm2_held hmac;   /* authorises commands that change something */
	struct tpm2_held policy; /* unseals; before that it guards the reading of the anchor */
	struct tpm2_held owner; /* proves the owner's authorisation before there is a storage key */
	struct tpm2_held object, key, primary;
	struct tpm2_index index[TPM2_INDICES];
	bool prepared;          /* the anchor may be bound to another boot state */
	enum tpm2_which anchor; /* the index that names the true copy; valid if @anchor_seen */
	/* The anchor and a secret must be bound to the same boot policy. Whichever is known second
	 * is compared with the first. */
	bool anchor_seen, boot_seen;
	TPM2B_DIGEST boot_policy; /* of the secret that was just unsealed or sealed */
	/* Set: the TPM is elsewhere, and this is what is known of it. Of the fields above only
	 * @srk_name is set then. */
	struct tpm2_identity *remote;
};

/* A session that is connected to nothing. NULL: out of memory (said). */
struct keystore_session *tpm2_context_new(void);
/* Connects to the TPM that env->input names. The caller calls tpm2_disconnect(). */
int tpm2_connect(struct env *env, struct keystore_session **ret);
/* Flushes everything that is held, and frees @s; takes NULL. Silent. */
void tpm2_disconnect(struct keystore_session *s);

/* Notes in @h what a command created, so that it will be flushed. Silent. */
void tpm2_hold(struct keystore_session *s, struct tpm2_held *h, ESYS_TR tr);
/* Flushes it. Silent: tpm2_disconnect() tries again if that fails now. */
void tpm2_release(struct keystore_session *s, struct tpm2_held *h);
/* The TPM has flushed it by itself. Silent. */
void tpm2_forget(struct tpm2_held *h);

#endif
