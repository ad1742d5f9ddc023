/* SPDX-License-Identifier: Apache-2.0 */
/* A medium without a table: volumes at fixed offsets, or behind each other. */
#include <errno.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/overflow.h"
#include "medium/allocate.h"
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

static int probe(struct medium *m, struct layout *layout, struct env *env)
{
	m->facts = arena_new(&layout->arena, struct medium_facts);
	if (!m->facts)
		return diag_no_memory();
	m->facts->capacity_bytes = env->target->size_bytes;
	m->facts->sector_bytes = env->target->sector_bytes;
	return 0;
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

const struct medium_ops medium_raw = {
    .name = "raw",
    .summary = "No table: volumes at fixed offsets, for boot ROMs and flash without partitions.",
    .provides = PLACE_RAW,
    .options = options,
    .probe = probe,
    .allocate = allocate,
    .least_bytes = least_bytes,
};
