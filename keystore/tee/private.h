/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of keystore tee share. */
#ifndef HOLDFAST_KEYSTORE_TEE_PRIVATE_H
#define HOLDFAST_KEYSTORE_TEE_PRIVATE_H

#include <sys/types.h>

#include "keystore/tee/ta/holdfast-ta.h"
#include "model/key.h"

/* How far a call came. */
enum tee_stage {
	TEE_AT_DEVICE,  /* no TEE was reached; error: ENOENT (no device at all), EACCES … */
	TEE_AT_SESSION, /* it does not open the trusted application */
	TEE_AT_COMMAND, /* the trusted application did not get to an answer */
	TEE_ANSWERED,   /* verdict, why */
};

/* One call, in memory that we share with the child that makes it (tee-child.c): what goes to the
 * trusted application, and what comes back. Has secrets in it. */
struct tee_call {
	uint32_t command, storage, flags; /* as in holdfast-ta.h */
	uint32_t in_len, out_len;
	uint8_t in[TA_REQUEST_MAX];

	uint32_t stage;
	int32_t error;           /* errno of the kernel, 0 where it did its part */
	uint32_t result, origin; /* of the TEE, where the kernel did */
	uint32_t verdict, why;
	char device[32];
	uint8_t out[TA_REPLY_MAX];
};

/* How the trusted application is reached. Runs in a child after a fork. */
struct tee_transport {
	/* Device and session; answers in @call. Nothing else is called where that fails. */
	bool (*open)(struct tee_call *call);
	void (*invoke)(struct tee_call *call);
	/* In the parent: what a call hangs for, or NULL: nobody knows. */
	const char *(*hung)(void);
	unsigned limit_ms; /* of one call; then the child is killed */
	/* The signed manifest's word that rollback protection is real. Manifests are not built yet,
	 * so only tests have it. */
	bool vouched;
};
extern const struct tee_transport tee_kernel;
extern const struct tee_transport *tee_transport; /* &tee_kernel; tests put theirs here */

/* tee-kernel.c: the first TEE among the devices @pattern ("/dev/tee%u"), 0 to 9, that speaks
 * GlobalPlatform. Descriptor, or -errno as for TEE_AT_DEVICE. @ret_device: the one it is about. */
int tee_kernel_device(const char *pattern, char ret_device[static 32]);

struct keystore_session {
	struct tee_call *call;
	pid_t pid; /* 0: no child (any more) */
	int fd;
	uint8_t identity[32];
	bool locked;
	char hardware[128];
};

/* tee-child.c; all speak. */

/* A child with an open session. */
int tee_child_start(struct keystore_session *s, struct env *env);
/* Has s->call made: 0 once there is an answer of the trusted application, whatever it is. */
int tee_child_call(struct keystore_session *s, struct env *env);
void tee_child_stop(struct keystore_session *s);

/* tee-say.c */

/* Why the call did not get an answer. */
int tee_say_failure(const struct tee_call *c);
/* What @verdict (not TA_DONE) means for people. */
int tee_say_verdict(const struct tee_call *c);
/* Worth trying again at once: somebody else is in it. */
bool tee_is_busy(const struct tee_call *c);

/* tee-blob.c */

/* @blob, as far as it can be told without the TEE. */
struct tee_blob {
	enum ta_storage storage;
	bool next;
	uint8_t identity[32];
	uint64_t erase, rotation;
};
/* 0, or -EINVAL, silent. */
int tee_blob_decode(const uint8_t *blob, size_t len, struct tee_blob *ret);

#endif
