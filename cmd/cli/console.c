/* SPDX-License-Identifier: Apache-2.0 */
/* Where everything is printed; one lock keeps lines of several threads apart. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/file.h"
#include "cmd/cli/console.h"

#define CLEAR_LINE "\r\033[K"
#define TICK_MS    100

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool line_drawn; /* the terminal shows a line of progress */
static FILE *log_file;

/* --- printing --- */

/* Under the lock. */
static void clear_line(void)
{
	if (line_drawn)
		fputs(CLEAR_LINE, stderr);
	line_drawn = false;
}

void console_put(void *ctx, enum output_stream stream, const char *text, size_t len)
{
	FILE *to = stream == OUTPUT_RESULT ? stdout : stderr;

	pthread_mutex_lock(&lock);
	line_drawn |= stream == OUTPUT_PROGRESS;
	clear_line();
	fwrite(text, 1, len, to);
	fflush(to);
	line_drawn = stream == OUTPUT_PROGRESS;
	pthread_mutex_unlock(&lock);
}

int console_show_secret(const struct secret *text)
{
	int r;

	pthread_mutex_lock(&lock);
	clear_line();
	fflush(stdout);
	r = file_write_all(STDOUT_FILENO, secret_bytes(text), secret_len(text));
	pthread_mutex_unlock(&lock);
	return r < 0 ? diag_file(-r, "standard output") : 0;
}

/* --- the log --- */

int console_open_log(const char *path)
{
	log_file = fopen(path, "ae");
	return log_file ? 0 : diag_file(errno, path);
}

void console_log(const char *kind, const char *scope, const char *text)
{
	char stamp[32];
	time_t now = time(NULL);
	struct tm tm;

	if (!log_file)
		return;
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
	pthread_mutex_lock(&lock);
	fprintf(log_file, "%s %s: %s%s%s\n", stamp, kind, scope, *scope ? ": " : "", text);
	fflush(log_file);
	pthread_mutex_unlock(&lock);
}

void console_close_log(void)
{
	if (log_file)
		fclose(log_file);
	log_file = NULL;
}

/* --- progress --- */

static struct {
	pthread_t thread;
	bool running;
	atomic_bool stop;
	const struct progress *progress;
	const struct renderer *renderer;
	const struct output *output;
} ticker;

static void report(const char *doing, uint64_t done, uint64_t total)
{
	_cleanup_result_ struct result *r = result_new(EVENT_PROGRESS);

	result_text(r, "doing", doing);
	result_number(r, "done", done);
	result_number(r, "total", total);
	if (total)
		result_aside(r, "percent", "%u",
			     (unsigned)(done >= total ? 100 : done * 100 / total));
	result_say(r, total ? "{doing} {percent} %" : "{doing} …");
	if (r)
		ticker.renderer->event(ticker.output, r);
}

static void *tick(void *arg)
{
	const struct timespec nap = {.tv_nsec = TICK_MS * 1000 * 1000};
	const unsigned every = ticker.renderer->progress_ms / TICK_MS;

	for (unsigned n = 1; !atomic_load(&ticker.stop); n++) {
		const char *doing;

		nanosleep(&nap, NULL);
		doing = atomic_load(&ticker.progress->doing);
		if (doing && n % every == 0 && !atomic_load(&ticker.stop))
			report(doing, atomic_load(&ticker.progress->done_bytes),
			       atomic_load(&ticker.progress->total_bytes));
	}
	return NULL;
}

void console_start_progress(const struct progress *progress, const struct renderer *renderer,
			    const struct output *output)
{
	sigset_t all, before;

	if (renderer->on_terminal && (output->quiet || !isatty(STDERR_FILENO)))
		return;
	ticker.progress = progress;
	ticker.renderer = renderer;
	ticker.output = output;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ticker.running = pthread_create(&ticker.thread, NULL, tick, NULL) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void console_stop_progress(void)
{
	if (!ticker.running)
		return;
	atomic_store(&ticker.stop, true);
	pthread_join(ticker.thread, NULL);
	ticker.running = false;
	pthread_mutex_lock(&lock);
	clear_line();
	pthread_mutex_unlock(&lock);
}
