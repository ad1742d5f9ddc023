/* SPDX-License-Identifier: Apache-2.0 */
/* dm-integrity in user space: data and tags of sectors, as they are on the medium. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/overflow.h"
#include "userspace/integrity/journal.h"
#include "userspace/integrity/superblock.h"
#include "userspace/integrity/tag.h"

#define LOOK_FIRST_BYTES 4096         /* of tags, at first: the next written one is often near */
#define LOOK_BYTES       (256 * 1024) /* and at most */

/* --- opening --- */

int integrity_open(struct io *below, const struct integrity_params *p,
		   const struct integrity_superblock *sb, bool replay, struct env *env,
		   struct integrity **ret)
{
	struct integrity *i = calloc(1, sizeof(*i));
	int r;

	if (!i)
		return diag_no_memory();
	i->below = below;
	i->sb = *sb;
	r = integrity_hashes_init(&i->hashes, p, env);
	if (r >= 0)
		r = integrity_fits(below, p, sb, &i->g);
	if (r >= 0 && replay)
		r = integrity_replay(i, p, env);
	if (r < 0) {
		integrity_close(i);
		return r;
	}
	*ret = i;
	return 0;
}

struct integrity *integrity_close(struct integrity *i)
{
	if (i) {
		integrity_hashes_free(&i->hashes);
		arena_free(&i->overlay_bytes);
		free(i->overlay);
		free(i->bitmap);
		free(i);
	}
	return NULL;
}

uint64_t integrity_sectors(const struct integrity *i)
{
	return i->g.sectors;
}

uint32_t integrity_tag_bytes(const struct integrity *i)
{
	return i->g.tag_bytes;
}

uint32_t integrity_sector_bytes(const struct integrity *i)
{
	return i->g.sector_bytes;
}

struct io *integrity_below(const struct integrity *i)
{
	return i->below;
}

uint64_t integrity_data_offset(const struct integrity *i, uint64_t sector)
{
	return integrity_locate_data(&i->g, sector);
}

uint64_t integrity_tag_offset(const struct integrity *i, uint64_t sector)
{
	return integrity_locate_tag(&i->g, sector);
}

void integrity_journal(const struct integrity *i, struct integrity_journal_report *ret)
{
	*ret = i->report;
}

/* --- reading and writing --- */

static bool inside(const struct integrity *i, uint64_t first, uint64_t n)
{
	return range_inside(first, n, i->g.sectors);
}

