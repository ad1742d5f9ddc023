/* SPDX-License-Identifier: Apache-2.0 */
/* What a sector that was never written means: free to the contents, or wiped by somebody. */
#include <errno.h>

#include "base/overflow.h"
#include "layer/tagged/steps.h"
#include "layer/tagged/use.h"

static const struct layer *top_of(const struct layer *l)
{
	while (l->above && l->above->ops->provides == PLACE_SAME)
		l = l->above;
	return l->above;
}

/* Contents that holdfast wrote itself, of a known size. */
static uint64_t written_sectors(const struct sector_device *d, const struct layer *top)
{
	if (d->written)
		return d->sectors;
	if (!top || !top->source.content_bytes)
		return 0;
	return min_u64(d->sectors, div_round_up(top->source.content_bytes, d->sector_bytes));
}

int sector_use_open(const struct sector_device *d, struct job *job, struct sector_use *ret)
{
	const struct layer *top = top_of(d->layer);
	struct sector_use u = {.d = d, .written_sectors = written_sectors(d, top)};
	int r = top && top->ops->map ? top->ops->map(top, d->plain, job->env, &u.map, &u.untold)
				     : -ENOTSUP;

	if (r == -ENOMEM || r == -EIO)
		return r;
	if (r == -ENOTSUP)
		u.untold = u.written_sectors ? NULL : "nothing says which sectors are in use";
	/* The beginning was written whatever the contents are: a sector of it without data was
	 * wiped. */
	if (!u.map && !layer_learned(d->layer, "foreign"))
		u.written_sectors = max_u64(
		    u.written_sectors, min_u64(d->sectors, TAGS_FIRST_BYTES / d->sector_bytes));
	*ret = u;
	return 0;
}

void sector_use_close(struct sector_use *u)
{
	u->map = filemap_close(u->map);
}

uint64_t sector_use_run(struct sector_use *u, uint64_t sector, uint64_t n, bool *ret_in_use)
{
	uint32_t size = u->d->sector_bytes;
	uint64_t len;

	*ret_in_use = sector < u->written_sectors;
	if (*ret_in_use)
		return min_u64(n, u->written_sectors - sector);
	if (!u->map)
		return n;
	*ret_in_use = filemap_run(u->map, sector * size, n * size, &len) == FILEMAP_USED;
	/* A sector that is in use in part is in use. */
	return max_u64(1, *ret_in_use ? div_round_up(len, size) : len / size);
}
