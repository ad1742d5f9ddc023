/* SPDX-License-Identifier: Apache-2.0 */
/* --prefix, --mount: what open, close and status have in common. */
#ifndef HOLDFAST_CMD_OPEN_ARGUMENTS_H
#define HOLDFAST_CMD_OPEN_ARGUMENTS_H

#include "cmd/session.h"
#include "target/target.h"

#define OPEN_FLAGS                                                                                 \
	{"prefix", 0, "NAME", "mappings are called NAME-VOLUME; default: holdfast", false},        \
	{                                                                                          \
		"mount", 0, "DIR", "file systems are mounted at DIR/VOLUME", false                 \
	}

int open_arguments(const struct call *c, struct open_how *ret);
/* The volumes named behind the target, or all that hold something; their number, or -errno. */
int open_volumes(const struct call *c, const struct target *t,
		 struct volume *ret[static VOLUMES_MAX]);

#endif
