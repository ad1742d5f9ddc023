/* SPDX-License-Identifier: Apache-2.0 */
/* The bottom of every stack on a gpt or raw medium: a range of the target. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/overflow.h"
#include "base/io.h"
#include "format/dps.h"
#include "kernel/blkdev.h"
#include "kernel/dm.h"
#include "layer/mapping.h"
#include "layer/partition.h"
#include "layer/registry.h"

enum { TYPE, SIZE, LABEL, NUMBER, OFFSET, FLAGS, IN_TABLE };

static const char *const size_words[] = {"auto", "fill", NULL};
enum { SIZE_AUTO, SIZE_FILL };
static const char *const flag_words[] = {"no-auto", "read-only", "grow-file-system", "legacy-boot",
					 NULL};
static const uint64_t flag_bits[] = {DPS_FLAG_NO_AUTO, DPS_FLAG_READ_ONLY, DPS_FLAG_GROW, 1 << 2};

static const struct option_spec options[] = {
    [TYPE] = {"type", OPTION_TEXT, "linux-generic", .max = 36,
	      .help = "Discoverable Partitions name (root, usr, home, esp, …) or a type UUID"},
    [SIZE] = {"size", OPTION_SIZE, "auto", .min = 512, .words = size_words,
	      .help = "auto: what the contents need; fill: what is left on the medium"},
    [LABEL] = {"label", OPTION_TEXT, .max = 36,
	       .help = "GPT partition name; default: the volume's name and slot"},
    [NUMBER] = {"number", OPTION_NUMBER, .min = 1, .max = 128,
		.help = "Entry in the partition table; default: the next free one"},
    [OFFSET] = {"offset", OPTION_SIZE,
		.help = "Where it must begin, for boot ROMs; default: the next free place"},
    [FLAGS] = {"flags", OPTION_LIST, .max = 4, .words = flag_words,
	       .help = "GPT attributes of the Discoverable Partitions Specification"},
    [IN_TABLE] = {"in-table", OPTION_FLAG, "true",
		  .help = "false: no entry, for areas that only a boot ROM knows"},
    {0},
};

/* --- planning --- */

/* Nil where the type is not known. */
static struct uuid type_of(const struct layer *l)
{
	const char *name = l->values[TYPE].text;
	const struct dps_type *type = dps_by_name(name, l->volume->layout->device.architecture);
	struct uuid uuid;

	if (type)
		return type->uuid;
	return uuid_scan(name, &uuid) < 0 ? (struct uuid){0} : uuid;
}

static int refuse_type(const struct layer *l)
{
	const char *name = l->values[TYPE].text, *near = text_nearest(name, dps_names());
	const char *architecture = l->volume->layout->device.architecture;
	char at[WHERE_SIZE];

	return diag_fail(DIAG_LAYOUT_VALUE, EINVAL,
			 "%stype \"%s\" is neither a partition type known for %s nor a UUID%s%s",
			 where_text(&l->values[TYPE].where, at), name,
			 architecture ? architecture : "this host", near ? "; did you mean " : "",
			 near ? near : "");
}

static int check(const struct layer *l)
{
	const struct uuid type = type_of(l);
	char at[WHERE_SIZE];
	int r = uuid_is_nil(&type) ? refuse_type(l) : 0;

	if (r >= 0 && l->values[SIZE].is_word && l->values[SIZE].number == SIZE_FILL &&
	    l->values[OFFSET].present)
		r = diag_fail(
		    DIAG_LAYOUT_VALUE, EINVAL,
		    "%ssize = \"fill\" takes what is left wherever that is; take offset away",
		    where_text(&l->values[OFFSET].where, at));
	return r;
}

static int bound(const struct layer *l, struct bound *ret)
{
	const struct option_value *size = &l->values[SIZE];
	struct bound b = {.type = type_of(l), .kind = BOUND_AUTO};

	if (!size->is_word) {
		b.kind = BOUND_FIXED;
		b.bytes = size->number;
	} else if (size->number == SIZE_FILL) {
		b.kind = BOUND_FILL;
	}
	*ret = b;
	return 0;
}

