/* SPDX-License-Identifier: Apache-2.0 */
/* What a TEE answers, in words: its own results and their origin, and our verdicts. */
#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "keystore/tee/say.h"

#define ANY UINT32_MAX

enum { ORIGIN_API = 1, ORIGIN_COMMS, ORIGIN_TEE, ORIGIN_TRUSTED_APP };

/* The results of the TEE Client API and of OP-TEE, with their names there. */
static const struct {
	uint32_t result;
	const char *name;
} names[] = {
    {0xffff0000, "generic error"},
    {0xffff0001, "access denied"},
    {0xffff0002, "cancelled"},
    {0xffff0003, "access conflict"},
    {0xffff0004, "excess data"},
    {0xffff0005, "bad format"},
    {0xffff0006, "bad parameters"},
    {0xffff0007, "bad state"},
    {0xffff0008, "item not found"},
    {0xffff0009, "not implemented"},
    {0xffff000a, "not supported"},
    {0xffff000b, "no data"},
    {0xffff000c, "out of memory"},
    {0xffff000d, "busy"},
    {0xffff000e, "communication"},
    {0xffff000f, "security"},
    {0xffff0010, "short buffer"},
    {0xffff0011, "cancelled from outside"},
    {0xffff300f, "overflow"},
    {0xffff3024, "target dead"},
    {0xffff3041, "no space"},
    {0xffff3071, "MAC invalid"},
    {0xffff3072, "signature invalid"},
    {0xf0100001, "corrupt object"},
    {0xf0100003, "storage not available"},
};

static const char *name_of(uint32_t result)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].result == result)
			return names[i].name;
	}
	return "unknown result";
}

static const char *origin_of(uint32_t origin)
{
	static const char *const origins[] = {
	    [ORIGIN_API] = "the client API",
	    [ORIGIN_COMMS] = "the way there",
	    [ORIGIN_TEE] = "the TEE",
	    [ORIGIN_TRUSTED_APP] = "the trusted application",
	};

	return origin >= ORIGIN_API && origin <= ORIGIN_TRUSTED_APP ? origins[origin]
								    : "an unknown place";
}

/* What is known about a result. The first entry that matches counts. */
static const struct meaning {
	uint32_t stage, result;
	enum diag_code code;
	int err;
	const char *what, *next;
} meanings[] = {
    {TEE_AT_SESSION, 0xffff0008, DIAG_KEYSTORE_MISSING, ENOENT,
     "the TEE does not find the trusted application of holdfast",
     "install aac2eea3-4482-47d3-88cd-52c5589f943f.ta where tee-supplicant looks for it "
     "(/lib/optee_armtz), or have it built into the firmware; if it is there, see whether the "
     "TEE needs an RPMB that the board does not have"},
    {TEE_ANSWERED, 0xffff0008, DIAG_KEYSTORE_MISSING, ENODEV,
     "the TEE does not have the storage for the counters",
     "the device may need storage = \"ree\"; an OP-TEE that was built with RPMB needs one "
     "even for that"},
    {TEE_AT_SESSION, 0xffff000f, DIAG_KEYSTORE_MISSING, EPERM,
     "the TEE refuses holdfast's trusted application: it is not signed for this firmware",
     "sign it with the firmware's key for trusted applications, or have it built in"},
    {TEE_AT_SESSION, 0xf0100001, DIAG_KEYSTORE_FAILED, EIO,
     "the TEE's storage is damaged, and that keeps it from loading trusted applications",
     "restore or remove tee-supplicant's directory (/var/lib/tee): objects that were in it are "
     "lost"},
    {ANY, 0xffff3024, DIAG_KEYSTORE_FAILED, EIO,
     "the TEE has stopped the trusted application: its storage is damaged, read-only, or, with "
     "storage = \"rpmb\", there is no RPMB that works",
     "read the log of the TEE; reboot; the device may need storage = \"ree\""},
    {ANY, 0xffff3041, DIAG_KEYSTORE_FAILED, ENOSPC, "the TEE's storage is full",
     "make room in tee-supplicant's directory (/var/lib/tee) and try again"},
    {ANY, 0xffff0003, DIAG_KEYSTORE_BUSY, EBUSY, "another program has the TEE's objects open",
     "try again"},
    {ANY, 0xffff000d, DIAG_KEYSTORE_BUSY, EBUSY, "the TEE is busy", "try again"},
    {ANY, 0xffff000c, DIAG_KEYSTORE_BUSY, ENOMEM, "the TEE is out of memory", "try again"},
    {ANY, 0xffff000e, DIAG_KEYSTORE_MISSING, ENOTCONN,
     "the TEE does not get through to the normal world",
     "start tee-supplicant, unless it is running"},
    {ANY, 0xf0100003, DIAG_KEYSTORE_MISSING, ENODEV,
     "the storage for the counters is not available in this TEE",
     "the device may need storage = \"ree\""},
    {ANY, 0xffff0006, DIAG_KEYSTORE_FAILED, EPROTO,
     "the trusted application is that of another version of holdfast",
     "install the one of this version"},
    {ANY, 0xffff000a, DIAG_KEYSTORE_FAILED, EPROTO,
     "the trusted application is that of another version of holdfast",
     "install the one of this version"},
};

