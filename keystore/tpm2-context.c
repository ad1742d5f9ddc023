/* SPDX-License-Identifier: Apache-2.0 */
/* Reaching a TPM, its sessions, and what its errors mean. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

#include "base/diag.h"
#include "keystore/tpm2.h"

#define TCTI_DEFAULT "device:/dev/tpmrm0"

uint32_t tpm2_error(TSS2_RC rc)
{
	if ((rc & TSS2_RC_LAYER_MASK) != TSS2_TPM_RC_LAYER &&
	    (rc & TSS2_RC_LAYER_MASK) != TSS2_RESMGR_TPM_RC_LAYER)
		return 0;
	rc &= 0xfff;
	return rc & TPM2_RC_FMT1 ? rc & (TPM2_RC_FMT1 | 0x3f) : rc;
}

/* What the errors mean that have a meaning wherever they come. */
static const struct {
	TSS2_RC rc;
	enum diag_code code;
	int err;
	const char *text, *next;
} meanings[] = {
    {TPM2_RC_LOCKOUT, DIAG_KEYSTORE_BUSY, EAGAIN, "the TPM is locked out after too many wrong PINs",
     "wait until it recovers (tpm2_getcap properties-variable tells the time), or reset it with "
     "the lockout authorisation: tpm2_dictionarylockout --clear-lockout"},
    {TPM2_RC_NV_RATE, DIAG_KEYSTORE_BUSY, EAGAIN,
     "the TPM limits the rate of writes to protect its memory from wear", "try again in a minute"},
    {TPM2_RC_NV_UNAVAILABLE, DIAG_KEYSTORE_BUSY, EAGAIN, "the TPM's memory cannot be written now",
     "try again; if it stays so, the TPM is worn or write-protected"},
    {TPM2_RC_RETRY, DIAG_KEYSTORE_BUSY, EAGAIN, "the TPM is busy", "try again"},
    {TPM2_RC_YIELDED, DIAG_KEYSTORE_BUSY, EAGAIN, "the TPM is busy", "try again"},
    {TPM2_RC_TESTING, DIAG_KEYSTORE_BUSY, EAGAIN, "the TPM is testing itself", "try again"},
    {TPM2_RC_SESSION_MEMORY, DIAG_KEYSTORE_BUSY, EAGAIN, "the TPM has no room for a session",
     "another program holds its sessions; tpm2_flushcontext --loaded-session"},
    {TPM2_RC_SESSION_HANDLES, DIAG_KEYSTORE_BUSY, EAGAIN, "the TPM has no room for a session",
     "another program holds its sessions; tpm2_flushcontext --saved-session"},
    {TPM2_RC_OBJECT_MEMORY, DIAG_KEYSTORE_BUSY, EAGAIN, "the TPM has no room for an object",
     "another program holds its objects; tpm2_flushcontext --transient-object"},
    {TPM2_RC_NV_SPACE, DIAG_KEYSTORE_FAILED, ENOSPC, "the TPM has no room for another NV index",
     "tpm2_getcap handles-nv-index lists what takes it"},
    {TPM2_RC_FAILURE, DIAG_KEYSTORE_FAILED, EIO, "the TPM is in failure mode",
     "take its power away and bring it back; if it stays so, it is broken"},
    {TPM2_RC_INITIALIZE, DIAG_KEYSTORE_FAILED, EIO, "the TPM was not started by the firmware",
     "TPM2_Startup is the firmware's work: tpm2_startup -c does it for a test"},
    {TPM2_RC_HIERARCHY, DIAG_KEYSTORE_FAILED, EIO, "the TPM's owner hierarchy is switched off",
     "the firmware's setup switches it on"},
    {TSS2_ESYS_RC_RSP_AUTH_FAILED, DIAG_KEYSTORE_UNTRUSTED, EBADMSG,
     "the TPM's answer does not authenticate: something between here and the TPM changed it",
     "nothing that came from there was believed; look at the board"},
};

static int spoken(size_t i, const char *doing)
{
	int r = diag_fail(meanings[i].code, meanings[i].err, "%s: %s", doing, meanings[i].text);

	diag_next("%s", meanings[i].next);
	return r;
}

int tpm2_check(TSS2_RC rc, const char *doing)
{
	if (rc == TSS2_RC_SUCCESS)
		return 0;
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
		if (rc == meanings[i].rc || (tpm2_error(rc) && tpm2_error(rc) == meanings[i].rc))
			return spoken(i, doing);
	}
	if (tpm2_error(rc))
		return diag_fail(DIAG_KEYSTORE_FAILED, EIO, "%s: the TPM says: %s (0x%x)", doing,
				 Tss2_RC_Decode(rc), rc);
	if ((rc & TSS2_RC_LAYER_MASK) == TSS2_TCTI_RC_LAYER ||
	    (rc & 0xffff) == TSS2_BASE_RC_IO_ERROR || (rc & 0xffff) == TSS2_BASE_RC_NO_CONNECTION)
		return diag_fail(DIAG_KEYSTORE_MISSING, EIO, "%s: the TPM does not answer (%s)",
				 doing, Tss2_RC_Decode(rc));
	return diag_fail(DIAG_KEYSTORE_UNTRUSTED, EBADMSG,
			 "%s: the TPM's answer makes no sense (%s, 0x%x)", doing,
			 Tss2_RC_Decode(rc), rc);
}

