/* SPDX-License-Identifier: Apache-2.0 */
/* What went wrong: kept in one list for the whole process, with the speaking thread's scope. */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"

#define RECORDS_MAX 64

static struct {
	pthread_mutex_t lock;
	struct diag_record records[RECORDS_MAX];
	const void *threads[RECORDS_MAX]; /* whose each is: address of the thread's "last" */
	size_t n;
	diag_sink_fn sink;
	void *sink_ctx;
} all = {.lock = PTHREAD_MUTEX_INITIALIZER};

static _Thread_local char scope[256];
static _Thread_local size_t scope_length;
static _Thread_local struct diag_record *last; /* that this thread recorded */

static const struct {
	const char *text;
	enum outcome outcome;
	const char *help;
} codes[] = {
#define X(symbol, text, outcome, help) [symbol] = {text, outcome, help},
    DIAG_CODES(X)
#undef X
};

const char *diag_code_text(enum diag_code code)
{
	return codes[code].text;
}

enum outcome diag_code_outcome(enum diag_code code)
{
	return codes[code].outcome;
}

const char *diag_code_help(enum diag_code code)
{
	return codes[code].help;
}

static int record(enum diag_code code, int err, const char *fmt, va_list args)
    __attribute__((format(printf, 3, 0)));
static int record(enum diag_code code, int err, const char *fmt, va_list args)
{
	pthread_mutex_lock(&all.lock);
	last = all.n < RECORDS_MAX ? &all.records[all.n++] : NULL;
	if (last) {
		all.threads[last - all.records] = &last;
		*last = (struct diag_record){.code = code};
		memcpy(last->scope, scope, sizeof(scope));
		vsnprintf(last->text, sizeof(last->text), fmt, args);
	}
	pthread_mutex_unlock(&all.lock);
	return err ? -abs(err) : -EINVAL;
}

int diag_fail(enum diag_code code, int err, const char *fmt, ...)
{
	va_list args;
	int r;

	va_start(args, fmt);
	r = record(code, err, fmt, args);
	va_end(args);
	return r;
}

int diag_no_memory(void)
{
	return diag_fail(DIAG_NO_MEMORY, ENOMEM, "out of memory");
}

/* What an errno means whatever it was that failed; DIAG_OK: nothing in particular. */
static enum diag_code common_code(int err)
{
	switch (err) {
	case ENOMEM:
		return DIAG_NO_MEMORY;
	case ENOSPC:
	case EDQUOT:
		return DIAG_NO_SPACE;
	case EROFS:
		return DIAG_READ_ONLY;
	case EACCES:
	case EPERM:
		return DIAG_PERMISSION;
	case ECANCELED:
		return DIAG_SIGNAL;
	default:
		return DIAG_OK;
	}
}

int diag_io(int err, const char *what)
{
	enum diag_code code = common_code(err);

	if (err == ENODATA)
		return diag_fail(DIAG_TARGET_SIZE, err, "%s: it has become smaller", what);
	if (code == DIAG_OK)
		code = err == ENOENT ? DIAG_NO_TARGET : err == EWOULDBLOCK ? DIAG_BUSY : DIAG_IO;
	return diag_fail(code, err, "%s: %s", what, strerror(err));
}

int diag_file(int err, const char *what)
{
	enum diag_code code = common_code(err);

	return diag_fail(code == DIAG_OK || code == DIAG_READ_ONLY ? DIAG_FILE : code, err,
			 "%s: %s", what, strerror(err));
}

void diag_state(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (last)
		vsnprintf(last->state, sizeof(last->state), fmt, args);
	va_end(args);
}

void diag_next(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (last)
		vsnprintf(last->next, sizeof(last->next), fmt, args);
	va_end(args);
}

static void say(enum diag_level level, const char *fmt, va_list args)
    __attribute__((format(printf, 2, 0)));
static void say(enum diag_level level, const char *fmt, va_list args)
{
	char text[1024];

	vsnprintf(text, sizeof(text), fmt, args);
	pthread_mutex_lock(&all.lock);
	if (all.sink)
		all.sink(all.sink_ctx, level, scope, text);
	pthread_mutex_unlock(&all.lock);
}

void diag_warn(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(DIAG_WARN, fmt, args);
	va_end(args);
}

void diag_note(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(DIAG_NOTE, fmt, args);
	va_end(args);
}

void diag_set_sink(diag_sink_fn sink, void *ctx)
{
	pthread_mutex_lock(&all.lock);
	all.sink = sink;
	all.sink_ctx = ctx;
	pthread_mutex_unlock(&all.lock);
}

size_t diag_count(void)
{
	size_t n;

	pthread_mutex_lock(&all.lock);
	n = all.n;
	pthread_mutex_unlock(&all.lock);
	return n;
}

const struct diag_record *diag_get(size_t index)
{
	return index < diag_count() ? &all.records[index] : NULL;
}

void diag_forget(size_t mark)
{
	pthread_mutex_lock(&all.lock);
	if (mark < all.n)
		all.n = mark;
	last = NULL; /* or what this thread recorded before: more can be said of that again */
	for (size_t i = all.n; i > 0 && !last; i--)
		last = all.threads[i - 1] == &last ? &all.records[i - 1] : NULL;
	pthread_mutex_unlock(&all.lock);
}

/* The text from @from on is the innermost scope, which ends at @before, again. */
static bool is_repeated(size_t before, size_t from)
{
	size_t n = scope_length - from;

	return before >= n && memcmp(scope + before - n, scope + from, n) == 0 &&
	       (before == n || scope[before - n - 1] == ' ');
}

struct diag_scope diag_scope_enter(const char *fmt, ...)
{
	struct diag_scope before = {.length_before = scope_length};
	va_list args;
	size_t from;
	int n;

	if (scope_length && scope_length < sizeof(scope) - 3) {
		memcpy(scope + scope_length, ": ", 3);
		scope_length += 2;
	}
	from = scope_length;
	va_start(args, fmt);
	n = vsnprintf(scope + scope_length, sizeof(scope) - scope_length, fmt, args);
	va_end(args);
	scope_length = n < 0 ? scope_length : strlen(scope);
	if (is_repeated(before.length_before, from))
		diag_scope_leave(&before);
	return before;
}

void diag_scope_leave(struct diag_scope *left)
{
	scope_length = left->length_before;
	scope[scope_length] = 0;
}
