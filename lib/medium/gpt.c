/* SPDX-License-Identifier: Apache-2.0 */
/* A medium with a GUID partition table. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/overflow.h"
#include "format/dps.h"
#include "medium/allocate.h"
#include "medium/foreign.h"
#include "medium/gpt-table.h"
#include "medium/gpt.h"
#include "medium/registry.h"
#include "model/layer.h"
#include "stack/learn.h"

#define SIZE_GRANULE 4096 /* every sector size divides it */

static const struct option_spec options[] = {
    [GPT_SIZE] = {"size", OPTION_SIZE, .min = 1024 * 1024,
		  .help =
		      "Of an image file that is to be made; default: the least that holds it all"},
    [GPT_ALIGN] = {"align", OPTION_SIZE, "1M", 4096, 1ULL << 30, .power_of_2 = true,
		   .help = "Partitions begin at multiples of it: the erase block of the flash"},
    [GPT_KEEP] = {"keep", OPTION_LIST, .min = 1, .max = 32,
		  .help = "Labels of partitions that stand there and are not touched"},
    {0},
};

static int check(const struct medium *m)
{
	const struct option_value *size = &m->values[GPT_SIZE], *keep = &m->values[GPT_KEEP];
	char at[WHERE_SIZE], less[SIZE_TEXT_SIZE];
	int r = 0;

	size_print_exact(round_down(size->number, SIZE_GRANULE), less);
	if (size->present && size->number % SIZE_GRANULE)
		r = diag_fail(DIAG_LAYOUT_VALUE, EINVAL,
			      "%ssize = %s is not a multiple of %d bytes; write size = %s",
			      where_text(&size->where, at), size->text, SIZE_GRANULE, less);
	for (size_t i = 0; i < keep->n_list; i++) {
		if (strchr(keep->list[i], ','))
			r = diag_fail(DIAG_LAYOUT_VALUE, EINVAL,
				      "%skeep: \"%s\": a label with a comma cannot be kept; write "
				      "one label an entry, or rename the partition",
				      where_text(&keep->where, at), keep->list[i]);
	}
	return r;
}

static uint64_t image_bytes(const struct medium *m)
{
	return m->values[GPT_SIZE].number;
}

/* --- facts --- */

static int add_partition(struct medium_facts *f, unsigned number, const struct gpt_entry *e)
{
	struct partition_facts p = {
	    .number = number,
	    .type = e->type,
	    .uuid = e->uuid,
	    .flags = e->flags,
	};

	if (!mul_u64(e->first_lba, f->sector_bytes, &p.extent.offset_bytes) ||
	    !mul_u64(e->last_lba - e->first_lba + 1, f->sector_bytes, &p.extent.size_bytes))
		return 0; /* beyond any device */
	memcpy(p.label, e->name, sizeof(p.label));
	return array_add(&f->partitions, p) < 0 ? diag_no_memory() : 0;
}

static int add_partitions(struct medium_facts *f, const struct gpt_copy *c)
{
	int r = 0;

	for (uint32_t i = 0; i < c->header.entries && r >= 0; i++) {
		struct gpt_entry e;

		if (gpt_decode_entry(c->entries + i * GPT_ENTRY_BYTES, GPT_ENTRY_BYTES, &e) == 1)
			r = add_partition(f, i + 1, &e);
	}
	return r;
}

static void free_copies(void *copies)
{
	gpt_copies_free(copies);
}

/* Both copies, kept for gpt_verify(): a table is read once. */
static int read_copies(struct io *target, struct medium_facts *f)
{
	struct gpt_copies *c = arena_new(&f->arena, struct gpt_copies);
	int r = c ? gpt_copies_read(target, c) : diag_no_memory();

	if (r < 0)
		return r;
	if (arena_on_free(&f->arena, free_copies, c) < 0) {
		gpt_copies_free(c);
		return diag_no_memory();
	}
	f->details = c;
	return 0;
}

