/* SPDX-License-Identifier: Apache-2.0 */
/* key escrow, key restore. */
#ifndef HOLDFAST_CMD_ESCROW_H
#define HOLDFAST_CMD_ESCROW_H

#include "cmd/session.h"
#include "target/target.h"

#define ESCROW_FLAGS                                                                               \
	{"to", 0, "CERT", "escrow: who shall be able to read it, a certificate (PEM); repeatable", \
	 false},                                                                                   \
	    {"receipt", 0, "FILE", "escrow: the answer of who keeps it", false},                   \
	    {"remove-others", 0, NULL, "with --receipt: the device forgets its own recovery key",  \
	     false},                                                                               \
	    {"recovery-key-file", 0, "FILE", "restore: a recovery key; one for each volume",       \
	     false},                                                                               \
	{                                                                                          \
		"lose-others", 0, NULL, "restore: give up the volumes that nothing opens", false   \
	}

int escrow_run(struct session *s, struct target *t, const struct call *c);
int restore_run(struct session *s, struct target *t, const struct call *c);

#endif
