/* SPDX-License-Identifier: Apache-2.0 */
/* Both copies of the table, read from a target and judged. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/overflow.h"
#include "medium/gpt-table.h"

uint64_t gpt_head_bytes(uint32_t sector_bytes)
{
	return 2ULL * sector_bytes + round_up(GPT_ARRAY_BYTES, sector_bytes);
}

uint64_t gpt_tail_bytes(uint32_t sector_bytes)
{
	return sector_bytes + round_up(GPT_ARRAY_BYTES, sector_bytes);
}

static int read_entries(struct io *target, struct gpt_copy *c)
{
	size_t len = gpt_array_bytes(&c->header);
	uint64_t offset;

	c->why = "its entries are said to lie beyond the target";
	if (!mul_u64(c->header.entries_lba, target->sector_bytes, &offset) ||
	    !range_inside(offset, round_up(len, target->sector_bytes), target->size_bytes))
		return 0;
	c->entries = malloc(len);
	if (!c->entries)
		return diag_no_memory();
	if (io_read(target, c->entries, len, offset) < 0) {
		c->readable = false;
		c->why = "its entries cannot be read";
	} else {
		c->entries_good = gpt_crc32(c->entries, len) == c->header.entries_crc;
		c->why = c->entries_good ? NULL : "its entries do not match their checksum";
	}
	return 0;
}

static int read_copy(struct io *target, uint64_t lba, struct gpt_copy *c)
{
	_cleanup_free_ uint8_t *sector = malloc(target->sector_bytes);

	if (!sector)
		return diag_no_memory();
	c->readable = true;
	c->why = "the target ends before it";
	if (!mul_u64(lba, target->sector_bytes, &c->offset_bytes) ||
	    !range_inside(c->offset_bytes, target->sector_bytes, target->size_bytes))
		return 0;
	c->why = "cannot be read";
	c->readable = io_read(target, sector, target->sector_bytes, c->offset_bytes) >= 0;
	if (!c->readable)
		return 0;
	c->seen = gpt_has_signature(sector, target->sector_bytes);
	if (gpt_decode_header(sector, target->sector_bytes, &c->header, &c->why) < 0)
		return 0;
	c->why = "says that it stands elsewhere";
	if (c->header.my_lba != lba)
		return 0;
	c->header_good = true;
	return read_entries(target, c);
}

bool gpt_copy_good(const struct gpt_copy *c)
{
	return c->header_good && c->entries_good;
}

/* Only the primary's header tells where a backup is that is not at the target's end. */
static int find_backup(struct io *target, uint64_t last, struct gpt_copies *c)
{
	uint64_t other = c->primary.header.other_lba;
	struct gpt_copy found = {0};
	int r;

	if (!c->primary.header_good || other == last || gpt_copy_good(&c->backup))
		return 0;
	c->cut_short = other > last;
	c->misplaced = other < last;
	if (!c->misplaced || other < 2)
		return 0;
	r = read_copy(target, other, &found);
	if (r >= 0 && (gpt_copy_good(&found) || !c->backup.seen)) {
		free(c->backup.entries);
		c->backup = found;
	} else {
		free(found.entries);
	}
	return r;
}

static bool differ(const struct gpt_header *a, const struct gpt_header *b)
{
	return a->entries != b->entries || a->entries_crc != b->entries_crc ||
	       a->first_usable_lba != b->first_usable_lba ||
	       a->last_usable_lba != b->last_usable_lba || !uuid_equal(&a->disk, &b->disk);
}

static void judge(struct gpt_copies *c, uint64_t last)
{
	const struct gpt_copy *best = gpt_copies_best(c);

	c->differ = gpt_copy_good(&c->primary) && gpt_copy_good(&c->backup) && !c->misplaced &&
		    differ(&c->primary.header, &c->backup.header);
	if (best && best->header.last_usable_lba >= last)
		c->cut_short = true;
}

int gpt_copies_read(struct io *target, struct gpt_copies *ret)
{
	uint64_t last = target->size_bytes / target->sector_bytes;
	struct gpt_copies c = {0};
	uint8_t mbr[512];
	int r = 0;

	if (last >= 8) {
		last--;
		c.mbr_good = io_read(target, mbr, sizeof(mbr), 0) >= 0 &&
			     gpt_is_protective_mbr(mbr, sizeof(mbr));
		r = read_copy(target, 1, &c.primary);
		if (r >= 0)
			r = read_copy(target, last, &c.backup);
		if (r >= 0)
			r = find_backup(target, last, &c);
		judge(&c, last);
	}
	if (r < 0)
		gpt_copies_free(&c);
	else
		*ret = c;
	return r;
}

void gpt_copies_free(struct gpt_copies *c)
{
	free(c->primary.entries);
	free(c->backup.entries);
	*c = (struct gpt_copies){0};
}

const struct gpt_copy *gpt_copies_best(const struct gpt_copies *c)
{
	return gpt_copy_good(&c->primary)  ? &c->primary
	       : gpt_copy_good(&c->backup) ? &c->backup
					   : NULL;
}

bool gpt_copies_want_mending(const struct gpt_copies *c)
{
	return gpt_copies_best(c) && !c->cut_short &&
	       (!gpt_copy_good(&c->primary) || !gpt_copy_good(&c->backup) || c->misplaced ||
		c->differ || !c->mbr_good);
}
