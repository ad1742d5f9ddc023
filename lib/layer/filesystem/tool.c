/* SPDX-License-Identifier: Apache-2.0 */
/* Running the programs that make file systems, on work files that have no name. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/overflow.h"
#include "base/spawn.h"
#include "layer/filesystem/tool.h"

const char *filesystem_path(const struct io *io)
{
	static _Thread_local char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", io_fd(io));
	return path;
}

int filesystem_run(struct env *env, const char *const *argv, const char *const *set_env,
		   const struct io *io, int extra_fd)
{
	const int fds[] = {io_fd(io), extra_fd};
	const struct spawn s = {
	    .argv = argv, .set_env = set_env, .keep_fds = fds, .n_keep_fds = extra_fd < 0 ? 1 : 2};

	return spawn_run(env, &s);
}

int filesystem_version(struct env *env, const char *const *argv, const char *start,
		       char ret[static 64])
{
	char output[8192];
	const struct spawn s = {
	    .argv = argv, .output = output, .output_size = sizeof(output), .output_errors = true};
	int r = spawn_status(env, &s);
	const char *line = r < 0 ? NULL : strstr(output, start);

	if (!line) {
		r = diag_fail(DIAG_PROGRAM, r < 0 ? -r : EIO, "the program %s is not installed",
			      argv[0]);
		diag_next("install the package that has %s", argv[0]);
		return r;
	}
	snprintf(ret, 64, "%.*s", (int)min_u64(63, strcspn(line, "\n,(")), line);
	for (size_t n = strlen(ret); n > 0 && ret[n - 1] == ' '; n--)
		ret[n - 1] = 0;
	return 0;
}
