/* SPDX-License-Identifier: Apache-2.0 */
/* The executor: order of flush and record, what is run again after a cut and what is not. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/io.h"
#include "engine/execute.h"
#include "lib/check.h"

#define STEPS 4
#define WORK  1001 /* not a multiple of a checkpoint's pieces */

/* A journal in memory that may fail, and a device that counts what has reached it. */
static struct {
	struct journal journal;
	struct journal_record last[STEPS];
	bool has[STEPS];
	int cut_after; /* appends until the power goes; -1: never */
} memory;
static int effects[STEPS];
static uint64_t written, durable;
static bool once_happened, order_broken;
static atomic_bool cancelled;

/* What need not be durable is lost. */
static int mem_append(struct journal *j, const struct journal_record *r, bool flushed)
{
	if (memory.cut_after == 0)
		return -EIO;
	if (memory.cut_after > 0)
		memory.cut_after--;
	if (r->phase == JOURNAL_DONE && durable != written)
		order_broken = true;
	if (r->phase == JOURNAL_CURSOR && r->cursor >> 24 > durable)
		order_broken = true;
	if (!flushed)
		return 0;
	memory.last[r->step] = *r;
	memory.has[r->step] = true;
	return 0;
}

static int mem_last(struct journal *j, uint32_t step, struct journal_record *ret)
{
	*ret = memory.last[step];
	return memory.has[step];
}

static const struct journal_ops mem_ops = {.append = mem_append, .last = mem_last};

static int dev_read(struct io *io, void *buf, size_t len, uint64_t offset)
{
	return -EIO;
}

static int dev_write(struct io *io, const void *buf, size_t len, uint64_t offset)
{
	return -EIO;
}

static int dev_flush(struct io *io)
{
	durable = written;
	return 0;
}

static const struct io_ops dev_ops = {.read = dev_read, .write = dev_write, .flush = dev_flush};
static struct io device = {.ops = &dev_ops, .name = "device", .size_bytes = 4096};

static int run_redo(const struct step *s, struct job *job, struct cursor *c)
{
	effects[0]++;
	return 0;
}

static int run_cursor(const struct step *s, struct job *job, struct cursor *c)
{
	for (uint64_t at = c->start >> 24; at < WORK; at++) {
		int r;

		written = at + 1;
		effects[1]++;
		r = cursor_done(c, (at + 1) << 24); /* 16 MiB a piece: a checkpoint every four */
		if (r < 0)
			return r;
	}
	return 0;
}

static int run_once(const struct step *s, struct job *job, struct cursor *c)
{
	effects[2]++;
	once_happened = true;
	return 0;
}

static int once_did(const struct step *s, struct job *job)
{
	return once_happened;
}

static int run_session(const struct step *s, struct job *job, struct cursor *c)
{
	effects[3]++;
	return 0;
}

static const struct step_ops ops[STEPS] = {
    {"redo", STEP_REDO, run_redo, NULL},
    {"cursor", STEP_CURSOR, run_cursor, NULL},
    {"once", STEP_ONCE, run_once, once_did},
    {"session", STEP_SESSION, run_session, NULL},
};

static struct plan *make_plan(bool with_cursor)
{
	static struct layout layout;
	struct plan *p = plan_new(&layout, INTENT_PROVISION);

	for (int i = 0; i < STEPS; i++) {
		const struct step s = {.ops = &ops[i == 1 && !with_cursor ? 0 : i], .subject = "x"};

		assert_ok(plan_add(p, &s));
	}
	return p;
}

static int set_up(void **state)
{
	memset(&memory, 0, sizeof(memory));
	memset(effects, 0, sizeof(effects));
	memory.journal.ops = &mem_ops;
	memory.cut_after = -1;
	written = durable = 0;
	once_happened = order_broken = false;
	atomic_store(&cancelled, false);
	diag_forget(0);

	return 0;
}

static int run(struct plan *p)
{
	static struct progress progress;
	struct env env = {.progress = &progress, .cancel = &cancelled};
	struct job job = {.env = &env, .target = &device};

	return execute(p, &job, &memory.journal, NULL);
}

static void everything_is_run_once(void **state)
{
	struct plan *p = make_plan(true);

	assert_ok(run(p));
	assert_int_equal(effects[0], 1);
	assert_int_equal(effects[1], WORK);
	assert_int_equal(effects[2], 1);
	assert_int_equal(effects[3], 1);
	assert_ok(run(p));
	assert_int_equal(effects[0], 1);
	assert_int_equal(effects[2], 1);
	assert_false(order_broken);
	assert_int_equal(effects[3], 2); /* a session is gone at power-off */
	plan_free(p);
}

/* The power goes at each append in turn: what is irreversible happens once. */
static void once_is_once_wherever_the_cut(void **state)
{
	for (int cut = 0; cut < 12; cut++) {
		struct plan *p = make_plan(false);

		set_up(NULL);
		memory.cut_after = cut;
		run(p);
		memory.cut_after = -1;
		diag_forget(0);
		assert_ok(run(p));
		assert_int_equal(effects[2], 1);
		assert_true(effects[0] >= 1 && effects[0] <= 4);
		plan_free(p);
	}
}

/* The power goes in a step with a cursor: it goes on where the journal has it, not earlier or
 * later.
 */
static void a_step_goes_on_at_its_last_checkpoint(void **state)
{
	for (int cut = 3; cut < 12; cut++) { /* BEGIN and DONE of the first step, BEGIN */
		struct plan *p = make_plan(true);
		int before;

		set_up(NULL);
		memory.cut_after = cut;
		assert_int_equal(run(p), -EIO);
		assert_int_equal(memory.has[1], cut > 3);
		assert_int_equal(memory.last[1].cursor, 4ULL * (unsigned)(cut - 3) << 24);
		before = effects[1];
		assert_int_equal(before, 4 * (cut - 2)); /* the checkpoint that failed */
		memory.cut_after = -1;
		diag_forget(0);
		assert_int_equal(run(p), 0);
		assert_int_equal(effects[1] - before, WORK - 4 * (cut - 3));
		assert_false(order_broken);
		plan_free(p);
	}
}

static void a_signal_stops_between_steps(void **state)
{
	struct plan *p = make_plan(false);

	atomic_store(&cancelled, true);
	assert_int_equal(run(p), -ECANCELED);
	assert_int_equal(diag_get(0)->code, DIAG_SIGNAL);
	assert_int_equal(effects[0], 0);
	plan_free(p);
}

static void a_once_that_cannot_be_asked_is_refused(void **state)
{
	static const struct step_ops bad = {"bad", STEP_ONCE, run_once, NULL};
	static struct layout layout;
	struct plan *p = plan_new(&layout, INTENT_PROVISION);
	const struct step s = {.ops = &bad, .subject = "x"};

	assert_int_equal(plan_add(p, &s), -EINVAL);
	assert_int_equal(diag_get(0)->code, DIAG_INTERNAL);
	plan_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(everything_is_run_once, set_up),
	    cmocka_unit_test_setup(once_is_once_wherever_the_cut, set_up),
	    cmocka_unit_test_setup(a_step_goes_on_at_its_last_checkpoint, set_up),
	    cmocka_unit_test_setup(a_signal_stops_between_steps, set_up),
	    cmocka_unit_test_setup(a_once_that_cannot_be_asked_is_refused, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
