/* SPDX-License-Identifier: Apache-2.0 */
/* Passphrases: from a file, a descriptor or a terminal; never from arguments or environment. */
#ifndef HOLDFAST_CLI_PASSPHRASE_H
#define HOLDFAST_CLI_PASSPHRASE_H

#include "base/secret.h"
#include "cmd/cli/session.h"

#define PASSPHRASE_FLAGS                                                                           \
	{"passphrase-file", 0, "FILE",                                                             \
	 "A keystore's passphrase: FILE's first line. Without this and --passphrase-fd it is "     \
	 "asked for on a terminal; never taken from arguments or the environment.",                \
	 .excludes = "passphrase-fd"},                                                             \
	{                                                                                          \
		"passphrase-fd", 0, "N", "The same, from file descriptor N."                       \
	}
#define PIN_FLAGS                                                                                  \
	{"pin-file", 0, "FILE", "The PIN of a keystore in hardware: FILE's first line.",           \
	 .excludes = "pin-fd"},                                                                    \
	{                                                                                          \
		"pin-fd", 0, "N", "The same, from file descriptor N."                              \
	}
#define TCTI_FLAG                                                                                  \
	{                                                                                          \
		"tcti", 0, "NAME:CONF",                                                            \
		    "How the TPM is reached, as tpm2-tss names it; default: device:/dev/tpmrm0."   \
	}
/* For commands that make storage key, counters and anchor in the hardware. */
#define OWNER_FLAGS                                                                                \
	{"owner-file", 0, "FILE",                                                                  \
	 "The TPM's owner authorisation, where it has one: FILE's first line. Needed once, to "    \
	 "make the storage key, counters and anchor.",                                             \
	 .excludes = "owner-fd"},                                                                  \
	{                                                                                          \
		"owner-fd", 0, "N", "The same, from file descriptor N."                            \
	}
/* For commands that seal again: without these the old ones stay. */
#define NEW_PASSPHRASE_FLAGS                                                                       \
	{"new-passphrase-file", 0, "FILE",                                                         \
	 "The passphrase from now on: FILE's first line; default: the old one.",                   \
	 .excludes = "new-passphrase-fd"},                                                         \
	    {"new-passphrase-fd", 0, "N", "The same, from file descriptor N."},                    \
	    {"new-pin-file", 0, "FILE", "The PIN from now on; default: the old one.",              \
	     .excludes = "new-pin-fd"},                                                            \
	{                                                                                          \
		"new-pin-fd", 0, "N", "The same, from file descriptor N."                          \
	}

/* Makes env->input of the command line. 0 or -EINVAL having spoken. */
int passphrase_arguments(struct session *s, const struct call *c);
/* The first line of a file that holds a secret. */
int passphrase_read_file(const char *path, struct secret **ret);
/* Wipes what was read. */
void passphrase_forget(void);

#endif
