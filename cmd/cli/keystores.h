/* SPDX-License-Identifier: Apache-2.0 */
/* What guards the keys of a target, told to people and scripts. */
#ifndef HOLDFAST_CLI_KEYSTORES_H
#define HOLDFAST_CLI_KEYSTORES_H

#include "cmd/cli/session.h"
#include "target/target.h"

/* Every keystore of the layout: backend, policy, hardware with its counters and anchor, strength of
 * erasing. Hardware that does not answer is reported, not a failure. */
int tell_keystores(struct session *s, struct target *t);

#define WITHOUT_KEYSTORE_FLAG                                                                      \
	{                                                                                          \
		"without-keystore", 0, NULL,                                                       \
		    "Goes on although no keystore was asked whether the vault is genuine: "        \
		    "nothing "                                                                     \
		    "says then that its volumes, their layers and root hashes are those that "     \
		    "were "                                                                        \
		    "laid out. Volumes with keys need their keystore still."                       \
	}
/* HF-DAMAGED where a vault is there that cannot be used, unless --without-keystore is given. */
int refuse_damaged_vault(const struct target *t, const struct call *c);
/* After target_unlock(), before anything of a volume is opened or read: asks a keystore whether
 * the vault is genuine, unless --without-keystore is given. 0 or -errno having spoken. */
int keystores_authenticate(struct target *t, const struct call *c);

#endif