/* Index of the first overlay at or after @sector; i->n_overlay if there is none. */
static size_t overlay_find(const struct integrity *i, uint64_t sector)
{
	size_t low = 0, high = i->n_overlay;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (i->overlay[middle].sector < sector)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Copies sectors that are in the journal over those from the data area. */
static void lay_over(const struct integrity *i, uint64_t first, uint64_t n, uint8_t *data,
		     uint8_t *tags)
{
	for (size_t k = overlay_find(i, first);
	     k < i->n_overlay && i->overlay[k].sector < first + n; k++) {
		const struct integrity_overlay *o = &i->overlay[k];

		if (data)
			memcpy(data + (o->sector - first) * i->g.sector_bytes, o->data,
			       i->g.sector_bytes);
		if (tags)
			memcpy(tags + (o->sector - first) * i->g.tag_bytes, o->tag, i->g.tag_bytes);
	}
}

int integrity_read(struct integrity *i, uint64_t first, uint64_t n, void *data, uint8_t *tags)
{
	uint64_t done = 0;
	int r = inside(i, first, n) ? 0 : -EIO;

	while (done < n && r >= 0) {
		uint64_t run = min_u64(n - done, integrity_area_rest(&i->g, first + done));

		if (data)
			r = io_read(i->below, (uint8_t *)data + done * i->g.sector_bytes,
				    (size_t)(run * i->g.sector_bytes),
				    integrity_locate_data(&i->g, first + done));
		if (tags && r >= 0)
			r = io_read(i->below, tags + done * i->g.tag_bytes,
				    (size_t)(run * i->g.tag_bytes),
				    integrity_locate_tag(&i->g, first + done));
		done += run;
	}
	if (r >= 0)
		lay_over(i, first, n, data, tags);
	return r;
}

int integrity_write(struct integrity *i, uint64_t first, uint64_t n, const void *data,
		    const uint8_t *tags)
{
	uint64_t done = 0;
	int r = inside(i, first, n) ? 0 : -EIO;

	if (i->n_overlay)
		return -EBUSY;
	while (done < n && r >= 0) {
		uint64_t run = min_u64(n - done, integrity_area_rest(&i->g, first + done));

		if (data)
			r = io_write(i->below, (const uint8_t *)data + done * i->g.sector_bytes,
				     (size_t)(run * i->g.sector_bytes),
				     integrity_locate_data(&i->g, first + done));
		if (tags && r >= 0)
			r = io_write(i->below, tags + done * i->g.tag_bytes,
				     (size_t)(run * i->g.tag_bytes),
				     integrity_locate_tag(&i->g, first + done));
		done += run;
	}
	return r;
}

/* --- what was written --- */

/* Index of the first of @n tags that is not all zeroes; @n if there is none. */
static uint64_t first_nonzero(const uint8_t *tags, uint64_t n, uint32_t tag_bytes)
{
	uint64_t len = n * tag_bytes, at = 0;

	if (integrity_is_all(tags, (size_t)len, 0))
		return n;
	while (!tags[at])
		at++;
	return at / tag_bytes;
}

/* The first sector whose tag is after a hole of @hole bytes at the tag of @sector. */
static uint64_t after_hole(const struct integrity *i, uint64_t sector, uint64_t hole)
{
	uint64_t rest = integrity_area_rest(&i->g, sector);
	uint64_t end = integrity_locate_tag(&i->g, sector) + hole;
	uint64_t area;

	if (hole < rest * i->g.tag_bytes)
		return sector + hole / i->g.tag_bytes;
	/* The area in which, or before whose data, the hole ends. */
	area = (end - i->g.initial_bytes) / i->g.area_bytes;
	end = (end - i->g.initial_bytes) % i->g.area_bytes / i->g.tag_bytes;
	sector = area * i->g.area_sectors + min_u64(end, i->g.area_sectors);
	return min_u64(sector, i->g.sectors);
}

/* integrity_next_written() without the overlay. */
static int next_on_medium(const struct integrity *i, uint64_t sector, uint64_t *ret)
{
	_cleanup_free_ uint8_t *tags = malloc(LOOK_BYTES);
	uint64_t look = LOOK_FIRST_BYTES;

	if (!tags)
		return -ENOMEM;
	while (sector < i->g.sectors) {
		uint64_t at = integrity_locate_tag(&i->g, sector), len, n;
		bool data;
		int r = io_extent(i->below, at, &data, &len);

		if (r < 0)
			return r;
		if (!data && len >= i->g.tag_bytes) {
			sector = after_hole(i, sector, len);
			continue;
		}
		n = min_u64(integrity_area_rest(&i->g, sector), look / i->g.tag_bytes);
		r = io_read(i->below, tags, (size_t)(n * i->g.tag_bytes), at);
		if (r < 0)
			return r;
		at = first_nonzero(tags, n, i->g.tag_bytes);
		sector += at;
		if (at < n)
			break;
		look = min_u64(look * 2, LOOK_BYTES);
	}
	*ret = sector;
	return 0;
}

int integrity_next_written(struct integrity *i, uint64_t sector, uint64_t *ret)
{
	size_t k = overlay_find(i, sector);
	uint64_t found = sector;
	int r;

	for (;;) {
		r = next_on_medium(i, found, &found);
		if (r < 0)
			return r;
		/* The journal may have written an earlier sector, or wiped this one. */
		for (; k < i->n_overlay && i->overlay[k].sector <= found; k++) {
			if (!integrity_is_all(i->overlay[k].tag, i->g.tag_bytes, 0)) {
				*ret = i->overlay[k].sector;
				return 0;
			}
			if (i->overlay[k].sector == found)
				break;
		}
		if (k == i->n_overlay || i->overlay[k].sector != found)
			break;
		found++; /* it was wiped */
		k++;
	}
	*ret = found;
	return 0;
}
