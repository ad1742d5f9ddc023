/* SPDX-License-Identifier: Apache-2.0 */
/* One operation's target and keys, and the environment that it runs in. */
#ifndef HOLDFAST_MODEL_JOB_H
#define HOLDFAST_MODEL_JOB_H

struct env;
struct io;
struct keyring;
struct keys;

struct job {
	struct env *env;
	struct io *target;       /* the device or image file worked on */
	const char *target_name; /* its path, for messages and for the kernel */
	struct keys *keys;       /* volume keys (model/key.h), or NULL */
	struct keyring *ring;    /* what a commit of the device part has for keys, or NULL */
};

#endif