static int probe(struct job *job, struct medium_facts *f)
{
	const struct gpt_copies *c;
	const struct gpt_copy *best;
	int r = read_copies(job->target, f);

	if (r < 0)
		return r;
	c = f->details;
	best = gpt_copies_best(c);
	f->capacity_bytes = job->target->size_bytes;
	f->sector_bytes = job->target->sector_bytes;
	f->primary_good = gpt_copy_good(&c->primary);
	f->backup_good = gpt_copy_good(&c->backup);
	f->backup_misplaced = c->misplaced;
	f->mendable = gpt_copies_want_mending(c);
	if (best) {
		f->table = TABLE_OURS;
		return add_partitions(f, best);
	}
	if (c->primary.seen || c->backup.seen) {
		f->table = TABLE_DAMAGED;
		return 0;
	}
	r = foreign_find(job->target, &f->arena, &f->foreign);
	f->table = f->foreign ? TABLE_FOREIGN : TABLE_NONE;
	return r;
}

/* --- allocation --- */

static struct space space_of(const struct medium *m, uint64_t capacity, uint32_t sector)
{
	uint64_t end = round_down(capacity, sector), tail = gpt_tail_bytes(sector);
	struct space s = {
	    .first_bytes = gpt_head_bytes(sector),
	    .end_bytes = end > tail ? end - tail : 0,
	    .align_bytes = m->values[GPT_ALIGN].number,
	    .n_reserved = 1,
	};

	s.reserved[0] = (struct extent){0, gpt_head_bytes(sector)};
	return s;
}

/* Why libfdisk could not write this entry back unchanged; NULL: it can. */
static const char *cannot_keep(const struct partition_facts *f, const struct space *space,
			       const struct medium_facts *facts)
{
	if (f->extent.offset_bytes < space->first_bytes ||
	    !range_inside(f->extent.offset_bytes, f->extent.size_bytes, space->end_bytes))
		return "it does not lie between the two copies of the new table";
	if (f->number > GPT_ENTRIES)
		return "its number is above 128";
	if (strstr(f->label, "\xef\xbf\xbd"))
		return "its label is no valid text";
	for (const char *c = f->label; *c; c++) {
		if ((unsigned char)*c >= 0xf0)
			return "its label has characters beyond the basic plane";
	}
	if (f->flags & ((1ULL << 48) - 8))
		return "it has reserved attribute bits";
	array_each (other, &facts->partitions) {
		if (other != f && strcmp(other->label, f->label) == 0)
			return "another partition has the same label";
	}
	return NULL;
}

static int find_kept(const struct medium *m, const struct medium_facts *facts,
		     const struct space *space, const char *label,
		     const struct partition_facts **ret)
{
	const struct partition_facts *f = facts_partition(facts, label);
	const char *why = f ? cannot_keep(f, space, facts) : NULL;
	_cleanup_text_ struct text labels = {0};
	char at[WHERE_SIZE];
	int r = 0;

	*ret = f;
	if (f && !why)
		return 0;
	where_text(&m->values[GPT_KEEP].where, at);
	array_each (p, &facts->partitions)
		text_add(&labels, "%s\"%s\"", labels.len ? ", " : "", p->label);
	if (f)
		r = diag_fail(DIAG_LAYOUT_SPACE, EINVAL,
			      "%skeep: partition %u \"%s\" cannot be kept as it is: %s", at,
			      f->number, label, why);
	else
		r = diag_fail(DIAG_LAYOUT_UNKNOWN, ENOENT,
			      "%skeep: there is no partition \"%s\" on the target; there are: %s",
			      at, label, labels.s ? labels.s : "none");
	diag_state("nothing was changed");
	return r;
}

static int keep_one(const struct medium *m, const struct space *space, struct plan *p,
		    const char *label)
{
	const struct partition_facts *f;
	struct request *r;
	int e = find_kept(m, p->facts, space, label, &f);

	if (e < 0)
		return e;
	r = plan_request(p, REQUEST_KEEP, NULL, ROLE_DATA);
	if (!r)
		return -E2BIG;
	r->what = arena_print(&p->arena, "kept partition \"%s\"", f->label);
	r->where = m->values[GPT_KEEP].where;
	r->in_table = true;
	r->number = f->number;
	r->type = f->type;
	r->uuid = f->uuid;
	r->flags = f->flags;
	r->size_bytes = f->extent.size_bytes;
	r->placed = f->extent;
	memcpy(r->label, f->label, sizeof(r->label));
	return r->what ? 0 : diag_no_memory();
}

