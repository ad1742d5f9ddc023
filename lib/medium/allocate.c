/* SPDX-License-Identifier: Apache-2.0 */
/* Finding room: fixed places first, then the others one after another, last what fills the rest. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/overflow.h"
#include "base/text.h"
#include "format/gpt.h"
#include "medium/allocate.h"
#include "model/layer.h"

#define GRANULE 4096 /* sizes are rounded up to it: every sector size divides it */

static bool is_placed(const struct request *r)
{
	return r->placed.size_bytes > 0;
}

/* What a range would overlap. */
struct obstacle {
	struct extent extent; /* size 0: nothing */
	const char *what;
};

static struct obstacle obstacle(const struct request *requests, size_t n, const struct space *space,
				const struct request *self, uint64_t offset, uint64_t size)
{
	for (size_t i = 0; i < space->n_reserved; i++) {
		const struct extent *e = &space->reserved[i];

		if (ranges_overlap(offset, size, e->offset_bytes, e->size_bytes))
			return (struct obstacle){*e, "the partition table"};
	}
	for (size_t i = 0; i < n; i++) {
		const struct request *r = &requests[i];

		if (r != self && is_placed(r) &&
		    ranges_overlap(offset, size, r->placed.offset_bytes, r->placed.size_bytes))
			return (struct obstacle){r->placed, r->what};
	}
	return (struct obstacle){0};
}

static uint64_t end_of(const struct extent *e)
{
	return e->offset_bytes + e->size_bytes;
}

static uint64_t first_of(const struct request *r, const struct space *space)
{
	return r->in_table ? space->first_bytes : 0;
}

/* Entries end and begin with blocks that every sector size divides; areas of boot ROMs need not. */
static uint64_t granule_of(const struct request *r)
{
	return r->in_table ? GRANULE : 512;
}

static int misaligned(const struct request *r)
{
	uint64_t granule = granule_of(r);
	char at[WHERE_SIZE], below[SIZE_TEXT_SIZE], above[SIZE_TEXT_SIZE];

	size_print_exact(round_down(r->offset_bytes, granule), below);
	size_print_exact(round_up(r->offset_bytes, granule), above);
	return diag_fail(DIAG_LAYOUT_SPACE, EINVAL,
			 "%s%s: offset %" PRIu64 " is not a multiple of %" PRIu64
			 "; write offset = %s or %s%s",
			 where_text(&r->where, at), r->what, r->offset_bytes, granule, below, above,
			 r->in_table ? ", or in-table = false" : "");
}

static int outside(const struct request *r, const struct space *space, uint64_t size)
{
	char at[WHERE_SIZE], first[SIZE_TEXT_SIZE];

	where_text(&r->where, at);
	size_print_exact(round_up(first_of(r, space), granule_of(r)), first);
	if (r->offset_bytes < first_of(r, space))
		return diag_fail(DIAG_LAYOUT_SPACE, ENOSPC,
				 "%s%s: offset %" PRIu64 " lies in the partition table; write "
				 "offset = %s or more",
				 at, r->what, r->offset_bytes, first);
	return diag_fail(DIAG_LAYOUT_SPACE, ENOSPC,
			 "%s%s: %" PRIu64 " bytes at %" PRIu64 " end behind byte %" PRIu64
			 ", where the room for partitions ends; make it smaller or move it",
			 at, r->what, size, r->offset_bytes, space->end_bytes);
}

static int place_fixed(struct request *requests, size_t n, const struct space *space,
		       struct request *r)
{
	uint64_t size = round_up(r->size_bytes, granule_of(r));
	struct obstacle o;
	char at[WHERE_SIZE], behind[SIZE_TEXT_SIZE];

