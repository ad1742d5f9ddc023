/* SPDX-License-Identifier: Apache-2.0 */
/* A TPM that is talked to: connection, sessions, and what must not stay behind in it. */
#include <errno.h>
#include <stdlib.h>
#include <tss2/tss2_sys.h>
#include <tss2/tss2_tctildr.h>

#include "base/diag.h"
#include "keystore/tpm2/private.h"

#define KERNEL_TCTI "device:/dev/tpmrm0"

static const TPMT_SYM_DEF session_cipher = {
    .algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB};

TSS2_TCTI_CONTEXT *(*tpm2_wrap_tcti)(TSS2_TCTI_CONTEXT *inner);

int tpm2_connect(struct env *env, struct keystore_session **ret)
{
	const char *name = env->input && env->input->tcti ? env->input->tcti : KERNEL_TCTI;
	struct keystore_session *s = calloc(1, sizeof(*s));
	TSS2_TCTI_CONTEXT *inner = NULL;
	TSS2_RC rc;
	int r;

	if (!s)
		return diag_no_memory();
	/* Its libraries write to stderr otherwise; we say ourselves what went wrong. */
	setenv("TSS2_LOG", "all+none", 0);
	s->srk = ESYS_TR_NONE;
	for (int i = 0; i < TPM2_INDICES; i++)
		s->index[i].tr = ESYS_TR_NONE;
	if (env->input && env->input->tpm_identity) {
		r = tpm2_remote_connect(env->input->tpm_identity, s);
		if (r < 0)
			tpm2_disconnect(s);
		else
			*ret = s;
		return r;
	}
	rc = Tss2_TctiLdr_Initialize(name, &inner);
	if (rc == TSS2_RC_SUCCESS && tpm2_wrap_tcti)
		inner = tpm2_wrap_tcti(inner);
	if (rc == TSS2_RC_SUCCESS) {
		s->tcti = tpm2_transport_new(inner);
		if (!s->tcti) {
			Tss2_TctiLdr_Finalize(&inner);
			tpm2_disconnect(s);
			return diag_no_memory();
		}
	}
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_Initialize(&s->esys, s->tcti, NULL);
	if (rc != TSS2_RC_SUCCESS) {
		r = diag_fail(DIAG_KEYSTORE_MISSING, ENODEV, "there is no TPM at %s", name);
		diag_next(env->input && env->input->tcti
			      ? "--tcti takes what tpm2-tss calls its transports: "
				"\"device:/dev/tpmrm0\", \"swtpm:port=2321\""
			      : "turn it on in the firmware, load its driver (tpm_tis, tpm_crb, "
				"tpm_ftpm_tee), or name it with --tcti");
		tpm2_disconnect(s);
		return r;
	}
	*ret = s;
	return 0;
}

void tpm2_hold(struct keystore_session *s, struct tpm2_held *h, ESYS_TR tr)
{
	h->tr = tr;
	if (Esys_TR_GetTpmHandle(s->esys, tr, &h->handle) != TSS2_RC_SUCCESS)
		h->handle = 0;
}

void tpm2_forget(struct tpm2_held *h)
{
	*h = (struct tpm2_held){.tr = ESYS_TR_NONE};
}

void tpm2_release(struct keystore_session *s, struct tpm2_held *h)
{
	if (h->handle && Esys_FlushContext(s->esys, h->tr) == TSS2_RC_SUCCESS)
		tpm2_forget(h);
}

/* An ESYS context does nothing more after its transport failed once; what is below it still can. */
static void flush_raw(struct keystore_session *s, const struct tpm2_held *const *held, size_t n)
{
	size_t size = Tss2_Sys_GetContextSize(0);
	TSS2_ABI_VERSION abi = TSS2_ABI_VERSION_CURRENT;
	TSS2_SYS_CONTEXT *sys = calloc(1, size);

	if (!sys)
		return;
	if (Tss2_Sys_Initialize(sys, size, s->tcti, &abi) == TSS2_RC_SUCCESS) {
		for (size_t i = 0; i < n; i++) {
			if (held[i]->handle)
				Tss2_Sys_FlushContext(sys, held[i]->handle);
		}
		Tss2_Sys_Finalize(sys);
	}
	free(sys);
}

static void release_all(struct keystore_session *s)
{
	struct tpm2_held *const held[] = {&s->object, &s->key,   &s->primary,
					  &s->policy, &s->owner, &s->hmac};
	const size_t n = sizeof(held) / sizeof(held[0]);
	bool left = false;

	for (size_t i = 0; i < n && s->esys; i++) {
		tpm2_release(s, held[i]);
		left = left || held[i]->handle;
	}
	Esys_Finalize(&s->esys);
	if (left)
		flush_raw(s, (const struct tpm2_held *const *)held, n);
}

void tpm2_disconnect(struct keystore_session *s)
{
	if (!s)
		return;
	release_all(s);
	tpm2_transport_free(s->tcti);
	free(s->remote);
	free(s);
}

static int start(struct keystore_session *s, TPM2_SE type, struct tpm2_held *held)
{
	ESYS_TR tr = ESYS_TR_NONE;
	TSS2_RC rc;
	int r = tpm2_storage_need(s);

	if (r < 0)
		return r;
	rc = Esys_StartAuthSession(s->esys, s->srk, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
				   ESYS_TR_NONE, NULL, type, &session_cipher, TPM2_ALG_SHA256, &tr);
	if (rc == TSS2_RC_SUCCESS) {
		tpm2_hold(s, held, tr);
		rc = Esys_TRSess_SetAttributes(s->esys, tr,
					       TPMA_SESSION_CONTINUESESSION | TPMA_SESSION_DECRYPT |
						   TPMA_SESSION_ENCRYPT,
					       0xff);
	}
	return rc == TSS2_RC_SUCCESS ? 0 : tpm2_fail(rc, "no session could be started");
}

int tpm2_hmac_session(struct keystore_session *s, ESYS_TR *ret)
{
	int r = s->hmac.handle ? 0 : start(s, TPM2_SE_HMAC, &s->hmac);

	if (r >= 0)
		*ret = s->hmac.tr;
	return r;
}

int tpm2_policy_session(struct keystore_session *s)
{
	return s->policy.handle ? 0 : start(s, TPM2_SE_POLICY, &s->policy);
}

int tpm2_guard(struct keystore_session *s, ESYS_TR *ret)
{
	int r;

	if (s->hmac.handle)
		return tpm2_hmac_session(s, ret);
	r = tpm2_policy_session(s);
	if (r >= 0)
		*ret = s->policy.tr;
	return r;
}