static int missing(const struct keystore *k, const char *tcti, TSS2_RC rc)
{
	int r =
	    diag_fail(DIAG_KEYSTORE_MISSING, ENODEV, "keystore %s: no TPM can be reached by %s: %s",
		      k->name, tcti, Tss2_RC_Decode(rc));

	diag_state("nothing was opened, nothing was changed");
	diag_next("is there a /dev/tpmrm0, and may you open it? --tcti names another way");
	return r;
}

int tpm2_connect(const struct keystore *k, struct env *env, struct keystore_session **ret)
{
	const char *tcti = env->input && env->input->tcti ? env->input->tcti : TCTI_DEFAULT;
	struct keystore_session *s = calloc(1, sizeof(*s));
	TSS2_RC rc;

	if (!s)
		return diag_no_memory();
	setenv("TSS2_LOG", "all+none", 0); /* what went wrong is told here */
	s->srk = s->hmac = ESYS_TR_NONE;
	for (int i = 0; i < TPM2_INDICES; i++)
		s->index[i] = ESYS_TR_NONE;
	if (env->input && env->input->tpm_identity) {
		int r = tpm2_remote_open(env->input->tpm_identity, s);

		if (r < 0)
			tpm2_disconnect(s);
		else
			*ret = s;
		return r;
	}
	rc = Tss2_TctiLdr_Initialize(tcti, &s->tcti);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_Initialize(&s->esys, s->tcti, NULL);
	if (rc != TSS2_RC_SUCCESS) {
		tpm2_disconnect(s);
		return missing(k, tcti, rc);
	}
	*ret = s;
	return 0;
}

void tpm2_flush(struct keystore_session *s, ESYS_TR *object)
{
	if (*object != ESYS_TR_NONE)
		Esys_FlushContext(s->esys, *object);
	*object = ESYS_TR_NONE;
}

void tpm2_disconnect(struct keystore_session *s)
{
	if (!s)
		return;
	if (s->esys)
		tpm2_flush(s, &s->hmac);
	free(s->remote);
	Esys_Finalize(&s->esys);
	Tss2_TctiLdr_Finalize(&s->tcti);
	free(s);
}

int tpm2_session_new(struct keystore_session *s, TPM2_SE type, ESYS_TR *ret)
{
	const TPMT_SYM_DEF symmetric = {
	    .algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB};
	ESYS_TR session = ESYS_TR_NONE;
	TSS2_RC rc =
	    Esys_StartAuthSession(s->esys, s->srk, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
				  ESYS_TR_NONE, NULL, type, &symmetric, TPM2_ALG_SHA256, &session);

	if (rc == TSS2_RC_SUCCESS && type != TPM2_SE_TRIAL)
		rc = Esys_TRSess_SetAttributes(s->esys, session, TPM2_SESSION_ATTRIBUTES, 0xff);
	if (rc != TSS2_RC_SUCCESS) {
		tpm2_flush(s, &session);
		return tpm2_check(rc, "starting a session");
	}
	*ret = session;
	return 0;
}

int tpm2_hardware(struct keystore_session *s, char *ret, size_t size)
{
	TPMS_CAPABILITY_DATA *data = NULL;
	char vendor[17] = "";
	uint32_t manufacturer = 0, firmware[2] = {0};
	TSS2_RC rc =
	    Esys_GetCapability(s->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
			       TPM2_CAP_TPM_PROPERTIES, TPM2_PT_MANUFACTURER, 8, NULL, &data);

	if (rc != TSS2_RC_SUCCESS)
		return tpm2_check(rc, "asking the TPM who made it");
	for (UINT32 i = 0; i < data->data.tpmProperties.count; i++) {
		const TPMS_TAGGED_PROPERTY *p = &data->data.tpmProperties.tpmProperty[i];

		if (p->property == TPM2_PT_MANUFACTURER)
			manufacturer = p->value;
		if (p->property >= TPM2_PT_VENDOR_STRING_1 &&
		    p->property <= TPM2_PT_VENDOR_STRING_4)
			for (int b = 0; b < 4; b++)
				vendor[4 * (p->property - TPM2_PT_VENDOR_STRING_1) + b] =
				    (char)(p->value >> (24 - 8 * b));
		if (p->property == TPM2_PT_FIRMWARE_VERSION_1 ||
		    p->property == TPM2_PT_FIRMWARE_VERSION_2)
			firmware[p->property - TPM2_PT_FIRMWARE_VERSION_1] = p->value;
	}
	Esys_Free(data);
	for (char *c = vendor; *c; c++) /* it goes to a terminal */
		*c = *c >= ' ' && *c <= '~' ? *c : '?';
	snprintf(ret, size, "TPM 2.0, %c%c%c%c %s, firmware %u.%u.%u", manufacturer >> 24,
		 manufacturer >> 16 & 0x7f, manufacturer >> 8 & 0x7f, manufacturer & 0x7f, vendor,
		 firmware[0] >> 16, firmware[0] & 0xffff, firmware[1]);
	return 0;
}