static int label_of(const struct layer *l, char ret[static 37])
{
	const struct volume *v = l->volume;
	const char *text = l->values[LABEL].present ? l->values[LABEL].text : v->name;
	int n = v->slot ? snprintf(ret, 37, "%s-%s", text, v->slot) : snprintf(ret, 37, "%s", text);
	char at[WHERE_SIZE];

	for (const char *c = ret; *c; c++) {
		if ((unsigned char)*c < ' ' || (unsigned char)*c > '~')
			n = 37;
	}
	return n <= 36 ? 0
		       : diag_fail(DIAG_LAYOUT_VALUE, EINVAL,
				   "%slabel \"%s\": 1 to 36 ASCII characters are possible",
				   where_text(&l->values[LABEL].where, at), text);
}

static int fill_entry(const struct layer *l, struct plan *p, struct request *q)
{
	bool paired;
	int r = label_of(l, q->label);

	if (r < 0)
		return r;
	q->type = type_of(l);
	/* Discoverable Partitions: the root hash is the UUID of a partition with a hash tree. */
	paired = layer_above_provides(l, PLACE_BYTES_RO) && dps_companion(&q->type, DPS_VERITY);
	for (size_t i = 0; i < l->values[FLAGS].n_list; i++) {
		for (size_t j = 0; flag_words[j]; j++) {
			if (strcmp(flag_words[j], l->values[FLAGS].list[i]) == 0)
				q->flags |= flag_bits[j];
		}
	}
	if (paired && l->above->ops->provides == PLACE_BYTES_RO)
		q->flags |= DPS_FLAG_READ_ONLY;
	/* Only the first slot is numbered: the others follow it. */
	q->number = l->values[NUMBER].present && !l->volume->reserved
			? (unsigned)l->values[NUMBER].number
			: 0;
	if (paired && !l->volume->reserved)
		return 0;
	r = plan_derive(p, l->volume, "partition", q->uuid.b, sizeof(q->uuid.b));
	uuid_set_version(&q->uuid);
	return r;
}

static int size(const struct layer *l, struct sizing *s, struct plan *p)
{
	struct request *q = plan_request(p, REQUEST_VOLUME, l->volume, ROLE_DATA);
	char at[WHERE_SIZE];

	if (!q)
		return -E2BIG;
	q->what = arena_print(&p->arena, "volume %s", l->volume->full_name);
	q->where = l->where;
	q->fill = s->bound.kind == BOUND_FILL;
	q->size_bytes = s->bound.kind == BOUND_FIXED     ? s->bound.bytes
			: s->need_bytes > s->least_bytes ? s->need_bytes
							 : s->least_bytes;
	if (s->bound.kind == BOUND_AUTO && !q->size_bytes)
		return diag_fail(
		    DIAG_LAYOUT_VALUE, EINVAL,
		    "%svolume \"%s\": nothing tells how large it must be; write size = … "
		    "into partition",
		    where_text(&l->where, at), l->volume->name);
	if (s->bound.kind == BOUND_FIXED &&
	    (s->need_bytes > q->size_bytes || s->least_bytes > q->size_bytes))
		return diag_fail(
		    DIAG_LAYOUT_SPACE, ENOSPC,
		    "%svolume \"%s\": %" PRIu64 " bytes are too few, its contents need %" PRIu64,
		    where_text(&l->values[SIZE].where, at), l->volume->name, q->size_bytes,
		    s->need_bytes > s->least_bytes ? s->need_bytes : s->least_bytes);
	q->has_offset = l->values[OFFSET].present && !l->volume->reserved;
	q->offset_bytes = l->values[OFFSET].number;
	q->in_table = l->values[IN_TABLE].number;
	return q->what ? fill_entry(l, p, q) : diag_no_memory();
}

static int gives(const struct layer *l, uint64_t *ret_bytes)
{
	*ret_bytes = l->volume->pieces[ROLE_DATA].extent.size_bytes;
	return 0;
}

/* --- using --- */

static int attach(const struct layer *l, struct job *job, enum attach_mode mode, struct io *below,
		  struct io **ret)
{
	const struct extent *e = &l->volume->pieces[ROLE_DATA].extent;

	return io_open_window(below, l->volume->full_name, e->offset_bytes, e->size_bytes, ret);
}

/* Is its range on the target? */
static bool is_inside(const struct layer *l, const struct job *job)
{
	const struct extent *e = &l->volume->pieces[ROLE_DATA].extent;

	return range_inside(e->offset_bytes, e->size_bytes, job->target->size_bytes);
}

