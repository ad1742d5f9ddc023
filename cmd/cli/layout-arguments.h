/* SPDX-License-Identifier: Apache-2.0 */
/* --set NAME=VALUE, for every command that reads a layout. */
#ifndef HOLDFAST_CLI_LAYOUT_ARGUMENTS_H
#define HOLDFAST_CLI_LAYOUT_ARGUMENTS_H

#include "cmd/cli/command.h"
#include "target/provision.h"

#define LAYOUT_FLAG                                                                                \
	{                                                                                          \
		"set", 's', "NAME=VALUE", "What replaces ${NAME} in the layout. May be repeated."  \
	}

/* Fills request->layout_path and settings; @settings has room for VALUES_MAX. */
int layout_arguments(const struct call *c, struct setting *settings,
		     struct provision_request *request);

#endif
