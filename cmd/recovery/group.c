/* SPDX-License-Identifier: Apache-2.0 */
/* holdfast recovery: what its actions have in common. */
#include "cmd/cli/command.h"

const struct command command_recovery = {
    .name = "recovery",
    .synopsis = "ACTION TARGET",
    .summary = "Find out what is damaged; mend a copy from its twin.",
    .text = "From a damaged or unknown state back to a good one. Contents are never touched.",
    .example = "holdfast recovery assess /dev/mmcblk0\n"
	       "holdfast recovery repair /dev/mmcblk0\n",
};
