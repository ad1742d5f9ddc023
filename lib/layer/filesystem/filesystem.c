/* SPDX-License-Identifier: Apache-2.0 */
/* File systems, empty or from a directory, made in a work file and copied onto the volume. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/hex.h"
#include "base/overflow.h"
#include "format/dps.h"
#include "kernel/mount.h"
#include "layer/filesystem/copy.h"
#include "layer/filesystem/make.h"
#include "layer/registry.h"
#include "model/build.h"
#include "stack/attach.h"

static const char *const owner_words[] = {"keep", "root", NULL};
enum { MOUNT_RESTRICTED, MOUNT_FULL }; /* index in mount_words */
static const char *const mount_words[] = {"restricted", "full", NULL};

static const struct option_spec options[] = {
    [FILESYSTEM_TYPE] = {"type", OPTION_WORD, "ext4", .words = filesystem_type_words,
			 .help = "Kind of file system"},
    [FILESYSTEM_SOURCE] =
	{"source", OPTION_PATH,
	 .help = "Directory that it is filled from; default: empty (ext4, f2fs and vfat)"},
    [FILESYSTEM_OWNER] =
	{"owner", OPTION_WORD, "keep", .words = owner_words,
	 .help = "keep: owners as in the source (or as fakeroot says); root: all are root's"},
    [FILESYSTEM_OPTIONS] =
	{"options", OPTION_LIST, .max = 16,
	 .help = "More arguments for mke2fs, mkfs.f2fs, mkfs.vfat, mkfs.erofs or mksquashfs"},
    [FILESYSTEM_LABEL] = {"label", OPTION_TEXT, .max = 16, .help = "Name of the file system"},
    [FILESYSTEM_MOUNT] =
	{"mount", OPTION_WORD, .words = mount_words,
	 .help = "restricted: `open --mount` mounts it nosuid and nodev; full: without these. "
		 "Default: full on a verity layer and for types root and usr, else restricted"},
    {0},
};

static int check(const struct layer *l)
{
	const struct filesystem_type *t = filesystem_type_of(l);
	const struct option_value *label = &l->values[FILESYSTEM_LABEL];
	char at[WHERE_SIZE];

	if (t->exact && !l->values[FILESYSTEM_SOURCE].present)
		return diag_fail(DIAG_LAYOUT_VALUE, EINVAL,
				 "%s%s cannot be written later, so it needs source = \"DIRECTORY\"",
				 where_text(&l->where, at), t->name);
	if (label->present && strlen(label->text) > t->label_bytes)
		return diag_fail(
		    DIAG_LAYOUT_VALUE, EINVAL,
		    t->label_bytes ? "%slabel \"%s\" is longer than %s allows (%zu bytes)"
				   : "%slabel \"%s\": %s has no labels here (%zu bytes)",
		    where_text(&label->where, at), label->text, t->name, t->label_bytes);
	return 0;
}

/* --- planning --- */

static int size(const struct layer *l, struct sizing *s, struct plan *p)
{
	uint64_t sector = p->sector_bytes ? p->sector_bytes : 512;

	s->need_bytes = round_up(l->source.content_bytes, sector);
	s->least_bytes = round_up(l->source.minimum_bytes, sector);
	return 0;
}

static int gives(const struct layer *l, uint64_t *ret_bytes)
{
	return layer_below_gives(l, ret_bytes);
}

static int run_make(const struct step *s, struct job *job, struct cursor *cursor)
{
	const struct layer *l = s->layer;
	_cleanup_attached_ struct attached below = {0};
	_cleanup_io_ struct io *made = NULL;
	struct io *to;
	int r = layer_attach_below(l, job, ATTACH_WRITE, &below, &to);

	if (r >= 0 && !l->source.prepared)
		r = filesystem_make(l, to, job->env, &made);
	if (r >= 0) /* a hash tree is over all bytes */
		r = filesystem_copy(filesystem_type_of(l), made ? made : l->source.prepared, to,
				    layer_below_provides(l, PLACE_BYTES_RO), job->env);
	return r;
}

static const struct step_ops make_step = {"file system", STEP_REDO, run_make, NULL};

