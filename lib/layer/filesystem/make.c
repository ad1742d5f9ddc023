/* SPDX-License-Identifier: Apache-2.0 */
/* The file system that a layer asks for, in a work file. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/io.h"
#include "base/overflow.h"
#include "crypto/digest.h"
#include "layer/filesystem/make.h"

const struct filesystem_type *filesystem_type_of(const struct layer *l)
{
	return filesystem_types[l->values[FILESYSTEM_TYPE].number];
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

static int describe(const struct layer *l, const struct source_tree *tree, uint32_t sector_bytes,
		    struct filesystem_make *ret)
{
	int r;

	*ret = (struct filesystem_make){
	    .source =
		l->values[FILESYSTEM_SOURCE].present ? l->values[FILESYSTEM_SOURCE].path : NULL,
	    .tree = tree,
	    .label = l->values[FILESYSTEM_LABEL].present ? l->values[FILESYSTEM_LABEL].text : NULL,
	    .all_root = l->values[FILESYSTEM_OWNER].number == OWNER_ROOT,
	    .sector_bytes = sector_bytes ? sector_bytes : 512,
	    .options = l->values[FILESYSTEM_OPTIONS].list,
	    .n_options = l->values[FILESYSTEM_OPTIONS].n_list,
	};
	r = source_uuid(l, "file system", &ret->uuid);
	return r < 0 ? r : source_uuid(l, "directory hash seed", &ret->hash_seed);
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
	const struct filesystem_type *t = filesystem_type_of(l);
	_cleanup_io_ struct io *work = NULL;
	struct filesystem_make what;
	struct io *made;
	int fd, r = describe(l, tree, 0, &what);

	if (r >= 0)
		r = env_work_file(env, t->name, 0, &work);
	if (r >= 0)
		r = t->build(&what, work, env);
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
	    where_text(&l->values[FILESYSTEM_SOURCE].where, at), l->values[FILESYSTEM_SOURCE].path);
}

int filesystem_survey(struct layer *l, struct env *env)
{
	const struct filesystem_type *t = filesystem_type_of(l);
	struct source_tree *tree;
	char tool[64];
	const char *path = l->values[FILESYSTEM_SOURCE].path;
	bool all_root = l->values[FILESYSTEM_OWNER].number == OWNER_ROOT;
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
	if (!tree->foreign_owner && !all_root && geteuid() != 0 &&
	    l->values[FILESYSTEM_OWNER].given == false)
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

int filesystem_make(const struct layer *l, const struct io *place, struct env *env, struct io **ret)
{
	const struct filesystem_type *t = filesystem_type_of(l);
	const struct source_tree *tree = l->source.details;
	const char *path = l->values[FILESYSTEM_SOURCE].path;
	_cleanup_io_ struct io *work = NULL;
	struct filesystem_make what;
	int r = describe(l, tree, place->sector_bytes, &what);

	what.lean = layer_authenticates(l->below);
	if (r >= 0)
		r = env_work_file(env, t->name, round_down(place->size_bytes, 4096), &work);
	if (r >= 0)
		r = t->build(&what, work, env);
	if (r >= 0 && path)
		r = source_tree_changed(path, tree, env) ? changed(path) : 0;
	if (r >= 0)
		*ret = TAKE(work);
	return r;
}
