/* SPDX-License-Identifier: Apache-2.0 */
/* Which commands there are: a line each. */
#include <stddef.h>

#include "cmd/registry.h"

/* In the order in which help and manual list them; a group precedes its actions. */
#define COMMANDS(X)                                                                                \
	X(plan)                                                                                    \
	X(provision)                                                                               \
	X(open)                                                                                    \
	X(close)                                                                                   \
	X(verify)                                                                                  \
	X(read)                                                                                    \
	X(status)                                                                                  \
	X(cmdline)                                                                                 \
	X(layers)                                                                                  \
	X(recovery)                                                                                \
	X(recovery_assess)                                                                         \
	X(recovery_repair)                                                                         \
	X(key)                                                                                     \
	X(key_list)                                                                                \
	X(key_rotate)                                                                              \
	X(key_forget)                                                                              \
	X(key_recovery)                                                                            \
	X(key_escrow)                                                                              \
	X(key_restore)                                                                             \
	X(key_identity)                                                                            \
	X(help)                                                                                    \
	X(manual)

#define X(id) extern const struct command command_##id;
COMMANDS(X)
#undef X

const struct command *const command_registry[] = {
#define X(id) &command_##id,
    COMMANDS(X)
#undef X
	NULL,
};
