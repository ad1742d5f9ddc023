/* SPDX-License-Identifier: Apache-2.0 */
/* --set NAME=VALUE, for every command that reads a layout. */
#ifndef HOLDFAST_CMD_LAYOUT_ARGUMENTS_H
#define HOLDFAST_CMD_LAYOUT_ARGUMENTS_H

#include "cmd/command.h"
#include "target/provision.h"

#define LAYOUT_FLAGS                                                                               \
	{                                                                                          \
		"set", 's', "NAME=VALUE",                                                          \
		    "what ${NAME} in the layout stands for; may be repeated", false                \
	}

/* Fills request->layout_path and settings; @settings has room for VALUES_MAX. */
int layout_arguments(const struct call *c, struct setting *settings,
		     struct provision_request *request);

#endif
