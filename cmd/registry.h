/* SPDX-License-Identifier: Apache-2.0 */
/* Which commands there are. */
#ifndef HOLDFAST_CMD_REGISTRY_H
#define HOLDFAST_CMD_REGISTRY_H

#include "cmd/cli/command.h"

extern const struct command *const command_registry[]; /* ends with NULL */

#endif
