/* SPDX-License-Identifier: Apache-2.0 */
/* A medium with a GUID partition table. */
#include <blkid.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/hex.h"
#include "base/overflow.h"
#include "format/dps.h"
#include "medium/allocate.h"
#include "medium/gpt-table.h"
#include "medium/registry.h"
#include "model/build.h"

enum { SIZE, ALIGN, KEEP };
static const struct option_spec options[] = {
    [SIZE] = {"size", OPTION_SIZE, .min = 1024 * 1024,
	      .help = "Of an image file that is to be made; default: the least that holds it all"},
    [ALIGN] = {"align", OPTION_SIZE, "1M", 4096, 1ULL << 30, .power_of_2 = true,
	       .help = "Partitions begin at multiples of it: the erase block of the flash"},
    [KEEP] = {"keep", OPTION_LIST, .min = 1, .max = 32,
	      .help = "Labels of partitions that stand there and are not touched"},
    {0},
};

/* --- facts --- */

/* What libblkid calls a target without a table of ours; NULL: nothing. */
static const char *foreign_name(struct io *target, struct arena *arena)
{
	blkid_probe pr = io_fd(target) >= 0 ? blkid_new_probe() : NULL;
	const char *type = NULL, *ret = NULL;

	if (!pr)
		return NULL;
	if (blkid_probe_set_device(pr, io_fd(target), 0, (blkid_loff_t)target->size_bytes) == 0) {
		blkid_probe_enable_superblocks(pr, 1);
		blkid_probe_enable_partitions(pr, 1);
		if (blkid_do_safeprobe(pr) != 1 &&
		    (blkid_probe_lookup_value(pr, "TYPE", &type, NULL) == 0 ||
		     blkid_probe_lookup_value(pr, "PTTYPE", &type, NULL) == 0))
			ret = arena_strdup(arena, type);
	}
	blkid_free_probe(pr);
	return ret;
}

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

	f->disk_uuid = c->header.disk;
	for (uint32_t i = 0; i < c->header.entries && r >= 0; i++) {
		struct gpt_entry e;

		if (gpt_decode_entry(c->entries + i * GPT_ENTRY_BYTES, GPT_ENTRY_BYTES, &e) == 1)
			r = add_partition(f, i + 1, &e);
	}
	return r;
}

static int probe(struct medium *m, struct layout *layout, struct env *env)
{
	_cleanup_gpt_copies_ struct gpt_copies c = {0};
	struct medium_facts *f = arena_new(&layout->arena, struct medium_facts);
	const struct gpt_copy *best;
	int r = f ? gpt_copies_read(env->target, &c) : diag_no_memory();

	if (r < 0)
		return r;
	m->facts = f;
	best = gpt_copies_best(&c);
	f->capacity_bytes = env->target->size_bytes;
	f->sector_bytes = env->target->sector_bytes;
	f->primary_good = c.primary.header_good && c.primary.entries_good;
	f->backup_good = c.backup.header_good && c.backup.entries_good;
	f->backup_misplaced = c.misplaced;
	if (best) {
		f->table = TABLE_OURS;
		f->table_capacity_bytes =
		    (max_u64(best->header.my_lba, best->header.other_lba) + 1) * f->sector_bytes;
		return add_partitions(f, best);
	}
	if (c.primary.seen || c.backup.seen) {
		f->table = TABLE_DAMAGED;
		return 0;
	}
	f->foreign = foreign_name(env->target, &layout->arena);
	f->table = f->foreign ? TABLE_FOREIGN : TABLE_NONE;
	return 0;
}

/* --- allocation --- */

static struct space space_of(const struct medium *m, uint64_t capacity, uint32_t sector)
{
	uint64_t end = round_down(capacity, sector), tail = gpt_tail_bytes(sector);
	struct space s = {
	    .first_bytes = gpt_head_bytes(sector),
	    .end_bytes = end > tail ? end - tail : 0,
	    .align_bytes = m->values[ALIGN].number,
	    .n_reserved = 1,
	};

	s.reserved[0] = (struct extent){0, gpt_head_bytes(sector)};
	return s;
}

