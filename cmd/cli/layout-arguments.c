/* SPDX-License-Identifier: Apache-2.0 */
/* --set NAME=VALUE, for every command that reads a layout. */
#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "cmd/cli/layout-arguments.h"

int layout_arguments(const struct call *c, struct setting *settings,
		     struct provision_request *request)
{
	const char *texts[VALUES_MAX];
	size_t n = call_values(c, "set", texts, VALUES_MAX);

	request->layout_path = c->args[0];
	request->settings = settings;
	request->n_settings = n;
	for (size_t i = 0; i < n; i++) {
		char *equals = strchr(texts[i], '=');

		if (!equals || equals == texts[i])
			return diag_fail(DIAG_USAGE, EINVAL, "--set %s: write NAME=VALUE",
					 texts[i]);
		*equals = 0; /* argv is ours */
		settings[i] = (struct setting){.name = texts[i], .value = equals + 1};
	}
	return 0;
}
