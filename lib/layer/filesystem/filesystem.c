/* SPDX-License-Identifier: Apache-2.0 */
/* File systems, empty or from a directory, made in a work file and copied onto the volume. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/hex.h"
#include "base/overflow.h"
#include "base/spawn.h"
#include "crypto/digest.h"
#include "kernel/mount.h"
#include "layer/crypt/crypt.h"
#include "layer/filesystem/filesystem.h"
#include "layer/registry.h"
#include "model/build.h"
#include "stack/attach.h"

enum { TYPE, SOURCE, OWNER, OPTIONS, LABEL };

static const char *const type_words[] = {"ext4", "f2fs", "vfat", "erofs", "squashfs", NULL};
static const struct filesystem_type *const types[] = {
    &filesystem_ext4, &filesystem_f2fs, &filesystem_vfat, &filesystem_erofs, &filesystem_squashfs};
static const char *const owner_words[] = {"keep", "root", NULL};
enum { OWNER_KEEP, OWNER_ROOT };

static const struct option_spec options[] = {
    [TYPE] = {"type", OPTION_WORD, "ext4", .words = type_words, .help = "Kind of file system"},
    [SOURCE] = {"source", OPTION_PATH,
		.help = "Directory that it is filled from; default: empty (ext4, f2fs and vfat)"},
    [OWNER] = {"owner", OPTION_WORD, "keep", .words = owner_words,
	       .help = "keep: owners as in the source (or as fakeroot says); root: all are root's"},
    [OPTIONS] = {"options", OPTION_LIST, .max = 16,
		 .help =
		     "More arguments for mke2fs, mkfs.f2fs, mkfs.vfat, mkfs.erofs or mksquashfs"},
    [LABEL] = {"label", OPTION_TEXT, .max = 16, .help = "Name of the file system"},
    {0},
};

static const struct filesystem_type *type_of(const struct layer *l)
{
	return types[l->values[TYPE].number];
}

bool filesystem_is_ext4(const struct layer *l)
{
	return type_of(l) == &filesystem_ext4;
}

/* --- programs --- */

const char *filesystem_path(const struct io *io)
{
	static _Thread_local char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", io_fd(io));
	return path;
}

int filesystem_run(struct env *env, const char *const *argv, const char *const *set_env,
		   const struct io *io, int extra_fd)
{
	const int fds[] = {io_fd(io), extra_fd};
	const struct spawn s = {
	    .argv = argv, .set_env = set_env, .keep_fds = fds, .n_keep_fds = extra_fd < 0 ? 1 : 2};

	return spawn_run(env, &s);
}

int filesystem_version(struct env *env, const char *const *argv, const char *start,
		       char ret[static 64])
{
	char output[8192];
	const struct spawn s = {
	    .argv = argv, .output = output, .output_size = sizeof(output), .output_errors = true};
	int r = spawn_status(env, &s);
	const char *line = r < 0 ? NULL : strstr(output, start);

	if (!line) {
		r = diag_fail(DIAG_PROGRAM, r < 0 ? -r : EIO, "the program %s is not installed",
			      argv[0]);
		diag_next("install the package that has %s", argv[0]);
		return r;
	}
	snprintf(ret, 64, "%.*s", (int)min_u64(63, strcspn(line, "\n,(")), line);
	for (size_t n = strlen(ret); n > 0 && ret[n - 1] == ' '; n--)
		ret[n - 1] = 0;
	return 0;
}

/* --- source --- */