static int keep_one(const struct medium *m, struct plan *p, const char *label)
{
	const struct partition_facts *f = m->facts ? facts_partition(m->facts, label) : NULL;
	struct request *r;
	char at[WHERE_SIZE];

	if (!f && !m->facts)
		return 0; /* an image that is to be made has nothing to keep */
	if (!f && m->facts->table == TABLE_NONE)
		return 0;
	if (!f)
		return diag_fail(DIAG_LAYOUT_UNKNOWN, ENOENT,
				 "%skeep: there is no partition \"%s\" on the target",
				 where_text(&m->values[KEEP].where, at), label);
	r = plan_request(p, REQUEST_KEEP, NULL, ROLE_DATA);
	if (!r)
		return -E2BIG;
	r->what = arena_print(&p->arena, "kept partition \"%s\"", f->label);
	r->where = m->values[KEEP].where;
	r->in_table = true;
	r->number = f->number;
	r->type = f->type;
	r->uuid = f->uuid;
	r->flags = f->flags;
	r->size_bytes = f->extent.size_bytes;
	r->placed = f->extent;
	snprintf(r->label, sizeof(r->label), "%.36s", f->label);
	return r->what ? 0 : diag_no_memory();
}

static int allocate(const struct medium *m, struct plan *p)
{
	struct space space = space_of(m, p->capacity_bytes, p->sector_bytes);
	int r = 0;

	for (size_t i = 0; i < m->values[KEEP].n_list && r >= 0; i++)
		r = keep_one(m, p, m->values[KEEP].list[i]);
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

	return end ? round_up(end + gpt_tail_bytes(p->sector_bytes), m->values[ALIGN].number) : 0;
}

/* --- steps --- */

struct table_params {
	struct uuid disk;
	const struct plan *plan;
};

/* Partitions that are named by their root hash: known only now. */
static int fill_uuids(const struct layout *layout, struct env *env, struct request *requests,
		      size_t n)
{
	bool learnt = false;

	for (size_t i = 0; i < n; i++) {
		struct request *r = &requests[i];
		int e = 0;

		if (!r->in_table || !uuid_is_nil(&r->uuid) || r->kind != REQUEST_VOLUME)
			continue;
		if (uuid_is_nil(&r->volume->partition_uuid[r->role]) && !learnt)
			e = layout_learn((struct layout *)(uintptr_t)layout, env);
		learnt = true;
		r->uuid = r->volume->partition_uuid[r->role];
		if (e < 0)
			return e;
		for (size_t j = 0; j < n; j++) {
			if (j != i && requests[j].in_table &&
			    uuid_equal(&requests[j].uuid, &r->uuid))
				return diag_fail(
				    DIAG_LAYOUT_SPACE, EINVAL,
				    "%s and %s have the same root hash, hence the same "
				    "partition UUID",
				    r->what, requests[j].what);
		}
	}
	return 0;
}

static int run_write(const struct step *s, struct env *env, struct cursor *cursor)
{
	const struct table_params *p = s->params;
	struct request *requests = arena_alloc((struct arena *)(uintptr_t)&p->plan->arena,
					       p->plan->n_requests * sizeof(*requests));
	int r;

	if (!requests)
		return diag_no_memory();
	memcpy(requests, p->plan->requests, p->plan->n_requests * sizeof(*requests));
	r = fill_uuids(s->layout, env, requests, p->plan->n_requests);
	return r < 0 ? r : gpt_table_write(env->target, &p->disk, requests, p->plan->n_requests);
}

static int run_mend(const struct step *s, struct env *env, struct cursor *cursor)
{
	return gpt_table_mend(env->target);
}

static int zero(struct io *target, uint64_t offset, uint64_t len)
{
	int r = io_zero(target, offset, len);

	if (r >= 0)
		r = io_flush(target);
	return r < 0 ? io_fail(target, r, "clearing the old partition table,", offset, len) : 0;
}

/* Backup first: with a cut between, the primary still tells what stood there. */
static int run_retire(const struct step *s, struct env *env, struct cursor *cursor)
{
	struct io *t = env->target;
	uint64_t tail = gpt_tail_bytes(t->sector_bytes), head = gpt_head_bytes(t->sector_bytes);
	uint64_t end = round_down(t->size_bytes, t->sector_bytes);
	int r = zero(t, end - tail, tail);

	return r < 0 ? r : zero(t, 0, head);
}

static const struct step_ops write_step = {"partition table", STEP_REDO, run_write, NULL};
static const struct step_ops mend_step = {"mend partition table", STEP_REDO, run_mend, NULL};
static const struct step_ops retire_step = {"retire old table", STEP_REDO, run_retire, NULL};

