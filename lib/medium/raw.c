/* SPDX-License-Identifier: Apache-2.0 */
/* A medium without a table: volumes at fixed offsets, or one after another. */
#include <errno.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/overflow.h"
#include "medium/allocate.h"
#include "medium/foreign.h"
#include "medium/registry.h"

enum { SIZE, ALIGN };
static const struct option_spec options[] = {
    [SIZE] = {"size", OPTION_SIZE, .min = 1024 * 1024,
	      .help = "Of an image file that is to be made"},
    [ALIGN] = {"align", OPTION_SIZE, "1M", 4096, 1ULL << 30, .power_of_2 = true,
	       .help = "Volumes begin at multiples of it"},
    {0},
};

static struct space space_of(const struct medium *m, uint64_t capacity)
{
	return (struct space){.end_bytes = capacity, .align_bytes = m->values[ALIGN].number};
}

static uint64_t image_bytes(const struct medium *m)
{
	return m->values[SIZE].number;
}

/* holdfast writes no table here: whatever libblkid recognises is foreign. */
static int probe(struct job *job, struct medium_facts *ret)
{
	int r;

	ret->capacity_bytes = job->target->size_bytes;
	ret->sector_bytes = job->target->sector_bytes;
	r = foreign_find(job->target, &ret->arena, &ret->foreign);
	ret->table = ret->foreign ? TABLE_FOREIGN : TABLE_NONE;
	return r;
}

static int allocate(const struct medium *m, struct plan *p)
{
	struct space space = space_of(m, p->capacity_bytes);

	return allocate_all(p->requests, p->n_requests, &space);
}

static uint64_t least_bytes(const struct medium *m, const struct plan *p)
{
	struct space space = space_of(m, 0);

	return round_up(allocate_least(p, &space), m->values[ALIGN].number);
}

/* An old partition table would make partitions over the volumes. */
static int run_retire(const struct step *s, struct job *job, struct cursor *cursor)
{
	return foreign_clear(job->target, &s->layout->vault.extent);
}

static const struct step_ops retire_step = {"retire old signatures", STEP_REDO, run_retire, NULL};

static int plan_retire(const struct medium *m, struct plan *p)
{
	const struct step step = {.ops = &retire_step, .subject = m->name};

	return plan_add(p, &step);
}

const struct medium_ops medium_raw = {
    .name = "raw",
    .summary = "No table: volumes at fixed offsets, for boot ROMs and flash without partitions.",
    .provides = PLACE_RAW,
    .options = options,
    .image_bytes = image_bytes,
    .probe = probe,
    .allocate = allocate,
    .least_bytes = least_bytes,
    .plan_retire = plan_retire,
};
