/* SPDX-License-Identifier: Apache-2.0 */
/* One call to the trusted application, and the way it takes. */
#ifndef HOLDFAST_KEYSTORE_TEE_CALL_H
#define HOLDFAST_KEYSTORE_TEE_CALL_H

#include <stdbool.h>

#include "keystore/tee/ta/holdfast-ta.h"

/* How far a call came. */
enum tee_stage {
	TEE_AT_DEVICE,  /* no TEE was reached; error: ENOENT (no device at all), EACCES … */
	TEE_AT_SESSION, /* the TEE does not open the trusted application */
	TEE_AT_COMMAND, /* the trusted application did not get to an answer */
	TEE_ANSWERED,   /* verdict and why are valid */
};

/* Request and answer, in memory that is shared with the child that makes the call. Contains
 * secrets.
 */
struct tee_call {
	uint32_t command, storage, flags; /* as in holdfast-ta.h */
	uint32_t in_len, out_len;         /* bytes */
	uint8_t in[TA_REQUEST_MAX];

	uint32_t stage;          /* enum tee_stage */
	int32_t error;           /* errno of the kernel; 0: it did its part */
	uint32_t result, origin; /* of the TEE, if the kernel did its part */
	uint32_t verdict, why;   /* of the trusted application */
	char device[32];
	uint8_t out[TA_REPLY_MAX];
};

/* How the trusted application is reached. Silent. */
struct tee_transport {
	/* In the child, after a fork: opens device and session, and tells in @call how far it came.
	 * Nothing else is called after false. */
	bool (*open)(struct tee_call *call);
	void (*invoke)(struct tee_call *call);
	/* In the parent: what a call hangs for; NULL: unknown. */
	const char *(*hung)(void);
	unsigned limit_ms; /* of one call; then the child is killed */
	/* A signed manifest states that rollback protection is real. Manifests are not built yet,
	 * so only tests set this. */
	bool vouched;
};

#endif