static int plan_mend(const struct medium *m, struct plan *p)
{
	const struct medium_facts *f = m->facts;
	struct step step = {.ops = &mend_step, .subject = m->name};

	if (!f || f->table != TABLE_OURS ||
	    (f->primary_good && f->backup_good && !f->backup_misplaced))
		return 0;
	step.detail = !f->primary_good      ? "primary copy from the backup"
		      : f->backup_misplaced ? "backup copy to the target's end"
					    : "backup copy from the primary";
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

/* --- checking --- */

static int add_copy(struct report *report, const struct gpt_copy *c, const char *area,
		    uint64_t offset, bool other_good)
{
	struct finding f = {
	    .kind = other_good ? FINDING_MENDABLE : FINDING_CORRUPT,
	    .layer = "gpt",
	    .area = area,
	    .offset_bytes = offset,
	    .text = c->why,
	};

	if (c->header_good && c->entries_good)
		return 0;
	f.len_bytes = c->header_good ? (uint64_t)c->header.entries * GPT_ENTRY_BYTES : 512;
	return report_add(report, &f) < 0 ? diag_no_memory() : 0;
}

static int check_copies(struct io *t, const struct gpt_copies *c, struct report *report)
{
	bool primary = c->primary.header_good && c->primary.entries_good;
	bool backup = c->backup.header_good && c->backup.entries_good;
	uint64_t last = round_down(t->size_bytes, t->sector_bytes) - t->sector_bytes;
	struct finding f = {.layer = "gpt", .area = "backup copy", .offset_bytes = last};
	int r;

	r = add_copy(report, &c->primary,
		     c->primary.header_good ? "primary entries" : "primary header",
		     c->primary.header_good ? c->primary.header.entries_lba * t->sector_bytes
					    : t->sector_bytes,
		     backup);
	if (r < 0)
		return r;
	if (c->misplaced) {
		f.kind = FINDING_MENDABLE;
		f.text = "is not at the target's end: the table was made for a smaller target";
		return report_add(report, &f) < 0 ? diag_no_memory() : 0;
	}
	r = add_copy(report, &c->backup, c->backup.header_good ? "backup entries" : "backup header",
		     c->backup.header_good ? c->backup.header.entries_lba * t->sector_bytes : last,
		     primary);
	if (r < 0 || !primary || !backup)
		return r;
	if (c->primary.header.entries_crc == c->backup.header.entries_crc &&
	    uuid_equal(&c->primary.header.disk, &c->backup.header.disk))
		return 0;
	f.kind = FINDING_MENDABLE;
	f.text = "says something else than the primary copy";
	return report_add(report, &f) < 0 ? diag_no_memory() : 0;
}

static int check_mbr(struct io *t, bool any_good, struct report *report)
{
	uint8_t mbr[512];
	struct finding f = {
	    .kind = any_good ? FINDING_MENDABLE : FINDING_CORRUPT,
	    .layer = "gpt",
	    .area = "protective MBR",
	    .len_bytes = sizeof(mbr),
	    .text = "is not there",
	};

	if (io_read(t, mbr, sizeof(mbr), 0) >= 0 && mbr[510] == 0x55 && mbr[511] == 0xaa &&
	    (mbr[446 + 4] == 0xee || mbr[462 + 4] == 0xee))
		return 0;
	return report_add(report, &f) < 0 ? diag_no_memory() : 0;
}

/* Does the table still say what the vault says? */
static int check_volume(const struct volume *v, const struct gpt_copy *c, uint32_t sector,
			struct report *report)
{
	struct finding f = {
	    .kind = FINDING_WRONG, .volume = v->full_name, .layer = "gpt", .area = "entry"};

	for (int role = 0; role < ROLE_COUNT; role++) {
		const struct extent *e = &v->extent[role];
		unsigned number = v->partition_number[role];
		struct gpt_entry entry;

		if (!number || !e->size_bytes)
			continue;
		f.offset_bytes = c->header.entries_lba * sector + (number - 1) * GPT_ENTRY_BYTES;
		f.len_bytes = GPT_ENTRY_BYTES;
		f.text = NULL;
		if (number > c->header.entries ||
		    gpt_decode_entry(c->entries + (number - 1) * GPT_ENTRY_BYTES, GPT_ENTRY_BYTES,
				     &entry) != 1)
			f.text = "is missing from the partition table";
		else if (entry.first_lba * sector != e->offset_bytes ||
			 (entry.last_lba - entry.first_lba + 1) * sector != e->size_bytes)
			f.text = "has another place in the partition table than was laid out";
		else if (!uuid_equal(&entry.uuid, &v->partition_uuid[role]) ||
			 !uuid_equal(&entry.type, &v->partition_type[role]))
			f.text =
			    "has another type or UUID in the partition table than was laid out";
		if (f.text && report_add(report, &f) < 0)
			return diag_no_memory();
	}
	return 0;
}

static int check_volumes(const struct layout *layout, const struct gpt_copy *c, struct env *env,
			 struct report *report)
{
	int r = 0;

	for (size_t i = 0; i < layout->n_volumes && r >= 0; i++)
		r = check_volume(layout->volumes[i], c, env->target->sector_bytes, report);
	return r;
}

static int verify(const struct medium *m, const struct layout *layout, struct env *env,
		  struct report *report)
{
	_cleanup_gpt_copies_ struct gpt_copies c = {0};
	const struct gpt_copy *best;
	int r = gpt_copies_read(env->target, &c);

	if (r < 0)
		return r;
	best = gpt_copies_best(&c);
	r = check_copies(env->target, &c, report);
	if (r >= 0)
		r = check_mbr(env->target, best != NULL, report);
	report->checked_bytes +=
	    gpt_head_bytes(env->target->sector_bytes) + gpt_tail_bytes(env->target->sector_bytes);
	return r < 0 || !best ? r : check_volumes(layout, best, env, report);
}

/* --- images without a vault --- */

static const struct partition_facts *find_tree(const struct medium_facts *f,
					       const struct partition_facts *data)
{
	const struct dps_type *tree = dps_companion(&data->type, DPS_VERITY);

	array_each (p, &f->partitions) {
		if (tree && uuid_equal(&p->type, &tree->uuid))
			return p;
	}
	return NULL;
}

static void take(struct volume *v, enum role role, const struct partition_facts *p)
{
	v->extent[role] = p->extent;
	v->partition_uuid[role] = p->uuid;
	v->partition_type[role] = p->type;
	v->partition_number[role] = p->number;
	snprintf(v->partition_label[role], sizeof(v->partition_label[role]), "%.36s", p->label);
}

static int discover_one(struct medium *m, struct layout *layout, const struct partition_facts *p,
			const struct layer_ops *const *layers)
{
	const struct partition_facts *tree = find_tree(m->facts, p);
	const struct dps_type *type = dps_by_uuid(&p->type);
	const struct where nowhere = {0};
	char name[NAME_MAX_BYTES + 1], root[65];
	struct volume *v;
	struct layer *l;

	if (type && type->kind != DPS_DATA)
		return 0;
	snprintf(name, sizeof(name), "%s%.0u", tree ? type->name : "partition",
		 tree ? 0 : p->number);
	v = layout_add_volume(layout, name, NULL, m, nowhere);
	if (!v || !volume_add_layer(v, layer_kind(layers, "partition"), nowhere))
		return -ENOMEM;
	take(v, ROLE_DATA, p);
	if (!tree)
		return 0;
	l = volume_add_layer(v, layer_kind(layers, "verity"), nowhere);
	if (!l)
		return -ENOMEM;
	take(v, ROLE_HASH, tree);
	hex_encode(p->uuid.b, 16, root);
	hex_encode(tree->uuid.b, 16, root + 32);
	return layer_learn(l, "root-hash", "%s", root);
}

static int discover(struct medium *m, struct layout *layout, struct env *env,
		    const struct layer_ops *const *layers)
{
	int r = 0;

	for (size_t i = 0; i < m->facts->partitions.n && r >= 0; i++)
		r = discover_one(m, layout, &m->facts->partitions.v[i], layers);
	return r;
}

const struct medium_ops medium_gpt = {
    .name = "gpt",
    .summary = "A GUID partition table on a block device or image file.",
    .provides = PLACE_GPT,
    .options = options,
    .probe = probe,
    .allocate = allocate,
    .least_bytes = least_bytes,
    .plan = plan_table,
    .plan_retire = plan_retire,
    .verify = verify,
    .discover = discover,
};
