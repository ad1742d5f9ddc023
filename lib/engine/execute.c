/* SPDX-License-Identifier: Apache-2.0 */
/* The one loop in the program that runs plans. The order is always: flush target, append
 * record, flush. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/diag.h"
#include "base/io.h"
#include "engine/execute.h"
#include "model/layer.h"

#define CHECKPOINT_BYTES   (64ULL * 1024 * 1024)
#define CHECKPOINT_SECONDS 2

struct running {
	struct cursor cursor; /* first: what the step gets */
	struct job *job;
	struct journal *journal;
	uint32_t step;
	uint64_t recorded; /* cursor of the last checkpoint */
	time_t recorded_at;
};

static time_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

static int append(struct journal *journal, uint32_t step, enum journal_phase phase, uint64_t cursor,
		  bool durable)
{
	const struct journal_record record = {.step = step, .phase = phase, .cursor = cursor};

	return journal ? journal->ops->append(journal, &record, durable) : 0;
}

static int flush(struct job *job)
{
	int r = io_flush(job->target);

	return r < 0 ? io_fail(job->target, r, "flushing", 0, job->target->size_bytes) : 0;
}

/* Everything below @done is written. Now and then it is made durable and recorded. */
static int checkpoint(struct cursor *c, uint64_t done)
{
	struct running *run = (struct running *)c;
	bool cancelled = env_cancelled(run->job->env);
	int r;

	env_tick(run->job->env);
	if (!cancelled && done - run->recorded < CHECKPOINT_BYTES &&
	    now() - run->recorded_at < CHECKPOINT_SECONDS)
		return 0;
	r = flush(run->job);
	if (r >= 0)
		r = append(run->journal, run->step, JOURNAL_CURSOR, done, true);
	if (r < 0)
		return r;
	run->recorded = done;
	run->recorded_at = now();
	return cancelled ? diag_fail(DIAG_SIGNAL, ECANCELED, "stopped by a signal") : 0;
}

static int run_step(const struct step *s, uint32_t index, uint64_t start, struct job *job,
		    struct journal *journal)
{
	struct running run = {
	    .cursor = {.start = start, .checkpoint = checkpoint},
	    .job = job,
	    .journal = journal,
	    .step = index,
	    .recorded = start,
	    .recorded_at = now(),
	};
	int r;

	if (s->ops->effect == STEP_CURSOR)
		r = s->ops->run(s, job, &run.cursor);
	else
		r = s->ops->run(s, job, NULL);
	if (r >= 0)
		r = flush(job);
	return r < 0 ? r : append(journal, index, JOURNAL_DONE, 0, true);
}

/* What the journal has of a step: 1 it is done, 0 run it from *@ret_start, -errno. */
static int look_up(const struct step *s, uint32_t index, struct job *job, struct journal *journal,
		   uint64_t *ret_start)
{
	struct journal_record record;
	int r;

	*ret_start = 0;
	if (!journal || s->ops->effect == STEP_SESSION)
		return 0;
	r = journal->ops->last(journal, index, &record);
	if (r <= 0)
		return r;
	if (record.phase == JOURNAL_DONE)
		return 1;
	if (record.phase == JOURNAL_CURSOR && s->ops->effect == STEP_CURSOR)
		*ret_start = record.cursor;
	if (s->ops->effect != STEP_ONCE)
		return 0;
	r = s->ops->happened(s, job); /* it was begun: did it take place? */
	if (r != 1)
		return r;
	r = append(journal, index, JOURNAL_DONE, 0, true);
	return r < 0 ? r : 1;
}

static int stopped(const struct plan *plan, size_t index)
{
	int r = diag_fail(DIAG_SIGNAL, ECANCELED, "stopped by a signal before step %zu of %zu",
			  index + 1, plan->steps.n);

	diag_state("what is done stays done");
	diag_next("run the same command again: it goes on from here");
	return r;
}

/* diag_state() and diag_next() complete the failure that this thread recorded last. */
static int explain(int r, const struct plan *plan, size_t index)
{
	const struct diag_record *last = diag_count() ? diag_get(diag_count() - 1) : NULL;
	char first[sizeof(last->next)];

	snprintf(first, sizeof(first), "%s", last ? last->next : "");
	if (index)
		diag_state("steps 1 to %zu of %zu are done and stay done", index, plan->steps.n);
	else
		diag_state("no step of %zu is done", plan->steps.n);
	if (!strstr(first, "the same command again"))
		diag_next("%s%s run the same command again: it goes on from here",
			  *first ? first : "when the cause is gone", *first ? ", then" : ",");
	return r;
}

int execute(const struct plan *plan, struct job *job, struct journal *journal,
	    const struct execute_events *events)
{
	for (size_t i = 0; i < plan->steps.n; i++) {
		const struct step *s = &plan->steps.v[i];
		uint64_t start;
		int done, r = 0;

		DIAG_SCOPE("step %zu: %s: %s%s%s", i + 1, s->subject,
			   s->layer ? s->layer->ops->name : "", s->layer ? ": " : "", s->ops->name);
		if (env_cancelled(job->env))
			return stopped(plan, i);
		done = look_up(s, (uint32_t)i, job, journal, &start);
		if (done < 0)
			return done;
		env_begin(job->env, s->ops->name, s->work_bytes);
		if (events && events->begin && !done)
			events->begin(events->ctx, plan, i, start);
		/* Only what must not be done twice needs a durable record that it was begun:
		 * without one all others start again from the beginning. */
		if (!done && start == 0 && s->ops->effect != STEP_SESSION)
			r = append(journal, (uint32_t)i, JOURNAL_BEGIN, 0,
				   s->ops->effect == STEP_ONCE);
		if (!done && r >= 0)
			r = run_step(s, (uint32_t)i, start, job, journal);
		if (r < 0)
			return explain(r, plan, i);
		if (events && events->done)
			events->done(events->ctx, plan, i, done);
	}
	return 0;
}
