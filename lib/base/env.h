/* SPDX-License-Identifier: Apache-2.0 */
/* What a running operation may use: workers, progress, cancellation, random numbers, work files. */
#ifndef HOLDFAST_BASE_ENV_H
#define HOLDFAST_BASE_ENV_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/watchdog.h"

struct io;
struct pool;
struct key_input;

/* What the bar shows. Writers add; the ticker reads. Both may be 0 (unknown). */
struct progress {
	_Atomic uint64_t done_bytes;
	_Atomic uint64_t total_bytes;
	_Atomic(const char *) doing; /* static or plan-lifetime text: "root: verity: hash tree" */
};

struct env {
	struct pool *pool;                    /* -j N */
	struct progress *progress;            /* never NULL */
	const atomic_bool *cancel;            /* set by a signal; never NULL */
	int (*random)(void *buf, size_t len); /* 0 or -errno; tests replace it */
	struct watchdog *watchdog;            /* or NULL: see env_tick() */
	const char *work_dir;                 /* where O_TMPFILE files go */
	struct io *(*wrap_target)(
	    struct io *io);            /* tests put a failing device in between; or NULL */
	const struct key_input *input; /* where passphrases come from, or NULL */
};

/* True once the operation should stop at the next safe point; the caller returns -ECANCELED. */
static inline bool env_cancelled(const struct env *env)
{
	return atomic_load_explicit(env->cancel, memory_order_relaxed);
}

static inline void env_progress(struct env *env, uint64_t bytes)
{
	atomic_fetch_add_explicit(&env->progress->done_bytes, bytes, memory_order_relaxed);
}

/* Starts a new bar. @doing must outlive it. */
static inline void env_begin(struct env *env, const char *doing, uint64_t total_bytes)
{
	atomic_store(&env->progress->done_bytes, 0);
	atomic_store(&env->progress->total_bytes, total_bytes);
	atomic_store(&env->progress->doing, doing);
}

/* Long work has got further. Called at least every second, never where nothing has moved: a
 * watchdog shall end what hangs. */
static inline void env_tick(struct env *env)
{
	if (env->watchdog)
		watchdog_tick(env->watchdog);
}

/* An unlinked work file of @size bytes (sparse) in env->work_dir. 0, or -errno with a message. */
int env_work_file(struct env *env, const char *name, uint64_t size_bytes, struct io **ret);

#endif
