/* SPDX-License-Identifier: Apache-2.0 */
/* Workers that share out numbered pieces of work. The caller's thread only waits. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

#include "base/diag.h"
#include "base/pool.h"

#define WORKERS_MAX 256

struct worker {
	struct pool *pool;
	unsigned index;
	pthread_t thread;
};

struct pool {
	pthread_mutex_t lock;
	pthread_cond_t begin, end;
	struct worker *workers;
	unsigned n;
	/* One job at a time; under the lock. */
	pool_fn fn;
	void *ctx;
	const atomic_bool *cancel;
	uint64_t next, last;
	unsigned busy;
	int result;
	bool quit;
};

/* Is there a piece to begin? */
static bool has_work(const struct pool *p)
{
	return p->result == 0 && p->next < p->last;
}

static void work(struct pool *p, unsigned index)
{
	uint64_t piece = p->next++;
	bool stop = p->cancel && atomic_load_explicit(p->cancel, memory_order_relaxed);
	int r;

	p->busy++;
	pthread_mutex_unlock(&p->lock);
	r = stop ? -ECANCELED : p->fn(p->ctx, piece, index);
	pthread_mutex_lock(&p->lock);
	if (r < 0 && p->result == 0)
		p->result = r;
	if (--p->busy == 0 && !has_work(p))
		pthread_cond_signal(&p->end);
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	struct pool *p = w->pool;

	pthread_mutex_lock(&p->lock);
	while (!p->quit) {
		if (has_work(p))
			work(p, w->index);
		else
			pthread_cond_wait(&p->begin, &p->lock);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

static unsigned processors(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	return (unsigned)CPU_COUNT(&set);
}

int pool_new(unsigned workers, struct pool **ret)
{
	unsigned n = workers ? workers : processors();
	struct pool *p = calloc(1, sizeof(*p));
	sigset_t all, before;

	n = n < 1 ? 1 : n > WORKERS_MAX ? WORKERS_MAX : n;
	if (p)
		p->workers = calloc(n, sizeof(*p->workers));
	if (!p || !p->workers) {
		free(p);
		return diag_no_memory();
	}
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->begin, NULL);
	pthread_cond_init(&p->end, NULL);
	sigfillset(&all); /* signals are for the thread that waits */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (; p->n < n; p->n++) {
		struct worker *w = &p->workers[p->n];

		*w = (struct worker){.pool = p, .index = p->n};
		if (pthread_create(&w->thread, NULL, worker_main, w))
			break;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (p->n == 0) {
		pool_free(p);
		return diag_fail(DIAG_NO_MEMORY, EAGAIN, "cannot start a worker thread");
	}
	*ret = p;
	return 0;
}

struct pool *pool_free(struct pool *pool)
{
	if (!pool)
		return NULL;
	pthread_mutex_lock(&pool->lock);
	pool->quit = true;
	pthread_cond_broadcast(&pool->begin);
	pthread_mutex_unlock(&pool->lock);
	for (unsigned i = 0; i < pool->n; i++)
		pthread_join(pool->workers[i].thread, NULL);
	pthread_cond_destroy(&pool->begin);
	pthread_cond_destroy(&pool->end);
	pthread_mutex_destroy(&pool->lock);
	free(pool->workers);
	free(pool);
	return NULL;
}

unsigned pool_workers(const struct pool *pool)
{
	return pool->n;
}

int pool_run(struct pool *pool, uint64_t first, uint64_t end, pool_fn fn, void *ctx,
	     const atomic_bool *cancel)
{
	int r;

	if (first >= end)
		return 0;
	pthread_mutex_lock(&pool->lock);
	pool->fn = fn;
	pool->ctx = ctx;
	pool->cancel = cancel;
	pool->next = first;
	pool->last = end;
	pool->result = 0;
	pthread_cond_broadcast(&pool->begin);
	while (pool->busy > 0 || has_work(pool))
		pthread_cond_wait(&pool->end, &pool->lock);
	r = pool->result;
	pool->next = pool->last = 0;
	pthread_mutex_unlock(&pool->lock);
	return r;
}
