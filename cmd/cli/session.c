/* SPDX-License-Identifier: Apache-2.0 */
/* A run of the program: signals, messages, the result, the exit status. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/pool.h"
#include "base/text.h"
#include "cmd/cli/console.h"
#include "cmd/cli/session.h"
#include "crypto/random.h"
#include "format/dps.h"
#include "keystore/registry.h"
#include "layer/registry.h"
#include "medium/registry.h"
#include "report/describe.h"
#include "report/json.h"

static atomic_bool cancelled;
static struct progress progress;
static struct watchdog watchdog;

/* --- events --- */

static void session_event(struct session *s, struct result *r)
{
	if (r)
		s->renderer->event(&s->output, r);
	result_free(r);
}

void session_finding(struct session *s, struct result *r)
{
	if (r)
		s->renderer->finding(&s->output, r);
	result_free(r);
}

static void on_diag(void *ctx, enum diag_level level, const char *scope, const char *text)
{
	bool warning = level == DIAG_WARN;
	struct result *r = result_new(warning ? EVENT_WARNING : EVENT_NOTE);

	console_log(warning ? "warning" : "note", scope, text);
	result_text(r, "scope", scope);
	result_text(r, "text", text);
	result_say(r, "holdfast: {event}: [{scope}: ]{text}");
	session_event(ctx, r);
}

static struct result *step_event(enum event event, const struct plan *p, size_t index)
{
	const struct step *step = &p->steps.v[index];
	struct result *r = result_new(event);

	result_number(r, "step", index + 1);
	result_number(r, "steps", p->steps.n);
	result_text(r, "subject", step->subject);
	result_text(r, "layer", step->layer ? step->layer->ops->name : NULL);
	result_text(r, "name", step->ops->name);
	return r;
}

static void on_begin(void *ctx, const struct plan *p, size_t index, uint64_t resumed_at)
{
	struct result *r = step_event(EVENT_STEP, p, index);

	console_log("step", p->steps.v[index].subject, p->steps.v[index].ops->name);
	if (resumed_at)
		result_number(r, "resumed_at", resumed_at);
	result_say(r, "{step,2}/{steps} {subject}: {name}[ (from {resumed_at} on)]");
	session_event(ctx, r);
}

static void on_done(void *ctx, const struct plan *p, size_t index, bool skipped)
{
	session_event(ctx, step_event(skipped ? EVENT_STEP_SKIPPED : EVENT_STEP_DONE, p, index));
}

struct execute_events session_events(struct session *s)
{
	return (struct execute_events){.begin = on_begin, .done = on_done, .ctx = s};
}

int session_show_secret(struct session *s, const struct secret *text)
{
	if (s->renderer != renderer_registry[0])
		return diag_fail(DIAG_USAGE, EINVAL,
				 "--%s is kept and passed on, so it never has keys",
				 s->renderer->name);
	return console_show_secret(text);
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
	sigaction(SIGCHLD, &usual, NULL); /* if it is ignored, waitpid() fails */
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

/* A wrong command line ends with a result, too, in the format that was asked for. */
static const struct renderer *wanted_renderer(int argc, char **argv)
{
	const struct renderer *found = renderer_registry[0];

	for (int i = 1; i < argc; i++) {
		const struct renderer *r =
		    strncmp(argv[i], "--", 2) == 0 ? renderer_find(argv[i] + 2) : NULL;

		if (r && r->help)
			found = r;
	}
	return found;
}

void session_init(struct session *s, const struct command *const *commands, int argc, char **argv)
{
	*s = (struct session){
	    .commands = commands,
	    .renderer = wanted_renderer(argc, argv),
	    .output = {.put = console_put},
	    .began_at = time(NULL),
	    .result = result_new(EVENT_RESULT),
	};
}

/* As the options say: a value may have looked like one of them. */
static void choose_renderer(struct session *s, const struct call *c)
{
	s->renderer = renderer_registry[0];
	for (const struct renderer *const *r = renderer_registry; *r; r++) {
		if ((*r)->help && call_has(c, (*r)->name))
			s->renderer = *r;
	}
}

int session_begin(struct session *s, const struct call *c)
{
	const char *tmp = getenv("TMPDIR");
	unsigned jobs = 0;
	int r = jobs_of(c, &jobs);

	choose_renderer(s, c);
	s->output.quiet = call_has(c, "quiet");
	s->record = call_value(c, "record");
	s->kinds = all_kinds();
	s->env.progress = &progress;
	s->env.cancel = &cancelled;
	s->env.random = random_bytes;
	s->env.work_dir = tmp && *tmp ? tmp : "/var/tmp";
	watchdog_open(&watchdog);
	s->env.watchdog = &watchdog;
	if (r >= 0 && !s->result)
		r = diag_no_memory();
	if (r >= 0 && call_has(c, "log"))
		r = console_open_log(call_value(c, "log"));
	if (r < 0)
		return r;
	watch_signals();
	diag_set_sink(on_diag, s);
	r = pool_new(jobs, &s->env.pool);
	if (r >= 0)
		console_start_progress(&progress, s->renderer, &s->output);
	return r;
}

static void fill_result(struct session *s, enum diag_code code)
{
	struct result *r = s->result;

	result_text(r, "command", s->name);
	result_number(r, "status", diag_code_outcome(code));
	result_text(r, "code", diag_code_text(code));
	result_text(r, "meaning", diag_code_help(code));
	result_text(r, "version", HOLDFAST_VERSION);
	result_number(r, "seconds", (uint64_t)(time(NULL) - s->began_at));
	if (s->target)
		result_text(r, "target", s->target);
	describe_failures(r, s->name);
}

/* The factory's database reads it; written also when things went wrong. */
static int write_record(struct session *s)
{
	_cleanup_text_ struct text text = {0};

	if (!s->record || !s->result)
		return 0;
	json_print(s->result, true, &text);
	return text.failed ? diag_no_memory() : file_write(s->record, 0644, text.s, text.len);
}

static void print_failures(const struct session *s)
{
	const struct result *failures = result_find(s->result, "failures");

	for (size_t i = 0; i < diag_count() && diag_get(i); i++)
		console_log("error", diag_get(i)->scope, diag_get(i)->text);
	for (const struct result *f = failures ? failures->first : NULL; f; f = f->next)
		s->renderer->failure(&s->output, f);
}

int session_end(struct session *s, int r)
{
	enum diag_code code = r < 0 ? DIAG_INTERNAL : s->code;

	console_stop_progress();
	s->env.pool = pool_free(s->env.pool);
	if (r < 0 && diag_count())
		code = diag_get(0)->code;
	else if (r < 0)
		diag_fail(DIAG_INTERNAL, -r, "failed without saying why: %s", strerror(-r));
	fill_result(s, code);
	if (write_record(s) < 0 && diag_code_outcome(code) == OUTCOME_DONE)
		code = DIAG_FILE;
	if (s->result) {
		print_failures(s);
		s->renderer->end(&s->output, s->result);
	}
	s->result = result_free(s->result);
	console_close_log();
	return (int)diag_code_outcome(code);
}
