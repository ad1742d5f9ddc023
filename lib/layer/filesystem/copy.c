/* SPDX-License-Identifier: Apache-2.0 */
/* A file system out of its work file onto the medium: all of it, or what it uses. */
#include <errno.h>

#include "base/diag.h"
#include "base/overflow.h"
#include "filemap/ext4.h"
#include "filemap/filemap.h"
#include "layer/filesystem/filesystem.h"

#define HEAD_BYTES (64 * 1024) /* hold every type's superblock; written last */

/* Of an ext4 only what is in use goes onto the medium: what mke2fs wrote, and what it left a hole
 * because it is zero (the journal, for one). What was never written stays as it is. */
static int copy_used(struct io *from, struct io *to, uint64_t start, struct env *env)
{
	struct filemap *map = NULL;
	const char *why = NULL;
	int r = filemap_ext4_open(from, env, &map, &why);

	if (r < 0 && r != -EIO && r != -ENOMEM)
		r = diag_fail(DIAG_PROGRAM, EUCLEAN, "what mke2fs made cannot be read: %s",
			      why ? why : "no ext4");
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

/* Head last: until then nothing recognises what stands there. */
int filesystem_copy(struct io *from, struct io *to, bool lazy, struct env *env)
{
	uint64_t len = from->size_bytes, head = min_u64(len, HEAD_BYTES);
	static const uint8_t nothing[HEAD_BYTES];
	int r = io_write(to, nothing, (size_t)head, 0);

	if (r >= 0 && lazy)
		r = copy_used(from, to, head, env);
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