static int plan(const struct layer *l, struct plan *p)
{
	const struct extent *e = &l->volume->pieces[ROLE_DATA].extent;
	char hex[2 * SHA256_BYTES + 1] = "empty";
	struct step step = {.layer = l, .ops = &make_step, .target = *e};

	step.work_bytes =
	    l->source.content_bytes ? l->source.content_bytes : l->source.minimum_bytes;
	if (l->source.content_bytes)
		step.target.size_bytes = l->source.content_bytes;
	if (l->source.surveyed)
		hex_encode(l->source.digest, SHA256_BYTES, hex);
	step.detail = arena_print(&p->arena, "%s by %s, source %.16s", filesystem_type_of(l)->name,
				  l->source.tool, hex);
	return step.detail ? plan_add(p, &step) : diag_no_memory();
}

struct grow_params {
	uint64_t old_bytes;
};

static int run_grow(const struct step *s, struct job *job, struct cursor *cursor)
{
	const struct grow_params *p = s->params;
	_cleanup_attached_ struct attached below = {0};
	struct io *place;
	int r = layer_attach_below(s->layer, job, ATTACH_WRITE, &below, &place);

	return r < 0 ? r : filesystem_type_of(s->layer)->grow(place, p->old_bytes, job->env);
}

static const struct step_ops grow_step = {"grow file system", STEP_REDO, run_grow, NULL};

/* In place, because the source may be missing. A file system that cannot grow is made again from
 * it. */
static int grow(const struct layer *l, uint64_t old_bytes, struct plan *p)
{
	struct grow_params *params = arena_new(&p->arena, struct grow_params);
	struct step step = {.layer = l,
			    .ops = &grow_step,
			    .params = params,
			    .target = l->volume->pieces[ROLE_DATA].extent,
			    .work_bytes = old_bytes,
			    .detail = "resize2fs on a copy, changes through a redo log"};
	char at[WHERE_SIZE];

	if (!params)
		return diag_no_memory();
	params->old_bytes = old_bytes;
	if (filesystem_type_of(l)->grow)
		return plan_add(p, &step);
	if (l->source.details)
		return plan(l, p);
	return diag_fail(DIAG_LAYOUT_TYPE, EINVAL,
			 "%s%s cannot grow: give the volume a size, or its source here",
			 where_text(&l->where, at), filesystem_type_of(l)->name);
}

/* --- checking --- */

static int read_magic(const struct layer *l, struct job *job, bool *ret_there)
{
	const struct filesystem_type *t = filesystem_type_of(l);
	_cleanup_attached_ struct attached below = {0};
	char magic[8];
	struct io *io;
	int r = layer_attach_below(l, job, ATTACH_READ_RAW, &below, &io);

	if (r < 0)
		return r;
	r = io_read(io, magic, t->magic_len, t->magic_offset);
	*ret_there = r >= 0 && memcmp(magic, t->magic, t->magic_len) == 0;
	return 0;
}

/* Only where what is below can be read: a key may be missing. */
static int recognise(struct layer *l, struct job *job)
{
	const struct where nowhere = {0};
	size_t mark = diag_count();

	for (int i = 0; filesystem_type_words[i]; i++) {
		bool there = false;
		int r = layer_set(l, "type", &filesystem_type_words[i], 1, nowhere);

		if (r >= 0)
			r = read_magic(l, job, &there);
		if (r < 0)
			break;
		if (there)
			return 1;
	}
	diag_forget(mark);
	return 0;
}

static int probe(const struct layer *l, struct job *job, enum probe_result *ret)
{
	bool there;
	int r = read_magic(l, job, &there);

	if (r >= 0)
		*ret = there ? PROBE_MATCHES : PROBE_ABSENT;
	return r;
}