	if (r->offset_bytes % granule_of(r))
		return misaligned(r);
	if (r->offset_bytes < first_of(r, space) ||
	    !range_inside(r->offset_bytes, size, space->end_bytes))
		return outside(r, space, size);
	o = obstacle(requests, n, space, r, r->offset_bytes, size);
	if (o.extent.size_bytes) {
		size_print_exact(round_up(end_of(&o.extent), granule_of(r)), behind);
		return diag_fail(DIAG_LAYOUT_SPACE, EINVAL,
				 "%s%s (%" PRIu64 " bytes at %" PRIu64 ") overlaps %s (%" PRIu64
				 " bytes at %" PRIu64 "); move one of them: behind it is offset "
				 "= %s",
				 where_text(&r->where, at), r->what, size, r->offset_bytes, o.what,
				 o.extent.size_bytes, o.extent.offset_bytes, behind);
	}
	r->placed = (struct extent){r->offset_bytes, size};
	return 0;
}

/* The first gap that holds it; false when there is none. */
static bool find_gap(const struct request *requests, size_t n, const struct space *space,
		     struct request *r, uint64_t size)
{
	uint64_t align = max_u64(space->align_bytes, r->align_bytes);
	uint64_t at = round_up(space->first_bytes, align);

	while (range_inside(at, size, space->end_bytes)) {
		struct obstacle o = obstacle(requests, n, space, r, at, size);

		if (!o.extent.size_bytes) {
			r->placed = (struct extent){at, size};
			return true;
		}
		at = round_up(end_of(&o.extent), align);
	}
	return false;
}

static uint64_t free_bytes(const struct request *requests, size_t n, const struct space *space)
{
	uint64_t used = 0, room = space->end_bytes - min_u64(space->first_bytes, space->end_bytes);

	for (size_t i = 0; i < n; i++)
		used += requests[i].placed.size_bytes;
	return room > used ? room - used : 0;
}

static int no_room(const struct request *requests, size_t n, const struct space *space,
		   const struct request *r, uint64_t size)
{
	char at[WHERE_SIZE];

	return diag_fail(DIAG_LAYOUT_SPACE, ENOSPC,
			 "%s%s needs %" PRIu64 " bytes in one piece, but of the medium's %" PRIu64
			 " about %" PRIu64 " are left; make it or another one smaller",
			 where_text(&r->where, at), r->what, size, space->end_bytes,
			 free_bytes(requests, n, space));
}

/* The largest gap, for the one that takes what is left. */
static int place_fill(struct request *requests, size_t n, const struct space *space,
		      struct request *r)
{
	uint64_t align = max_u64(space->align_bytes, r->align_bytes);
	uint64_t at = round_up(space->first_bytes, align);
	struct extent best = {0};

	while (at < space->end_bytes) {
		struct obstacle o = obstacle(requests, n, space, r, at, 1);
		uint64_t end = space->end_bytes;

		if (o.extent.size_bytes) {
			at = round_up(end_of(&o.extent), align);
			continue;
		}
		for (size_t i = 0; i < n; i++) {
			const struct extent *e = &requests[i].placed;

			if (&requests[i] != r && e->size_bytes && e->offset_bytes > at)
				end = min_u64(end, e->offset_bytes);
		}
		end = round_down(end, GRANULE);
		if (end > at && end - at > best.size_bytes)
			best = (struct extent){at, end - at};
		at = round_up(end + 1, align);
	}
	if (best.size_bytes < max_u64(r->size_bytes, GRANULE))
		return no_room(requests, n, space, r, max_u64(r->size_bytes, GRANULE));
	r->placed = best;
	return 0;
}

static int one_fill_only(const struct request *first, const struct request *second)
{
	char at[WHERE_SIZE];

	return diag_fail(
	    DIAG_LAYOUT_SPACE, EINVAL,
	    "%s%s: size = \"fill\", but %s fills already; only one can take what is left",
	    where_text(&second->where, at), second->what, first->what);
}

