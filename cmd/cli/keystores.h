/* SPDX-License-Identifier: Apache-2.0 */
/* What guards the keys of a target, told to people and scripts. */
#ifndef HOLDFAST_CLI_KEYSTORES_H
#define HOLDFAST_CLI_KEYSTORES_H

#include "cmd/cli/session.h"
#include "target/target.h"

/* Every keystore of the layout: backend, policy, hardware with its counters and anchor, strength of
 * erasing. Hardware that does not answer is told, and is no failure. */
int tell_keystores(struct session *s, struct target *t);

#endif
