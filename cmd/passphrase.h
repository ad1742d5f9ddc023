/* SPDX-License-Identifier: Apache-2.0 */
/* Passphrases: from a file, a descriptor or a terminal; never from arguments or environment. */
#ifndef HOLDFAST_CMD_PASSPHRASE_H
#define HOLDFAST_CMD_PASSPHRASE_H

#include "base/secret.h"
#include "cmd/session.h"

#define PASSPHRASE_FLAGS                                                                           \
	{"passphrase-file", 0, "FILE", "a keystore's passphrase: FILE's first line", false},       \
	{                                                                                          \
		"passphrase-fd", 0, "N", "the same, from file descriptor N", false                 \
	}
/* Keystores in hardware. */
#define HARDWARE_FLAGS                                                                             \
	{"pin-file", 0, "FILE", "the PIN of a keystore in hardware: FILE's first line", false},    \
	    {"pin-fd", 0, "N", "the same, from file descriptor N", false},                         \
	{                                                                                          \
		"tcti", 0, "NAME:CONF", "how the TPM is reached; default: device:/dev/tpmrm0",     \
		    false                                                                          \
	}
/* For who makes storage key, counters and anchor in it. */
#define OWNER_FLAGS                                                                                \
	{"owner-file", 0, "FILE", "the TPM's owner authorisation: FILE's first line", false},      \
	{                                                                                          \
		"owner-fd", 0, "N", "the same, from file descriptor N", false                      \
	}
/* For who sets one anew: without these the old one stays. */
#define NEW_PASSPHRASE_FLAGS                                                                       \
	{"new-passphrase-file", 0, "FILE", "the passphrase from now on; default: the old one",     \
	 false},                                                                                   \
	    {"new-passphrase-fd", 0, "N", "the same, from file descriptor N", false},              \
	    {"new-pin-file", 0, "FILE", "the PIN from now on; default: the old one", false},       \
	{                                                                                          \
		"new-pin-fd", 0, "N", "the same, from file descriptor N", false                    \
	}

/* Makes env->input of the command line. 0 or -EINVAL having spoken. */
int passphrase_arguments(struct session *s, const struct call *c);
/* The first line of a file that holds a secret. */
int passphrase_read_file(const char *path, struct secret **ret);
/* Wipes what was read. */
void passphrase_forget(void);

#endif