static int check(const struct layer *l)
{
	const struct filesystem_type *t = type_of(l);
	const struct option_value *label = &l->values[LABEL];
	char at[WHERE_SIZE];

	if (t->exact && !l->values[SOURCE].present)
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

/* UUIDs that are the same wherever the same sources are laid out. */
static int source_uuid(const struct layer *l, const char *purpose, struct uuid *ret)
{
	const struct layout *layout = l->volume->layout;
	_cleanup_text_ struct text t = {0};
	uint8_t digest[SHA256_BYTES];
	int r;

	text_add(&t, "holdfast %s %s ", purpose, l->volume->name);
	text_add_bytes(&t, layout->device.has_seed ? layout->device.seed : l->source.digest,
		       SHA256_BYTES);
	if (t.failed)
		return diag_no_memory();
	r = digest_sha256(t.s, t.len, digest);
	memcpy(ret->b, digest, sizeof(ret->b));
	uuid_set_version(ret);
	return r;
}

static int fill_job(const struct layer *l, const struct source_tree *tree, uint32_t sector_bytes,
		    struct filesystem_job *job)
{
	int r;

	*job = (struct filesystem_job){
	    .source = l->values[SOURCE].present ? l->values[SOURCE].path : NULL,
	    .tree = tree,
	    .label = l->values[LABEL].present ? l->values[LABEL].text : NULL,
	    .all_root = l->values[OWNER].number == OWNER_ROOT,
	    .sector_bytes = sector_bytes ? sector_bytes : 512,
	    .options = l->values[OPTIONS].list,
	    .n_options = l->values[OPTIONS].n_list,
	};
	r = source_uuid(l, "file system", &job->uuid);
	return r < 0 ? r : source_uuid(l, "directory hash seed", &job->hash_seed);
}

static int changed(const char *path)
{
	int r = diag_fail(DIAG_SOURCE_CHANGED, ESTALE, "source %s changed while it was read", path);

	diag_next("let it come to rest, then run the same command again");
	return r;
}

/* Makes an exact image; @ret holds it, with its size. */
static int build_exact(struct layer *l, const struct source_tree *tree, struct env *env)
{
	const struct filesystem_type *t = type_of(l);
	_cleanup_io_ struct io *work = NULL;
	struct filesystem_job job;
	struct io *made;
	int fd, r = fill_job(l, tree, 0, &job);

	if (r >= 0)
		r = env_work_file(env, t->name, 0, &work);
	if (r >= 0)
		r = t->build(&job, work, env);
	if (r < 0)
		return r;
	fd = fcntl(io_fd(work), F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return diag_file(errno, t->name);
	r = io_from_fd(fd, t->name, false, &made); /* its size is known now */
	if (r >= 0)
		r = io_keep(made, &l->volume->layout->arena);
	if (r < 0)
		return r;
	l->source.prepared = made;
	l->source.content_bytes = l->source.minimum_bytes = made->size_bytes;
	return 0;
}

static int refuse_owner(const struct layer *l)
{
	char at[WHERE_SIZE];

	return diag_fail(
	    DIAG_SOURCE, EPERM,
	    "%ssource %s belongs to the caller, and so would every file on the device; "
	    "write owner = \"root\", or run under fakeroot",
	    where_text(&l->values[SOURCE].where, at), l->values[SOURCE].path);
}

static int survey(struct layer *l, struct env *env)
{
	const struct filesystem_type *t = type_of(l);
	struct source_tree *tree;
	char tool[64];
	const char *path = l->values[SOURCE].path;
	bool all_root = l->values[OWNER].number == OWNER_ROOT;
	int r;

	if (!path) { /* empty: nothing to read, but what makes it counts */
		r = t->tool(env, tool);
		l->source.tool = r < 0 ? NULL : arena_strdup(&l->volume->layout->arena, tool);
		l->source.minimum_bytes = t->empty_bytes;
		return r;
	}
	tree = arena_new(&l->volume->layout->arena, struct source_tree);
	if (!tree)
		return diag_no_memory();
	env_begin(env, "reading sources", 0);
	r = source_tree_read(path, all_root, env, tree);
	if (r >= 0)
		r = t->tool(env, tool);
	if (r < 0)
		return r;
	if (!tree->foreign_owner && !all_root && geteuid() != 0 && l->values[OWNER].given == false)
		return refuse_owner(l);
	l->source.tool = arena_strdup(&l->volume->layout->arena, tool);
	memcpy(l->source.digest, tree->digest, SHA256_BYTES);
	l->source.surveyed = true;
	l->source.details = tree;
	if (t->exact)
		r = build_exact(l, tree, env);
	else
		l->source.minimum_bytes = t->least(tree);
	if (r >= 0 && t->exact)
		r = source_tree_changed(path, tree, env) ? changed(path) : 0;
	return r;
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

/* Does @l, or one that it stands on, tell what was changed? */
static bool layer_authenticates(const struct layer *l)
{
	for (; l; l = l->below) {
		if (l->ops->provides == PLACE_BYTES_RO || l->ops == &layer_integrity ||
		    (l->ops == &layer_crypt && crypt_layer_kind(l)->tag_bytes))
			return true;
	}
	return false;
}

/* Why, or NULL. */
static const char *only_kernel(const struct layer *l)
{
	const char *why = NULL;

	for (; l && !why; l = l->below)
		why = l->ops == &layer_crypt ? crypt_layer_only_kernel(l) : NULL;
	return why;
}

static bool under_verity(const struct layer *l)
{
	for (const struct layer *b = l->below; b; b = b->below) {
		if (b->ops->provides == PLACE_BYTES_RO)
			return true;
	}
	return false;
}

/* Types that take the size of their place are made now. */
static int make(const struct layer *l, const struct io *place, struct env *env, struct io **ret)
{
	const struct filesystem_type *t = type_of(l);
	const struct source_tree *tree = l->source.details;
	const char *path = l->values[SOURCE].path;
	_cleanup_io_ struct io *work = NULL;
	struct filesystem_job job;
	int r = fill_job(l, tree, place->sector_bytes, &job);

	job.lean = layer_authenticates(l->below);
	if (r >= 0)
		r = env_work_file(env, t->name, round_down(place->size_bytes, 4096), &work);
	if (r >= 0)
		r = t->build(&job, work, env);
	if (r >= 0 && path)
		r = source_tree_changed(path, tree, env) ? changed(path) : 0;
	if (r >= 0)
		*ret = TAKE(work);
	return r;
}

static int run_make(const struct step *s, struct job *job, struct cursor *cursor)
{
	const struct layer *l = s->layer;
	_cleanup_attached_ struct attached below = {0};
	_cleanup_io_ struct io *made = NULL;
	struct io *to;
	int r = layer_attach_below(l, job, ATTACH_WRITE, &below, &to);

	if (r >= 0 && !l->source.prepared)
		r = make(l, to, job->env, &made);
	if (r >= 0)
		r = filesystem_copy(made ? made : l->source.prepared, to,
				    type_of(l)->lazy && !under_verity(l), job->env);
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
	step.detail =
	    arena_print(&p->arena, "%s by %s, source %.16s", type_of(l)->name, l->source.tool, hex);
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

	return r < 0 ? r : filesystem_grow_ext4(place, p->old_bytes, job->env);
}

static const struct step_ops grow_step = {"grow file system", STEP_REDO, run_grow, NULL};

/* In place, because the source need not be here; what cannot grow is made anew from it. */
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
	if (type_of(l) == &filesystem_ext4)
		return plan_add(p, &step);
	if (l->source.details)
		return plan(l, p);
	return diag_fail(DIAG_LAYOUT_TYPE, EINVAL,
			 "%s%s cannot grow: give the volume a size, or its source here",
			 where_text(&l->where, at), type_of(l)->name);
}

/* --- checking --- */

static int read_magic(const struct layer *l, struct job *job, bool *ret_there)
{
	const struct filesystem_type *t = type_of(l);
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

	for (int i = 0; type_words[i]; i++) {
		bool there = false;
		int r = layer_set(l, "type", &type_words[i], 1, nowhere);

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
	const struct filesystem_type *t = type_of(l);
	const struct finding f = {
	    .kind = FINDING_CORRUPT,
	    .volume = l->volume->full_name,
	    .layer = l->ops->name,
	    .area = "superblock",
	    .offset_bytes = l->volume->pieces[ROLE_DATA].extent.offset_bytes + t->magic_offset,
	    .len_bytes = t->magic_len,
	    .text = "is not there: no file system of its type stands here",
	};
	bool there;
	int r;

	if (under_verity(l))
		return 0;
	if (only_kernel(l))
		return report_note(report,
				   "%s: only the kernel %s: the file system was not looked at",
				   l->volume->full_name, only_kernel(l)) < 0
			   ? diag_no_memory()
			   : 0;
	r = read_magic(l, job, &there);
	if (r < 0)
		return r;
	if (!layer_authenticates(l->below))
		report_note(report, "%s: %s without authentication: contents cannot be verified",
			    l->volume->full_name, t->name);
	return there || report_add(report, &f) == 0 ? 0 : diag_no_memory();
}

/* --- the kernel --- */

static int directory_of(const struct layer *l, const struct open_how *how,
			char ret[static PLACE_PATH_SIZE])
{
	const struct volume *v = l->volume;
	int n = snprintf(ret, PLACE_PATH_SIZE, "%s/%s%s%s", how->mount_below, v->name,
			 v->slot ? "-" : "", v->slot ? v->slot : "");

	return n < PLACE_PATH_SIZE ? 0 : diag_file(ENAMETOOLONG, how->mount_below);
}

static int open_layer(const struct layer *l, struct job *job, const struct open_how *how,
		      const struct place *below, struct place *ret)
{
	bool read_only = below->read_only || how->read_only || type_of(l)->exact;
	struct place place = {.kind = PLACE_DIRECTORY, .read_only = read_only};
	int r = directory_of(l, how, place.path);

	if (r >= 0)
		r = mount_attach(below->path, place.path, type_of(l)->mount_type, NULL, read_only);
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
	c->fstype = type_of(l)->mount_type;
	c->read_only |= type_of(l)->exact;
	return 0;
}

const struct layer_ops layer_filesystem = {
    .name = "filesystem",
    .summary = "A file system, empty or filled from a directory.",
    .example = "filesystem { type = \"erofs\"  source = \"rootfs/\" }",
    .consumes = PLACE_BYTES | PLACE_BYTES_RO,
    .provides = PLACE_DIRECTORY,
    .options = options,
    .check = check,
    .survey = survey,
    .size = size,
    .gives = gives,
    .plan = plan,
    .grow = grow,
    .recognise = recognise,
    .probe = probe,
    .verify = verify,
    .open = open_layer,
    .close = close_layer,
    .cmdline = cmdline,
};
