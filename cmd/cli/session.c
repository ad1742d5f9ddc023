/* SPDX-License-Identifier: Apache-2.0 */
/* A run of the program: signals, progress, messages, the result, the exit status. */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/pool.h"
#include "base/text.h"
#include "cmd/cli/session.h"
#include "crypto/random.h"
#include "format/dps.h"
#include "keystore/registry.h"
#include "layer/registry.h"
#include "medium/registry.h"

static atomic_bool cancelled;
static struct progress progress;
static struct watchdog watchdog;
static pthread_mutex_t output_lock = PTHREAD_MUTEX_INITIALIZER;
static FILE *log_file;
static time_t began_at;

/* --- the bar --- */

static struct {
	pthread_t thread;
	bool running, bar; /* bar: on a terminal; else JSON, or nothing */
	atomic_bool stop;
	struct session *session;
} ticker;

static void draw_bar(uint64_t done, uint64_t total, const char *doing)
{
	unsigned percent = total ? (unsigned)(done >= total ? 100 : done * 100 / total) : 0;

	if (total)
		fprintf(stderr, "\r\033[K%s %u %%", doing ? doing : "", percent);
	else
		fprintf(stderr, "\r\033[K%s …", doing ? doing : "");
	fflush(stderr);
}

static void json_progress(uint64_t done, uint64_t total, const char *doing)
{
	struct json *j = json_new("progress");

	json_text(j, "doing", doing);
	json_number(j, "done", done);
	json_number(j, "total", total);
	session_event(ticker.session, j);
}

static void *tick(void *arg)
{
	const struct timespec nap = {.tv_nsec = 100 * 1000 * 1000};

	for (unsigned n = 1; !atomic_load(&ticker.stop); n++) {
		uint64_t done = atomic_load(&progress.done_bytes);
		uint64_t total = atomic_load(&progress.total_bytes);
		const char *doing = atomic_load(&progress.doing);

		nanosleep(&nap, NULL);
		if (!doing || atomic_load(&ticker.stop))
			continue;
		pthread_mutex_lock(&output_lock);
		if (ticker.bar && n % 2 == 0)
			draw_bar(done, total, doing);
		pthread_mutex_unlock(&output_lock);
		if (!ticker.bar && n % 20 == 0)
			json_progress(done, total, doing);
	}
	return NULL;
}

