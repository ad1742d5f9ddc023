/* SPDX-License-Identifier: Apache-2.0 */
/* What a TPM's refusal means, and what to do about it. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tpm2_types.h>

#include "base/diag.h"
#include "keystore/tpm2/error.h"

TSS2_RC tpm2_code(TSS2_RC rc)
{
	TSS2_RC layer = rc & TSS2_RC_LAYER_MASK, code = rc & 0xffff;

	if (layer != TSS2_TPM_RC_LAYER && layer != TSS2_RESMGR_TPM_RC_LAYER)
		return 0;
	/* A format-1 code carries the number of a parameter, a handle or a session. */
	return code & TPM2_RC_FMT1 ? code & 0x0bf : code;
}

struct meaning {
	TSS2_RC code;
	enum diag_code diag;
	int err;
	const char *next;
};

static const struct meaning meanings[] = {
    {TPM2_RC_LOCKOUT, DIAG_KEYSTORE_BUSY, EBUSY,
     "wrong PINs or passwords locked the TPM: wait, or run `tpm2_dictionarylockout -c` with the "
     "lockout authorisation"},
    {TPM2_RC_NV_RATE, DIAG_KEYSTORE_BUSY, EBUSY,
     "the TPM limits how often its memory is written: try again in some minutes"},
    {TPM2_RC_NV_UNAVAILABLE, DIAG_KEYSTORE_BUSY, EBUSY,
     "the TPM's memory cannot be written now: try again; if it stays so, the TPM is worn out"},
    {TPM2_RC_RETRY, DIAG_KEYSTORE_BUSY, EBUSY, "try again"},
    {TPM2_RC_YIELDED, DIAG_KEYSTORE_BUSY, EBUSY, "try again"},
    {TPM2_RC_TESTING, DIAG_KEYSTORE_BUSY, EBUSY, "the TPM tests itself: try again"},
    {TPM2_RC_CANCELED, DIAG_KEYSTORE_BUSY, EBUSY, "try again"},
    {TPM2_RC_SESSION_HANDLES, DIAG_KEYSTORE_BUSY, EBUSY,
     "other programs hold all sessions of the TPM: end them, or `tpm2_flushcontext -l -s`"},
    {TPM2_RC_SESSION_MEMORY, DIAG_KEYSTORE_BUSY, EBUSY,
     "other programs hold all sessions of the TPM: end them, or `tpm2_flushcontext -l`"},
    {TPM2_RC_OBJECT_MEMORY, DIAG_KEYSTORE_BUSY, EBUSY,
     "other programs hold all objects of the TPM: end them, or `tpm2_flushcontext -t`"},
    {TPM2_RC_OBJECT_HANDLES, DIAG_KEYSTORE_BUSY, EBUSY,
     "other programs hold all objects of the TPM: end them, or `tpm2_flushcontext -t`"},
    {TPM2_RC_CONTEXT_GAP, DIAG_KEYSTORE_BUSY, EBUSY,
     "a session was saved too long ago: end the program that did, or restart"},
    {TPM2_RC_INITIALIZE, DIAG_KEYSTORE_MISSING, ENODEV,
     "the firmware did not start the TPM (TPM2_Startup): restart, or turn it on there"},
    {TPM2_RC_REBOOT, DIAG_KEYSTORE_FAILED, EIO, "restart the device"},
    {TPM2_RC_UPGRADE, DIAG_KEYSTORE_FAILED, EIO,
     "the TPM waits for its firmware: finish that update"},
    {TPM2_RC_FAILURE, DIAG_KEYSTORE_FAILED, EIO,
     "the TPM is in failure mode: turn the power off and on; if it stays so, replace it"},
    {TPM2_RC_NV_SPACE, DIAG_KEYSTORE_FAILED, ENOSPC,
     "the TPM has no room: `tpm2_getcap handles-nv-index` lists what can be undefined"},
    {TPM2_RC_HIERARCHY, DIAG_KEYSTORE_OWNER, EPERM,
     "the firmware turned the owner hierarchy off: turn it on there"},
    {TPM2_RC_BAD_AUTH, DIAG_KEYSTORE_OWNER, EACCES, NULL},
    {TPM2_RC_AUTH_FAIL, DIAG_KEYSTORE_OWNER, EACCES, NULL},
    {TPM2_RC_INTEGRITY, DIAG_KEYSTORE_FOREIGN, EUCLEAN,
     "the sealed secret was changed, or the TPM was cleared or replaced: restore from escrow, or "
     "provision again"},
};

static const struct meaning *find_meaning(TSS2_RC code)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
		if (code && meanings[i].code == code)
			return &meanings[i];
	}
	return NULL;
}

/* tpm2-tss or the transport failed, not the TPM. */
static int fail_library(TSS2_RC rc, const char *text)
{
	TSS2_RC base = rc & 0xffff;
	int r;

	if (base == TSS2_BASE_RC_MEMORY)
		return diag_no_memory();
	if ((rc & TSS2_RC_LAYER_MASK) == TSS2_TCTI_RC_LAYER) {
		r = diag_fail(DIAG_KEYSTORE_MISSING, EIO, "%s: the TPM does not answer (%s)", text,
			      Tss2_RC_Decode(rc));
		diag_next("check that the TPM is there (`ls /dev/tpm*`) and run this again");
		return r;
	}
	if (base == TSS2_BASE_RC_RSP_AUTH_FAILED)
		return tpm2_untrusted("%s: the answer does not authenticate", text);
	return tpm2_untrusted("%s: the answer is not one that a TPM gives (%s)", text,
			      Tss2_RC_Decode(rc));
}

int tpm2_fail(TSS2_RC rc, const char *fmt, ...)
{
	const struct meaning *m = find_meaning(tpm2_code(rc));
	char text[512];
	va_list args;
	int r;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (!tpm2_code(rc))
		return fail_library(rc, text);
	r = diag_fail(m ? m->diag : DIAG_KEYSTORE_FAILED, m ? m->err : EIO,
		      "%s: the TPM says 0x%x, %s", text, rc, Tss2_RC_Decode(rc));
	if (m && m->next)
		diag_next("%s", m->next);
	return r;
}

int tpm2_untrusted(const char *fmt, ...)
{
	char text[512];
	va_list args;
	int r;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	r = diag_fail(DIAG_KEYSTORE_UNTRUSTED, EBADMSG, "%s", text);
	diag_state("the answer was not used");
	diag_next("something may sit between the processor and the TPM: inspect the board; after a "
		  "mere glitch, running this again works");
	return r;
}
