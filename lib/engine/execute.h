/* SPDX-License-Identifier: Apache-2.0 */
/* The one loop in the program that runs plans. Knows no kind. */
#ifndef HOLDFAST_ENGINE_EXECUTE_H
#define HOLDFAST_ENGINE_EXECUTE_H

#include "model/journal.h"
#include "model/plan.h"

/* Told about every step, for words and JSON. */
struct execute_events {
	void (*begin)(void *ctx, const struct plan *p, size_t index, uint64_t resumed_at);
	void (*done)(void *ctx, const struct plan *p, size_t index, bool skipped);
	void *ctx;
};

/*
 * Runs the steps that the journal does not have as done. Order, always: flush target → append
 * record → flush journal. -ECANCELED when job->env->cancel was set (HF-SIGNAL), -errno when a step
 * failed.
 * @journal NULL: progress is not recorded (sessions, repairs of a vault itself).
 */
int execute(const struct plan *plan, struct job *job, struct journal *journal,
	    const struct execute_events *events);

#endif