static int say_result(uint32_t stage, uint32_t result, uint32_t origin)
{
	int r;

	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
		const struct meaning *m = &meanings[i];

		if (m->result != result || (m->stage != ANY && m->stage != stage))
			continue;
		r = diag_fail(m->code, m->err, "%s (%s, %08x, from %s)", m->what, name_of(result),
			      result, origin_of(origin));
		diag_next("%s", m->next);
		return r;
	}
	return diag_fail(DIAG_KEYSTORE_FAILED, EIO, "the TEE failed: %s (%08x, from %s)",
			 name_of(result), result, origin_of(origin));
}

static int say_device(const struct tee_call *c)
{
	int r;

	switch (c->error) {
	case ENOENT:
		r = diag_fail(DIAG_KEYSTORE_MISSING, ENODEV,
			      "there is no TEE: the kernel shows no /dev/tee0 to /dev/tee9");
		diag_next("load the TEE's driver (`modprobe optee`); without a TEE take another "
			  "backend");
		return r;
	case EACCES:
	case EPERM:
		r = diag_fail(DIAG_PERMISSION, c->error, "%s: %s", c->device, strerror(c->error));
		diag_next("run holdfast as root, or as a member of the group that owns %s",
			  c->device);
		return r;
	case EOPNOTSUPP:
		return diag_fail(DIAG_KEYSTORE_MISSING, ENODEV,
				 "%s is there, but no TEE that speaks GlobalPlatform's API",
				 c->device);
	case EBUSY:
		return diag_fail(DIAG_KEYSTORE_BUSY, EBUSY, "%s: %s", c->device,
				 strerror(c->error));
	default:
		return diag_fail(DIAG_KEYSTORE_FAILED, c->error, "%s: %s", c->device,
				 strerror(c->error));
	}
}

int tee_say_failure(const struct tee_call *c)
{
	if (c->stage == TEE_AT_DEVICE)
		return say_device(c);
	if (c->error)
		return diag_fail(DIAG_KEYSTORE_FAILED, c->error, "%s: the kernel's TEE driver: %s",
				 c->device, strerror(c->error));
	return say_result(c->stage, c->result, c->origin);
}

static int say_gone(const struct tee_call *c)
{
	int r = diag_fail(DIAG_KEYSTORE_ERASED, ENOKEY, "%s",
			  c->why == 0xf0100001
			      ? "the TEE found its counters damaged and deleted them: what was "
				"sealed with them never opens again"
			      : "the TEE does not have the counters (any more): what was sealed "
				"with them never opens again");

	diag_state("no counters were made: only provisioning does that");
	diag_next(
	    "provision again with --retire-keys; an escrowed recovery key brings the contents "
	    "back, if there is one");
	return r;
}

static int say_put_back(void)
{
	int r = diag_fail(DIAG_KEYSTORE_UNTRUSTED, ESTALE,
			  "the secret was sealed at higher counters than the TEE has now: its "
			  "storage was put back to an earlier state");

	diag_state("nothing was opened");
	return r;
}

static int say_locked(void)
{
	int r = diag_fail(DIAG_KEYSTORE_BUSY, EBUSY,
			  "the TEE is locked until the next boot, because volumes were opened "
			  "in this one: it neither seals nor unseals");

	diag_next("reboot, and do it before volumes are opened; erasing works now, too");
	return r;
}

int tee_say_verdict(const struct tee_call *c)
{
	switch (c->verdict) {
	case TA_LOCKED:
		return say_locked();
	case TA_NOT_PREPARED:
		return say_gone(c);
	case TA_STORAGE:
	case TA_TROUBLE:
		return say_result(TEE_ANSWERED, c->why, ORIGIN_TRUSTED_APP);
	case TA_FOREIGN:
		return diag_fail(DIAG_KEYSTORE_FOREIGN, EXDEV,
				 "the secret was sealed by the TEE of another device");
	case TA_FORGED:
		return diag_fail(DIAG_TAMPERED, EUCLEAN,
				 "the sealed secret was changed, or was never sealed by this TEE");
	case TA_RENEWED:
		return diag_fail(DIAG_KEYSTORE_ERASED, ENOKEY,
				 "the TEE's counters were replaced after the secret was sealed: "
				 "it never opens again");
	case TA_ERASED:
		return diag_fail(DIAG_KEYSTORE_ERASED, ENOKEY,
				 "the secret was sealed before the device was erased: it never "
				 "opens again");
	case TA_ROTATED:
		return diag_fail(DIAG_KEYSTORE_ERASED, ENOKEY,
				 "the secret was sealed before keys were rotated: it never opens "
				 "again");
	case TA_WAITING:
		return diag_fail(DIAG_VAULT_OLD, ESTALE,
				 "the secret opens only after a rotation that was not counted");
	case TA_AHEAD:
		return say_put_back();
	default:
		return diag_fail(
		    DIAG_KEYSTORE_UNTRUSTED, EPROTO,
		    "the trusted application gave verdict %u, which holdfast does not know",
		    c->verdict);
	}
}

bool tee_is_busy(const struct tee_call *c)
{
	bool storage = c->stage == TEE_ANSWERED && c->verdict == TA_STORAGE;
	uint32_t result = storage ? c->why : c->stage == TEE_ANSWERED ? 0 : c->result;

	return !c->error && (result == 0xffff0003 || result == 0xffff000d);
}