static int probe(const struct layer *l, struct job *job, enum probe_result *ret)
{
	*ret = is_inside(l, job) ? PROBE_MATCHES : PROBE_ABSENT;
	return 0;
}

static int verify(const struct layer *l, struct job *job, struct report *report)
{
	if (is_inside(l, job))
		return 0;
	return layer_report(l, report, FINDING_WRONG, "range", 0,
			    l->volume->pieces[ROLE_DATA].extent.size_bytes,
			    "the target ends before the volume does");
}

static const char *role_name(enum role role)
{
	static const char *const names[ROLE_COUNT] = {"partition", "hash", "signature"};

	return names[role];
}

static int map_range(const struct volume *v, struct job *job, const struct open_how *how,
		     enum role role, struct place *ret)
{
	char params[MAPPING_PARAMS_SIZE], uuid[128];
	const struct extent *e = &v->pieces[role].extent;
	const struct mapping_target target = {
	    .len_bytes = e->size_bytes, .type = "linear", .params = params};

	snprintf(params, sizeof(params), "%s %" PRIu64, job->target_name, e->offset_bytes / 512);
	mapping_name_of_volume(v, how, role_name(role), ret->dm_name);
	snprintf(uuid, sizeof(uuid), MAPPING_UUID_PREFIX "LINEAR-%.100s", ret->dm_name);
	return mapping_make(ret->dm_name, uuid, how->read_only, &target, 1, ret->path);
}

int partition_open_role(struct volume *v, struct job *job, const struct open_how *how,
			enum role role, struct place *ret)
{
	const struct extent *e = &v->pieces[role].extent;
	struct place place = {
	    .kind = PLACE_BYTES, .size_bytes = e->size_bytes, .read_only = how->read_only};
	int r;

	if (!range_inside(e->offset_bytes, e->size_bytes, job->target->size_bytes))
		return diag_fail(DIAG_TARGET_SIZE, ERANGE, "%s ends before volume %s does",
				 job->target_name, v->full_name);
	r = blkdev_partition(job->target_name, e->offset_bytes, e->size_bytes, place.path);
	if (r == 0)
		r = map_range(v, job, how, role, &place);
	if (r < 0)
		return r;
	*ret = place;
	return 0;
}

int partition_close_role(struct volume *v, const struct open_how *how, enum role role)
{
	char name[MAPPING_NAME_SIZE];

	mapping_name_of_volume(v, how, role_name(role), name);
	return mapping_remove(name, 2000);
}

static int open_layer(const struct layer *l, struct job *job, const struct open_how *how,
		      const struct place *below, struct place *ret)
{
	return partition_open_role(l->volume, job, how, ROLE_DATA, ret);
}

static int close_layer(const struct layer *l, struct job *job, const struct open_how *how)
{
	return partition_close_role(l->volume, how, ROLE_DATA);
}

int partition_device_name(const struct volume *v, enum role role, struct text *to)
{
	char uuid[UUID_TEXT_SIZE];

	if (!v->pieces[role].number || uuid_is_nil(&v->pieces[role].uuid))
		return diag_fail(
		    DIAG_NO_VOLUME, EINVAL,
		    "volume %s has no partition UUID, so the kernel cannot be told where it "
		    "is: it needs a gpt medium and in-table = true",
		    v->full_name);
	uuid_print(&v->pieces[role].uuid, uuid);
	text_add(to, "PARTUUID=%s", uuid);
	return 0;
}

static int cmdline(const struct layer *l, struct cmdline *c)
{
	int r = partition_device_name(l->volume, ROLE_DATA, &c->device);

	if (r >= 0)
		r = partition_device_name(l->volume, ROLE_DATA, &c->wait_for);
	return r;
}

static const struct layer_kernel_ops kernel = {
    .open = open_layer,
    .close = close_layer,
    .cmdline = cmdline,
};

const struct layer_ops layer_partition = {
    .name = "partition",
    .summary = "A range of the medium, with or without an entry in its table.",
    .example = "partition { type = \"root\"  size = 256M }",
    .consumes = PLACE_GPT | PLACE_RAW,
    .provides = PLACE_BYTES,
    .options = options,
    .check = check,
    .bound = bound,
    .size = size,
    .gives = gives,
    .probe = probe,
    .attach = attach,
    .verify = verify,
    .kernel = &kernel,
};
