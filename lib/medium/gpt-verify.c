/* SPDX-License-Identifier: Apache-2.0 */
/* Checking a partition table: each copy in itself, both together, and against the layout. */
#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "base/overflow.h"
#include "format/dps.h"
#include "medium/gpt-table.h"
#include "medium/gpt.h"

static int add(struct report *report, const struct finding *f)
{
	return report_add(report, f) < 0 ? diag_no_memory() : 0;
}

/* --- copies --- */

static int check_copy(struct io *t, const struct gpt_copy *c, bool primary, bool mendable,
		      struct report *report)
{
	struct finding f = {
	    .kind = mendable      ? FINDING_MENDABLE
		    : c->readable ? FINDING_CORRUPT
				  : FINDING_UNREADABLE,
	    .layer = "gpt",
	    .area = primary ? "primary header" : "backup header",
	    .offset_bytes = c->offset_bytes,
	    .len_bytes = t->sector_bytes,
	    .text = c->why,
	};

	if (gpt_copy_good(c))
		return 0;
	if (c->header_good) {
		f.area = primary ? "primary entries" : "backup entries";
		f.offset_bytes = c->header.entries_lba * t->sector_bytes;
		f.len_bytes = gpt_array_bytes(&c->header);
	}
	return add(report, &f);
}

/* What is wrong with the two together. */
static int check_pair(struct io *t, const struct gpt_copies *c, struct report *report)
{
	struct finding f = {
	    .layer = "gpt", .area = "backup copy", .offset_bytes = c->backup.offset_bytes};

	if (c->cut_short) {
		f.kind = FINDING_WRONG;
		f.area = "primary header";
		f.offset_bytes = c->primary.offset_bytes;
		f.len_bytes = t->sector_bytes;
		f.text = "was made for a larger target: this one, or its image, is cut short";
	} else if (c->misplaced) {
		f.kind = FINDING_MENDABLE;
		f.text = "is not at the target's end: the table was made for a smaller target";
	} else if (c->differ) {
		f.kind = FINDING_MENDABLE;
		f.text = "says something else than the primary copy";
	} else {
		return 0;
	}
	return add(report, &f);
}

static int check_copies(struct io *t, const struct gpt_copies *c, struct report *report)
{
	bool mendable = gpt_copies_want_mending(c);
	struct finding mbr = {
	    .kind = mendable ? FINDING_MENDABLE : FINDING_CORRUPT,
	    .layer = "gpt",
	    .area = "protective MBR",
	    .len_bytes = 512,
	    .text = "is not there",
	};
	int r = check_copy(t, &c->primary, true, mendable, report);

	/* Where the target ends too early, or too late, there is no backup to be damaged. */
	if (r >= 0 && !c->cut_short && (!c->misplaced || c->backup.seen))
		r = check_copy(t, &c->backup, false, mendable, report);
	if (r >= 0)
		r = check_pair(t, c, report);
	return r < 0 || c->mbr_good ? r : add(report, &mbr);
}

/* --- entries --- */

/* One entry that the layout knows: in sectors, so that nothing wraps around. */
struct expected {
	const char *volume;
	unsigned number; /* 0: whichever lies there */
	struct extent extent;
	struct uuid uuid, type; /* uuid nil: not known */
	const char *label;      /* NULL: not known */
};

static bool lies_at(const struct gpt_entry *e, const struct extent *x, uint32_t sector)
{
	return e->first_lba == x->offset_bytes / sector &&
	       e->last_lba - e->first_lba + 1 == x->size_bytes / sector;
}

static int entry_at(const struct gpt_copy *c, uint32_t index, struct gpt_entry *ret)
{
	return gpt_decode_entry(c->entries + (size_t)index * GPT_ENTRY_BYTES, GPT_ENTRY_BYTES, ret);
}

static uint32_t find_entry(const struct gpt_copy *c, const struct expected *x, uint32_t sector)
{
	struct gpt_entry e;

	for (uint32_t i = 0; !x->number && i < c->header.entries; i++) {
		if (entry_at(c, i, &e) == 1 && lies_at(&e, &x->extent, sector))
			return i + 1;
	}
	return x->number;
}

static const char *what_is_wrong(const struct gpt_copy *c, const struct expected *x,
				 uint32_t number, uint32_t sector)
{
	struct gpt_entry e;
	int r = number && number <= c->header.entries ? entry_at(c, number - 1, &e) : 0;

	if (r == 0)
		return "is missing from the partition table";
	if (r < 0)
		return "ends before it begins in the partition table";
	if (!lies_at(&e, &x->extent, sector))
		return "has another place in the partition table than was laid out";
	if ((!uuid_is_nil(&x->uuid) && !uuid_equal(&e.uuid, &x->uuid)) ||
	    !uuid_equal(&e.type, &x->type))
		return "has another type or UUID in the partition table than was laid out";
	if (x->label && strcmp(e.name, x->label) != 0)
		return "has another label in the partition table than was laid out";
	return NULL;
}

