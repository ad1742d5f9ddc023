/* SPDX-License-Identifier: Apache-2.0 */
/* Running the programs that make file systems, on work files that have no name. */
#ifndef HOLDFAST_LAYER_FILESYSTEM_TOOL_H
#define HOLDFAST_LAYER_FILESYSTEM_TOOL_H

#include "base/env.h"
#include "base/io.h"

/* "/proc/self/fd/N": the path of a work file for a program. Static per thread. */
const char *filesystem_path(const struct io *io);
/* Runs @argv with the work file (and @extra_fd, if ≥ 0) kept open. Speaks. */
int filesystem_run(struct env *env, const char *const *argv, const char *const *set_env,
		   const struct io *io, int extra_fd);
/* The first line of the output of @argv that begins with @start, at most 63 bytes. Speaks. */
int filesystem_version(struct env *env, const char *const *argv, const char *start,
		       char ret[static 64]);

/* Every file system's time of everything: SOURCE_DATE_EPOCH of 1980-01-01, the first that FAT
 * knows. */
#define FILESYSTEM_TIME      315532800
#define FILESYSTEM_TIME_TEXT "315532800"

#endif