/* An empty target and a new image have nothing to keep. */
static int keep_all(const struct medium *m, const struct space *space, struct plan *p)
{
	const struct option_value *keep = &m->values[GPT_KEEP];
	int r = 0;

	if (!p->facts || p->facts->table == TABLE_NONE)
		return 0;
	for (size_t i = 0; i < keep->n_list && r >= 0; i++)
		r = keep_one(m, space, p, keep->list[i]);
	return r;
}

static int allocate(const struct medium *m, struct plan *p)
{
	struct space space = space_of(m, p->capacity_bytes, p->sector_bytes);
	int r = keep_all(m, &space, p);

	for (size_t i = 0; i < p->n_requests && r >= 0; i++) {
		if (p->requests[i].kind == REQUEST_VAULT)
			p->requests[i].type = dps_vault_type;
	}
	if (r >= 0)
		r = allocate_all(p->requests, p->n_requests, &space);
	return r < 0 ? r : allocate_entries(p->requests, p->n_requests);
}

static uint64_t least_bytes(const struct medium *m, const struct plan *p)
{
	struct space space = space_of(m, UINT64_MAX / 8, p->sector_bytes);
	uint64_t end = allocate_least(p, &space);

	return end ? round_up(end + gpt_tail_bytes(p->sector_bytes), m->values[GPT_ALIGN].number)
		   : 0;
}

/* --- steps --- */

struct table_params {
	struct uuid disk;
	const struct plan *plan;
};

static int check_uuid(const struct request *requests, size_t n, const struct request *r)
{
	if (uuid_is_nil(&r->uuid))
		return diag_fail(DIAG_INTERNAL, EINVAL, "%s: its root hash is not known", r->what);
	for (size_t i = 0; i < n; i++) {
		if (&requests[i] == r || !requests[i].in_table ||
		    !uuid_equal(&requests[i].uuid, &r->uuid))
			continue;
		return diag_fail(DIAG_LAYOUT_SPACE, EINVAL,
				 "%s and %s have the same contents, hence the same root hash and "
				 "partition UUID; give one of them another verity { salt = … }",
				 r->what, requests[i].what);
	}
	return 0;
}

/* Partitions whose UUIDs come from a root hash, which is known only now. */
static int fill_uuids(struct layout *layout, struct job *job, struct request *requests, size_t n)
{
	bool learnt = false;
	int e = 0;

	for (size_t i = 0; i < n && e >= 0; i++) {
		struct request *r = &requests[i];

		if (!r->in_table || !uuid_is_nil(&r->uuid) || r->kind != REQUEST_VOLUME)
			continue;
		if (uuid_is_nil(&r->volume->pieces[r->role].uuid) && !learnt) {
			e = stack_learn(layout, job);
			learnt = true;
		}
		r->uuid = r->volume->pieces[r->role].uuid;
		if (e >= 0)
			e = check_uuid(requests, n, r);
	}
	return e;
}

static int run_write(const struct step *s, struct job *job, struct cursor *cursor)
{
	const struct table_params *p = s->params;
	size_t n = p->plan->n_requests;
	_cleanup_free_ struct request *requests = calloc(n, sizeof(*requests));
	int r;

	if (!requests)
		return diag_no_memory();
	memcpy(requests, p->plan->requests, n * sizeof(*requests));
	r = fill_uuids(s->layout, job, requests, n);
	return r < 0 ? r : gpt_table_write(job->target, &p->disk, requests, n);
}

static int run_mend(const struct step *s, struct job *job, struct cursor *cursor)
{
	return gpt_table_mend(job->target);
}