static int verify(const struct layer *l, struct job *job, struct report *report)
{
	const struct filesystem_type *t = filesystem_type_of(l);
	const char *only_kernel = layer_only_kernel(l);
	bool there;
	int r;

	if (layer_below_provides(l, PLACE_BYTES_RO)) /* the hash tree tells more */
		return 0;
	if (only_kernel) {
		r = report_note(report, "%s: only the kernel %s: the file system was not looked at",
				l->volume->full_name, only_kernel);
		return r < 0 ? diag_no_memory() : 0;
	}
	r = read_magic(l, job, &there);
	if (r < 0)
		return r;
	if (!layer_authenticates(l->below) &&
	    report_note(report, "%s: %s without authentication: contents cannot be verified",
			l->volume->full_name, t->name) < 0)
		return diag_no_memory();
	return there ? 0
		     : layer_report(l, report, FINDING_CORRUPT, "superblock", t->magic_offset,
				    t->magic_len,
				    "is not there: no file system of its type stands here");
}

static int map(const struct layer *l, struct io *io, struct env *env, struct filemap **ret,
	       const char **ret_why)
{
	const struct filesystem_type *t = filesystem_type_of(l);

	return t->map ? t->map(io, env, ret, ret_why) : -ENOTSUP;
}

/* --- the kernel --- */

#define NAME_SIZE (2 * NAME_MAX_BYTES + 2)
static void name_of(const struct volume *v, char ret[static NAME_SIZE])
{
	snprintf(ret, NAME_SIZE, "%s%s%s", v->name, v->slot ? "-" : "", v->slot ? v->slot : "");
}

/* Of a system, or of contents that cannot have been changed: else its set-user-ID programs and
 * device nodes count for nothing. */
static bool is_mounted_in_full(const struct layer *l)
{
	const struct option_value *said = &l->values[FILESYSTEM_MOUNT];
	const struct uuid *type = &l->volume->pieces[ROLE_DATA].type;

	if (said->present)
		return said->number == MOUNT_FULL;
	return layer_below_provides(l, PLACE_BYTES_RO) || dps_companion(type, DPS_VERITY);
}

static int directory_of(const struct layer *l, const struct open_how *how,
			char ret[static PLACE_PATH_SIZE])
{
	char name[NAME_SIZE];
	int n;

	name_of(l->volume, name);
	n = snprintf(ret, PLACE_PATH_SIZE, "%s/%s", how->mount_below, name);
	return n < PLACE_PATH_SIZE ? 0 : diag_file(ENAMETOOLONG, how->mount_below);
}

static int open_layer(const struct layer *l, struct job *job, const struct open_how *how,
		      const struct place *below, struct place *ret)
{
	bool read_only = below->read_only || how->read_only || filesystem_type_of(l)->exact;
	struct place place = {.kind = PLACE_DIRECTORY, .read_only = read_only};
	char name[NAME_SIZE];
	int r = directory_of(l, how, place.path);

	name_of(l->volume, name);
	if (r >= 0)
		r = mount_attach(below->path, how->mount_below, name,
				 filesystem_type_of(l)->mount_type,
				 is_mounted_in_full(l) ? NULL : "nosuid,nodev", read_only);
	if (r >= 0)
		*ret = place;
	return r;
}

static int close_layer(const struct layer *l, struct job *job, const struct open_how *how)
{
	char path[PLACE_PATH_SIZE];
	int r;

	if (!how->mount_below)
		return 0;
	r = directory_of(l, how, path);
	return r < 0 ? r : mount_detach(path);
}

static int cmdline(const struct layer *l, struct cmdline *c)
{
	c->fstype = filesystem_type_of(l)->mount_type;
	c->read_only |= filesystem_type_of(l)->exact;
	return 0;
}

static const struct layer_kernel_ops kernel = {
    .open = open_layer,
    .close = close_layer,
    .cmdline = cmdline,
};

const struct layer_ops layer_filesystem = {
    .name = "filesystem",
    .summary = "A file system, empty or filled from a directory.",
    .example = "filesystem { type = \"erofs\"  source = \"rootfs/\" }",
    .consumes = PLACE_BYTES | PLACE_BYTES_RO,
    .provides = PLACE_DIRECTORY,
    .options = options,
    .check = check,
    .survey = filesystem_survey,
    .size = size,
    .gives = gives,
    .plan = plan,
    .grow = grow,
    .recognise = recognise,
    .probe = probe,
    .verify = verify,
    .map = map,
    .kernel = &kernel,
};
