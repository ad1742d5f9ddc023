/* SPDX-License-Identifier: Apache-2.0 */
/* Standard output, standard error, the line of progress on a terminal, and the log. */
#ifndef HOLDFAST_CLI_CONSOLE_H
#define HOLDFAST_CLI_CONSOLE_H

#include "base/env.h"
#include "base/secret.h"
#include "report/renderer.h"

/* What renderers write to. Any thread may call it. */
void console_put(void *ctx, enum output_stream stream, const char *text, size_t len);
/* Writes @text to standard output, as it is, without stdio, which would keep a copy. 0 or -errno
 * having spoken. */
int console_show_secret(const struct secret *text);

/* Opens the log, which messages are appended to. 0 or -errno having spoken. */
int console_open_log(const char *path);
void console_log(const char *kind, const char *scope, const char *text);
void console_close_log(void);

/* A thread of its own reports @progress through @renderer until console_stop_progress(). */
void console_start_progress(const struct progress *progress, const struct renderer *renderer,
			    const struct output *output);
void console_stop_progress(void);

#endif
