/* SPDX-License-Identifier: Apache-2.0 */
/* --volume-key-file: the key of a volume that holdfast did not lay out. */
#ifndef HOLDFAST_CLI_VOLUME_KEY_H
#define HOLDFAST_CLI_VOLUME_KEY_H

#include "cmd/cli/session.h"

#define VOLUME_KEY_FLAGS                                                                           \
	{"volume-key-file", 0, "FILE",                                                             \
	 "The volume key itself, for LUKS2 and dm-integrity made by other tools: a target that "   \
	 "is such a volume as a whole, called \"volume\". For hmac-sha256 with a journal MAC "     \
	 "the file holds both keys, one after the other.",                                         \
	 .excludes = "systemd-token"},                                                             \
	    {"systemd-token", 0, NULL,                                                             \
	     "For a LUKS2 device that systemd-cryptenroll bound to a TPM: the volume key by its "  \
	     "token (PCRs by value, PCRs that a key signed for, a PIN). Of several tokens the "    \
	     "first whose conditions hold, those without a PIN before the others; a wrong PIN is " \
	     "tried on one only."},                                                                \
	{                                                                                          \
		"tpm2-signature", 0, "FILE",                                                       \
		    "The signed PCR policies for the token, as systemd-measure writes them. "      \
		    "Default: tpm2-pcr-signature.json in /etc/systemd, /run/systemd, "             \
		    "/usr/local/lib/systemd, /usr/lib/systemd or /.extra, the first that exists.", \
		    .needs = "systemd-token"                                                       \
	}

/* Makes the session's given keys of it, where it is there. 0 or -errno having spoken. */
int volume_key_arguments(struct session *s, const struct call *c);
void volume_key_forget(void);

#endif
