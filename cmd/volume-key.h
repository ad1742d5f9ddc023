/* SPDX-License-Identifier: Apache-2.0 */
/* --volume-key-file: the key of a volume that holdfast did not lay out. */
#ifndef HOLDFAST_CMD_VOLUME_KEY_H
#define HOLDFAST_CMD_VOLUME_KEY_H

#include "cmd/session.h"

#define VOLUME_KEY_FLAG                                                                            \
	{"systemd-token", 0, NULL, "the volume key by the TPM token of systemd-cryptenroll",       \
	 false},                                                                                   \
	    {"tpm2-signature", 0, "FILE", "with it: the signed PCR policies that a token wants",   \
	     false},                                                                               \
	{                                                                                          \
		"volume-key-file", 0, "FILE",                                                      \
		    "the volume key itself, for LUKS2 and dm-integrity made by other tools", false \
	}

/* Makes the session's given keys of it, where it is there. 0 or -errno having spoken. */
int volume_key_arguments(struct session *s, const struct call *c);
void volume_key_forget(void);

#endif
