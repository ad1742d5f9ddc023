/* SPDX-License-Identifier: Apache-2.0 */
/* --prefix, --mount: what open, close and status have in common. */
#ifndef HOLDFAST_CLI_OPEN_ARGUMENTS_H
#define HOLDFAST_CLI_OPEN_ARGUMENTS_H

#include "cmd/cli/session.h"
#include "target/target.h"

#define OPEN_FLAGS                                                                                 \
	{"mount", 0, "DIR", "File systems are mounted at DIR/VOLUME."},                            \
	{                                                                                          \
		"prefix", 0, "NAME", "Mappings are called NAME-VOLUME; default: holdfast."         \
	}

int open_arguments(const struct call *c, struct open_how *ret);
/* The volumes named after the target, or all that hold something; their number, or -errno. */
int open_volumes(const struct call *c, const struct target *t,
		 struct volume *ret[static VOLUMES_MAX]);

#endif