int allocate_all(struct request *requests, size_t n, const struct space *space)
{
	struct request *fill = NULL;
	int r = 0;

	for (size_t i = 0; i < n && r >= 0; i++) {
		if (requests[i].has_offset)
			r = place_fixed(requests, n, space, &requests[i]);
	}
	for (size_t i = 0; i < n && r >= 0; i++) {
		struct request *q = &requests[i];
		uint64_t size = round_up(q->size_bytes, GRANULE);

		if (is_placed(q))
			continue;
		if (q->fill && fill)
			r = one_fill_only(fill, q);
		else if (q->fill)
			fill = q;
		else if (!find_gap(requests, n, space, q, size))
			r = no_room(requests, n, space, q, size);
	}
	return r >= 0 && fill ? place_fill(requests, n, space, fill) : r;
}

uint64_t allocate_least(const struct plan *p, const struct space *space)
{
	_cleanup_free_ struct request *copy = malloc(sizeof(p->requests));
	struct space endless = *space;
	uint64_t end = 0;

	if (!copy)
		return 0;
	memcpy(copy, p->requests, sizeof(p->requests));
	endless.end_bytes = UINT64_MAX / 8;
	for (size_t i = 0; i < p->n_requests; i++) {
		if (copy[i].fill)
			copy[i].size_bytes = max_u64(copy[i].size_bytes, GRANULE);
		copy[i].fill = false;
	}
	if (allocate_all(copy, p->n_requests, &endless) < 0)
		return 0;
	for (size_t i = 0; i < p->n_requests; i++)
		end = max_u64(end, copy[i].placed.offset_bytes + copy[i].placed.size_bytes);
	return end;
}

/* --- entries of a table --- */

static int twice(const struct request *a, const struct request *b, const char *what,
		 const char *value, const char *next)
{
	char at[WHERE_SIZE];

	return diag_fail(DIAG_LAYOUT_SPACE, EINVAL, "%s%s and %s have the same partition %s %s; %s",
			 where_text(&b->where, at), b->what, a->what, what, value, next);
}

static int check_pair(const struct request *a, const struct request *b)
{
	char text[UUID_TEXT_SIZE];

	if (strcmp(a->label, b->label) == 0)
		return twice(a, b, "label", b->label, "write another label = … into one of them");
	if (!uuid_is_nil(&a->uuid) && uuid_equal(&a->uuid, &b->uuid)) {
		uuid_print(&b->uuid, text);
		return twice(a, b, "UUID", text,
			     "rename one of the volumes, or take its seed away");
	}
	if (a->number && a->number == b->number) {
		snprintf(text, sizeof(text), "%u", b->number);
		return twice(a, b, "number", text, "write another number = … into one of them");
	}
	return 0;
}

static bool number_taken(const struct request *requests, size_t n, unsigned number)
{
	for (size_t i = 0; i < n; i++) {
		if (requests[i].in_table && requests[i].number == number)
			return true;
	}
	return false;
}

static void number_one(struct request *requests, size_t n, struct request *r)
{
	unsigned number = 1;

	if (!r->in_table || r->number)
		return;
	while (number_taken(requests, n, number))
		number++;
	r->number = number;
}

static int check_count(const struct request *requests, size_t n)
{
	size_t entries = 0;

	for (size_t i = 0; i < n; i++)
		entries += requests[i].in_table;
	if (entries <= GPT_ENTRIES)
		return 0;
	return diag_fail(DIAG_LAYOUT_SPACE, E2BIG,
			 "%zu partitions, but a partition table has %d entries; take volumes or "
			 "slots away",
			 entries, GPT_ENTRIES);
}

int allocate_entries(struct request *requests, size_t n)
{
	int e = check_count(requests, n);

	if (e < 0)
		return e;
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < i && requests[i].in_table; j++) {
			int r = requests[j].in_table ? check_pair(&requests[j], &requests[i]) : 0;

			if (r < 0)
				return r;
		}
	}
	for (size_t i = 0; i < n; i++) { /* volumes first: the vault is nobody's first partition */
		if (requests[i].kind == REQUEST_VOLUME)
			number_one(requests, n, &requests[i]);
	}
	for (size_t i = 0; i < n; i++)
		number_one(requests, n, &requests[i]);
	return 0;
}
