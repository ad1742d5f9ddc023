/* SPDX-License-Identifier: Apache-2.0 */
/* A file system out of its work file onto the medium: all of it, or what it uses. */
#include <errno.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/overflow.h"
#include "filemap/filemap.h"
#include "layer/filesystem/copy.h"

#define HEAD_BYTES (64 * 1024) /* of every type, the superblock is in these */

/* Only what is in use goes onto the medium: what mkfs wrote, and what it left a hole because it is
 * zero (ext4's journal, for one). The rest stays as it is. */
static int copy_used(const struct filesystem_type *t, struct io *from, struct io *to,
		     uint64_t start, struct env *env)
{
	struct filemap *map = NULL;
	const char *why = NULL;
	int r = t->map(from, env, &map, &why);

	if (r < 0 && r != -EIO && r != -ENOMEM)
		r = diag_fail(DIAG_PROGRAM, EUCLEAN, "the new %s cannot be read: %s", t->name, why);
	for (uint64_t at = start; at < from->size_bytes && r >= 0;) {
		uint64_t len;
		bool data;

		r = io_extent(from, at, &data, &len);
		if (r >= 0 && data)
			r = io_copy(from, at, to, at, len, false, env);
		for (uint64_t hole = at, n; r >= 0 && !data && hole < at + len; hole += n) {
			if (filemap_run(map, hole, at + len - hole, &n) == FILEMAP_USED)
				r = io_zero(to, hole, n);
		}
		at += len;
	}
	filemap_close(map);
	return r;
}

/* The head last: until then nothing recognises a file system there. */
int filesystem_copy(const struct filesystem_type *t, struct io *from, struct io *to, bool all,
		    struct env *env)
{
	uint64_t len = from->size_bytes, head = min_u64(len, HEAD_BYTES);
	static const uint8_t nothing[HEAD_BYTES];
	int r = io_write(to, nothing, (size_t)head, 0);

	if (r >= 0 && t->map && !all)
		r = copy_used(t, from, to, head, env);
	else if (r >= 0)
		r = io_copy(from, head, to, head, len - head, false, env);
	if (r >= 0)
		r = io_flush(to);
	if (r >= 0)
		r = io_copy(from, 0, to, 0, head, false, env);
	if (r == -ECANCELED)
		return diag_fail(DIAG_SIGNAL, ECANCELED,
				 "stopped while the file system was written");
	return r < 0 ? io_fail(to, r, "writing the file system,", 0, len) : 0;
}