static int zero(struct io *target, uint64_t offset, uint64_t len)
{
	int r = io_zero(target, offset, len);

	if (r >= 0)
		r = io_flush(target);
	return r < 0 ? io_fail(target, r, "clearing the old partition table,", offset, len) : 0;
}

/*
 * Backup first: after a cut in between, the primary still describes the old contents; the other way
 * round the kernel would use the backup. Then what libblkid would still see: a file system's
 * signature that outlives its table makes udev take the whole disk for that.
 */
static int run_retire(const struct step *s, struct job *job, struct cursor *cursor)
{
	struct io *t = job->target;
	uint64_t end = round_down(t->size_bytes, t->sector_bytes);
	uint64_t tail = min_u64(gpt_tail_bytes(t->sector_bytes), end);
	uint64_t head = min_u64(gpt_head_bytes(t->sector_bytes), end);
	int r = zero(t, end - tail, tail);

	if (r >= 0)
		r = zero(t, 0, head);
	return r < 0 ? r : foreign_clear(t, &s->layout->vault.extent);
}

static const struct step_ops write_step = {"partition table", STEP_REDO, run_write, NULL};
static const struct step_ops mend_step = {"mend partition table", STEP_REDO, run_mend, NULL};
static const struct step_ops retire_step = {"retire old table", STEP_REDO, run_retire, NULL};

/* A copy that contradicts the vault is stale: it belongs to an earlier use of the disk. */
static bool agrees(const struct medium_facts *f, const struct piece *piece)
{
	if (!piece->number || !piece->extent.size_bytes)
		return true;
	array_each (p, &f->partitions) {
		if (p->number == piece->number)
			return p->extent.offset_bytes == piece->extent.offset_bytes &&
			       p->extent.size_bytes == piece->extent.size_bytes;
	}
	return false;
}

static bool agrees_with_layout(const struct medium_facts *f, const struct layout *layout)
{
	layout_each_volume (v, layout) {
		volume_each_piece (p, v) {
			if (!agrees(f, p))
				return false;
		}
	}
	return true;
}

static int plan_mend(const struct medium *m, struct plan *p)
{
	const struct medium_facts *f = p->facts;
	struct step step = {.ops = &mend_step, .subject = m->name};

	if (!f || f->table != TABLE_OURS || !f->mendable || !agrees_with_layout(f, p->layout))
		return 0;
	step.detail = !f->primary_good      ? "primary copy from the backup"
		      : f->backup_misplaced ? "backup copy to the target's end"
		      : !f->backup_good     ? "backup copy from the primary"
					    : "backup copy and protective MBR from the primary";
	return plan_add(p, &step);
}

static int plan_table(const struct medium *m, struct plan *p)
{
	struct table_params *params;
	struct step step = {.ops = &write_step, .subject = m->name};
	size_t entries = 0;
	int r;

	if (p->why == INTENT_REPAIR)
		return plan_mend(m, p);
	params = arena_new(&p->arena, struct table_params);
	if (!params)
		return diag_no_memory();
	params->plan = p;
	r = plan_derive(p, NULL, "disk", params->disk.b, sizeof(params->disk.b));
	uuid_set_version(&params->disk);
	for (size_t i = 0; i < p->n_requests; i++)
		entries += p->requests[i].in_table;
	step.params = params;
	step.detail = arena_print(&p->arena, "%zu partitions; backup, then primary", entries);
	return r < 0 ? r : plan_add(p, &step);
}

static int plan_retire(const struct medium *m, struct plan *p)
{
	const struct step step = {.ops = &retire_step, .subject = m->name};

	return plan_add(p, &step);
}

const struct medium_ops medium_gpt = {
    .name = "gpt",
    .summary = "A GUID partition table on a block device or image file.",
    .provides = PLACE_GPT,
    .options = options,
    .check = check,
    .image_bytes = image_bytes,
    .probe = probe,
    .allocate = allocate,
    .least_bytes = least_bytes,
    .plan = plan_table,
    .plan_retire = plan_retire,
    .verify = gpt_verify,
    .discover = gpt_discover,
};
