/* SPDX-License-Identifier: Apache-2.0 */
/* The child process that makes the calls. All speak unless noted. */
#ifndef HOLDFAST_KEYSTORE_TEE_CHILD_H
#define HOLDFAST_KEYSTORE_TEE_CHILD_H

#include <sys/types.h>

#include "base/env.h"
#include "keystore/tee/call.h"

struct keystore_session {
	struct tee_call *call; /* shared with the child */
	pid_t pid;             /* 0: there is no child (any more) */
	int fd;
	uint8_t identity[32]; /* of the device, as the trusted application says */
	char hardware[128];   /* for people */
};

extern const struct tee_transport *tee_transport; /* &tee_kernel; tests put theirs here */

/* Starts a child that has an open session. After a failure, too, the caller calls tee_child_stop().
 */
int tee_child_start(struct keystore_session *s, struct env *env);
/* Has s->call made. 0 as soon as the trusted application has answered, whatever it answered. */
int tee_child_call(struct keystore_session *s, struct env *env);
/* Ends the child and wipes the call. Silent. */
void tee_child_stop(struct keystore_session *s);

#endif
