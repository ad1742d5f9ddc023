/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to a map of any kind. */
#include <errno.h>

#include "filemap/filemap.h"

enum filemap_use filemap_run(struct filemap *f, uint64_t offset, uint64_t max, uint64_t *ret_len)
{
	return f->ops->run(f, offset, max, ret_len);
}

enum filemap_use filemap_use(struct filemap *f, uint64_t offset, uint64_t len)
{
	enum filemap_use use = FILEMAP_FREE;

	while (len > 0 && use != FILEMAP_USED) {
		uint64_t n;
		enum filemap_use u = filemap_run(f, offset, len, &n);

		use = u > use ? u : use;
		offset += n;
		len -= n;
	}
	return use;
}

int filemap_name(struct filemap *f, uint64_t offset, uint64_t len, struct text *to)
{
	f->ops->describe(f, offset, len, to);
	return to->failed ? -ENOMEM : 0;
}

const char *filemap_note(const struct filemap *f)
{
	return f->note;
}

struct filemap *filemap_close(struct filemap *f)
{
	if (f)
		f->ops->close(f);
	return NULL;
}

void filemap_closep(struct filemap **f)
{
	filemap_close(*f);
}