static int check_expected(const struct gpt_copy *c, const struct expected *x, uint32_t sector,
			  bool *known, struct report *report)
{
	uint32_t number = find_entry(c, x, sector);
	struct finding f = {
	    .kind = FINDING_WRONG,
	    .volume = x->volume,
	    .layer = "gpt",
	    .area = "entry",
	    .offset_bytes =
		c->header.entries_lba * sector + (number ? number - 1 : 0) * GPT_ENTRY_BYTES,
	    .len_bytes = GPT_ENTRY_BYTES,
	    .text = what_is_wrong(c, x, number, sector),
	};

	if (number && number <= c->header.entries)
		known[number - 1] = true;
	return f.text ? add(report, &f) : 0;
}

static int check_volume(const struct volume *v, const struct gpt_copy *c, uint32_t sector,
			bool *known, struct report *report)
{
	volume_each_piece (p, v) {
		const struct expected x = {
		    .volume = v->full_name,
		    .number = p->number,
		    .extent = p->extent,
		    .uuid = p->uuid,
		    .type = p->type,
		    .label = *p->label ? p->label : NULL,
		};
		int r = x.number && x.extent.size_bytes
			    ? check_expected(c, &x, sector, known, report)
			    : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

static bool in_list(const struct option_value *list, const char *label)
{
	for (size_t i = 0; i < list->n_list; i++) {
		if (strcmp(list->list[i], label) == 0)
			return true;
	}
	return false;
}

static bool overlaps(const struct gpt_entry *e, const struct extent *x, uint32_t sector)
{
	uint64_t first = x->offset_bytes / sector, sectors = x->size_bytes / sector;

	return sectors && e->first_lba < first + sectors && e->last_lba >= first;
}

static const struct volume *whose(const struct layout *layout, const struct gpt_entry *e,
				  uint32_t sector)
{
	layout_each_volume (v, layout) {
		volume_each_piece (p, v) {
			if (overlaps(e, &p->extent, sector))
				return v;
		}
	}
	return NULL;
}

/* An entry that the layout does not have: wrong where it overlaps a volume, else only noted. */
static int check_unknown(const struct medium *m, const struct layout *layout,
			 const struct gpt_copy *c, uint32_t index, uint32_t sector,
			 struct report *report)
{
	const struct extent *vault = &layout->vault.extent;
	const struct volume *v;
	struct gpt_entry e;
	struct finding f = {
	    .kind = FINDING_WRONG,
	    .layer = "gpt",
	    .area = "entry",
	    .offset_bytes = c->header.entries_lba * sector + (uint64_t)index * GPT_ENTRY_BYTES,
	    .len_bytes = GPT_ENTRY_BYTES,
	};
	int r = entry_at(c, index, &e);

	if (r == 0)
		return 0;
	v = r == 1 ? whose(layout, &e, sector) : NULL;
	if (r < 0)
		f.text = "ends before it begins";
	else if (v)
		f.text = "is not of the layout, and lies over the volume";
	else if (overlaps(&e, vault, sector))
		f.text = "is not of the layout, and lies over the vault";
	if (f.text) {
		f.volume = v ? v->full_name : "";
		return add(report, &f);
	}
	if (in_list(&m->values[GPT_KEEP], e.name))
		return 0;
	return report_note(report, "partition %u \"%s\" is not of the layout", index + 1, e.name) <
		       0
		   ? diag_no_memory()
		   : 0;
}

static int check_entries(const struct medium *m, const struct layout *layout,
			 const struct gpt_copy *c, uint32_t sector, struct report *report)
{
	bool known[GPT_ENTRIES_MAX] = {0};
	const struct expected vault = {
	    .volume = "",
	    .extent = layout->vault.extent,
	    .uuid = layout->vault.partition_uuid,
	    .type = dps_vault_type,
	};
	int r = 0;

	if (vault.extent.size_bytes)
		r = check_expected(c, &vault, sector, known, report);
	layout_each_volume (v, layout) {
		if (r >= 0)
			r = check_volume(v, c, sector, known, report);
	}
	for (uint32_t i = 0; i < c->header.entries && r >= 0; i++) {
		if (!known[i])
			r = check_unknown(m, layout, c, i, sector, report);
	}
	return r;
}

int gpt_verify(const struct medium *m, const struct layout *layout,
	       const struct medium_facts *facts, struct job *job, struct report *report)
{
	const struct gpt_copies *c = facts->details;
	uint32_t sector = facts->sector_bytes;
	const struct gpt_copy *best = gpt_copies_best(c);
	int r = check_copies(job->target, c, report);

	report->checked_bytes += gpt_head_bytes(sector) + gpt_tail_bytes(sector);
	/* Without volumes there is no layout to compare with: recovery looks at the copies alone.
	 */
	return r < 0 || !best || !layout->n_volumes
		   ? r
		   : check_entries(m, layout, best, sector, report);
}