static void start_ticker(struct session *s)
{
	sigset_t all, before;

	ticker.session = s;
	ticker.bar = !s->json && !s->quiet && isatty(STDERR_FILENO);
	if (!ticker.bar && !s->json)
		return;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ticker.running = pthread_create(&ticker.thread, NULL, tick, NULL) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void stop_ticker(void)
{
	if (!ticker.running)
		return;
	atomic_store(&ticker.stop, true);
	pthread_join(ticker.thread, NULL);
	ticker.running = false;
	if (ticker.bar)
		fputs("\r\033[K", stderr);
}

/* --- words --- */

static void log_line(const char *kind, const char *scope, const char *text)
{
	char stamp[32];
	time_t now = time(NULL);
	struct tm tm;

	if (!log_file)
		return;
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
	fprintf(log_file, "%s %s: %s%s%s\n", stamp, kind, scope, *scope ? ": " : "", text);
	fflush(log_file);
}

static void to_stderr(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void to_stderr(const char *fmt, ...)
{
	va_list args;

	if (ticker.bar)
		fputs("\r\033[K", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
}

static void on_diag(void *ctx, enum diag_level level, const char *scope, const char *text)
{
	struct session *s = ctx;
	const char *kind = level == DIAG_WARN ? "warning" : "note";
	struct json *j;

	pthread_mutex_lock(&output_lock);
	log_line(kind, scope, text);
	if (level == DIAG_WARN || !s->quiet)
		to_stderr("holdfast: %s: %s%s%s\n", kind, scope, *scope ? ": " : "", text);
	pthread_mutex_unlock(&output_lock);
	if (!s->json)
		return;
	j = json_new(kind);
	json_text(j, "scope", scope);
	json_text(j, "text", text);
	session_event(s, j);
}

void session_say(struct session *s, const char *fmt, ...)
{
	va_list args;

	if (s->json)
		return;
	pthread_mutex_lock(&output_lock);
	if (ticker.bar)
		fputs("\r\033[K", stderr);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	fflush(stdout);
	pthread_mutex_unlock(&output_lock);
}

int session_show_secret(struct session *s, const struct secret *text)
{
	int r;

	if (s->json)
		return 0;
	pthread_mutex_lock(&output_lock);
	if (ticker.bar)
		fputs("\r\033[K", stderr);
	fflush(stdout);
	r = file_write_all(STDOUT_FILENO, secret_bytes(text), secret_len(text));
	pthread_mutex_unlock(&output_lock);
	return r < 0 ? diag_file(-r, "standard output") : 0;
}

void session_event(struct session *s, struct json *j)
{
	_cleanup_free_ char *line = s->json ? json_print(j, false) : NULL;

	json_free(j);
	if (!line)
		return;
	pthread_mutex_lock(&output_lock);
	fputs(line, stdout);
	fflush(stdout);
	pthread_mutex_unlock(&output_lock);
}

/* --- steps --- */

static void step_json(struct session *s, const char *event, const struct plan *p, size_t index)
{
	const struct step *step = &p->steps.v[index];
	struct json *j = json_new(event);

	json_number(j, "step", index + 1);
	json_number(j, "steps", p->steps.n);
	json_text(j, "subject", step->subject);
	json_text(j, "layer", step->layer ? step->layer->ops->name : NULL);
	json_text(j, "name", step->ops->name);
	session_event(s, j);
}

static void on_begin(void *ctx, const struct plan *p, size_t index, uint64_t resumed_at)
{
	struct session *s = ctx;
	const struct step *step = &p->steps.v[index];
	char from[64] = "";

	if (resumed_at)
		snprintf(from, sizeof(from), " (from %" PRIu64 " on)", resumed_at);
	pthread_mutex_lock(&output_lock);
	log_line("step", step->subject, step->ops->name);
	if (!s->quiet && !s->json)
		to_stderr("%2zu/%zu %s: %s%s\n", index + 1, p->steps.n, step->subject,
			  step->ops->name, from);
	pthread_mutex_unlock(&output_lock);
	step_json(s, "step", p, index);
}

static void on_done(void *ctx, const struct plan *p, size_t index, bool skipped)
{
	step_json(ctx, skipped ? "step-skipped" : "step-done", p, index);
}

struct execute_events session_events(struct session *s)
{
	return (struct execute_events){.begin = on_begin, .done = on_done, .ctx = s};
}

/* --- begin and end --- */

static void on_signal(int number)
{
	atomic_store(&cancelled, true);
}

static void watch_signals(void)
{
	const struct sigaction stop = {.sa_handler = on_signal};
	const struct sigaction ignore = {.sa_handler = SIG_IGN}, usual = {.sa_handler = SIG_DFL};

	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGHUP, &stop, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	sigaction(SIGCHLD, &usual, NULL); /* inherited as ignored, nobody tells how a child ended */
}

static const struct kinds *all_kinds(void)
{
	static struct kinds kinds;

	kinds.layers = layer_registry;
	kinds.media = medium_registry;
	kinds.keystores = keystore_registry;
	kinds.planned_layers = layer_planned;
	kinds.host_architecture = dps_host_architecture();
	return &kinds;
}

static int jobs_of(const struct call *c, unsigned *ret)
{
	const char *text = call_value(c, "jobs");
	char *end;
	unsigned long n = text ? strtoul(text, &end, 10) : 0;

	if (text && (*end || !*text || n < 1 || n > 256))
		return diag_fail(DIAG_USAGE, EINVAL, "--jobs %s: 1 to 256 are possible", text);
	*ret = (unsigned)n;
	return 0;
}

int session_begin(struct session *s, const struct call *c)
{
	const char *log = call_value(c, "log");
	const char *tmp = getenv("TMPDIR");
	unsigned jobs = 0;
	int r = jobs_of(c, &jobs);

	s->json = call_has(c, "json");
	s->quiet = call_has(c, "quiet");
	s->record = call_value(c, "record");
	s->kinds = all_kinds();
	s->env.progress = &progress;
	s->env.cancel = &cancelled;
	s->env.random = random_bytes;
	s->env.work_dir = tmp && *tmp ? tmp : "/var/tmp";
	watchdog_open(&watchdog);
	s->env.watchdog = &watchdog;
	began_at = time(NULL);
	if (r < 0)
		return r;
	if (log) {
		log_file = fopen(log, "ae");
		if (!log_file)
			return diag_file(errno, log);
	}
	watch_signals();
	diag_set_sink(on_diag, s);
	r = pool_new(jobs, &s->env.pool);
	if (r >= 0)
		start_ticker(s);
	return r;
}

/* What is wrong with a command line begins with the command's name. */
static bool begins_with_name(const char *text, const char *name)
{
	size_t len = strlen(name);

	return strncmp(text, name, len) == 0 && (text[len] == ' ' || text[len] == ':');
}

static void print_failure(const struct session *s, const struct diag_record *d)
{
	bool named = s->name && !begins_with_name(d->text, s->name);
	bool scoped = *d->scope;

	log_line("error", d->scope, d->text);
	fprintf(stderr, "holdfast: %s%s%s%s%s\n", named ? s->name : "", named ? ": " : "", d->scope,
		scoped ? ": " : "", d->text);
	if (*d->state)
		fprintf(stderr, "  now:  %s\n", d->state);
	if (*d->next)
		fprintf(stderr, "  next: %s\n", d->next);
}

static void fill_result(struct session *s, enum diag_code code)
{
	struct json *j = s->result;

	json_text(j, "command", s->name);
	json_number(j, "status", diag_code_outcome(code));
	json_text(j, "code", diag_code_text(code));
	json_text(j, "meaning", diag_code_help(code));
	json_text(j, "version", HOLDFAST_VERSION);
	json_number(j, "seconds", (uint64_t)(time(NULL) - began_at));
	if (s->target)
		json_text(j, "target", s->target);
	if (diag_count())
		json_failures(j, "failures");
}

/* The factory's database reads it; written also when things went wrong. */
static int write_record(struct session *s)
{
	_cleanup_free_ char *text = s->record ? json_print(s->result, true) : NULL;

	return text ? file_write(s->record, 0644, text, strlen(text)) : 0;
}

int session_end(struct session *s, int r)
{
	enum diag_code code = r < 0 ? DIAG_INTERNAL : s->code;
	_cleanup_free_ char *line = NULL;

	stop_ticker();
	s->env.pool = pool_free(s->env.pool);
	if (!s->result)
		s->result = json_new("result");
	if (r < 0 && diag_count())
		code = diag_get(0)->code;
	else if (r < 0)
		diag_fail(DIAG_INTERNAL, -r, "failed without saying why: %s", strerror(-r));
	fill_result(s, code);
	if (write_record(s) < 0 && diag_code_outcome(code) == OUTCOME_DONE)
		code = DIAG_FILE;
	for (size_t i = 0; i < diag_count() && diag_get(i); i++)
		print_failure(s, diag_get(i));
	line = s->json ? json_print(s->result, false) : NULL;
	if (line)
		fputs(line, stdout);
	fflush(stdout);
	s->result = json_free(s->result);
	if (log_file)
		fclose(log_file);
	return (int)diag_code_outcome(code);
}
