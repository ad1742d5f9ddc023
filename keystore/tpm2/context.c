/* SPDX-License-Identifier: Apache-2.0 */
/* A connection to a TPM, and what must not stay behind there when it ends. */
#include <errno.h>
#include <stdlib.h>
#include <tss2/tss2_sys.h>

#include "base/diag.h"
#include "keystore/tpm2/context.h"
#include "keystore/tpm2/transport.h"
#include "model/key.h"

#define KERNEL_TCTI "device:/dev/tpmrm0"

struct keystore_session *tpm2_context_new(void)
{
	struct keystore_session *s = calloc(1, sizeof(*s));

	if (!s) {
		diag_no_memory();
		return NULL;
	}
	/* At its higher levels tpm2-tss logs what it sends and gets, secrets too, and to stderr by
	 * default. What went wrong is said by holdfast. */
	setenv("TSS2_LOG", "all+none", 1);
	s->srk = ESYS_TR_NONE;
	for (int i = 0; i < TPM2_INDICES; i++)
		s->index[i].tr = ESYS_TR_NONE;
	return s;
}

static int no_tpm(const struct env *env, const char *name)
{
	int r = diag_fail(DIAG_KEYSTORE_MISSING, ENODEV, "there is no TPM at %s", name);

	diag_next(env->input && env->input->tcti
		      ? "--tcti takes what tpm2-tss calls its transports: \"device:/dev/tpmrm0\", "
			"\"swtpm:port=2321\""
		      : "turn it on in the firmware, load its driver (tpm_tis, tpm_crb, "
			"tpm_ftpm_tee), or name it with --tcti");
	return r;
}

int tpm2_connect(struct env *env, struct keystore_session **ret)
{
	const char *name = env->input && env->input->tcti ? env->input->tcti : KERNEL_TCTI;
	struct keystore_session *s = tpm2_context_new();
	TSS2_RC rc;
	int r;

	if (!s)
		return -ENOMEM;
	rc = tpm2_transport_open(name, &s->tcti);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_Initialize(&s->esys, s->tcti, NULL);
	if (rc == TSS2_RC_SUCCESS) {
		*ret = s;
		return 0;
	}
	r = rc == TSS2_TCTI_RC_MEMORY ? diag_no_memory() : no_tpm(env, name);
	tpm2_disconnect(s);
	return r;
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

/* An ESYS context refuses everything after its transport failed once; the layer below it does not.
 */
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
	tpm2_transport_close(s->tcti);
	free(s->remote);
	free(s);
}
