/* SPDX-License-Identifier: Apache-2.0 */
/* The table itself: both copies read and judged; made by libfdisk on a sparse memfd. */
#include <errno.h>
#include <inttypes.h>
#include <libfdisk.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/overflow.h"
#include "base/text.h"
#include "medium/gpt-table.h"

uint64_t gpt_head_bytes(uint32_t sector_bytes)
{
	return 2ULL * sector_bytes + round_up(GPT_ARRAY_BYTES, sector_bytes);
}

uint64_t gpt_tail_bytes(uint32_t sector_bytes)
{
	return sector_bytes + round_up(GPT_ARRAY_BYTES, sector_bytes);
}

/* --- reading --- */

static int read_entries(struct io *target, struct gpt_copy *c)
{
	size_t len = (size_t)c->header.entries * GPT_ENTRY_BYTES;
	uint64_t offset;

	if (!mul_u64(c->header.entries_lba, target->sector_bytes, &offset)) {
		c->why = "has impossible numbers";
		return 0;
	}
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
	c->why = "the target ends before it";
	if (!mul_u64(lba, target->sector_bytes, &c->offset_bytes) ||
	    !range_inside(c->offset_bytes, target->sector_bytes, target->size_bytes))
		return 0;
	c->why = "cannot be read";
	if (io_read(target, sector, target->sector_bytes, c->offset_bytes) < 0)
		return 0;
	c->readable = true;
	c->seen = gpt_has_signature(sector, target->sector_bytes);
	if (gpt_decode_header(sector, target->sector_bytes, &c->header, &c->why) < 0)
		return 0;
	if (c->header.my_lba != lba) {
		c->why = "says that it stands elsewhere";
		return 0;
	}
	c->header_good = true;
	return read_entries(target, c);
}

static bool good(const struct gpt_copy *c)
{
	return c->header_good && c->entries_good;
}

int gpt_copies_read(struct io *target, struct gpt_copies *ret)
{
	uint64_t last = target->size_bytes / target->sector_bytes;
	struct gpt_copies c = {0};
	int r = 0;

	if (last >= 8) {
		r = read_copy(target, 1, &c.primary);
		if (r >= 0)
			r = read_copy(target, last - 1, &c.backup);
		if (r >= 0 && good(&c.primary) && !c.backup.seen &&
		    c.primary.header.other_lba != last - 1) {
			c.misplaced = true;
			r = read_copy(target, c.primary.header.other_lba, &c.backup);
		}
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
	return good(&c->primary) ? &c->primary : good(&c->backup) ? &c->backup : NULL;
}

/* --- writing --- */

struct table {
	struct fdisk_context *cxt;
	struct io *image; /* sparse memfd of the target's size */
};

static void table_free(struct table *t)
{
	if (t->cxt)
		fdisk_unref_context(t->cxt);
	io_close(t->image);
}
#define _cleanup_table_ __attribute__((cleanup(table_free)))

static int fail(int r, const char *doing)
{
	return diag_fail(DIAG_INTERNAL, r < 0 ? -r : EIO, "libfdisk: %s: %s", doing,
			 strerror(r < 0 ? -r : EIO));
}

static int new_image(const struct io *target, struct io **ret)
{
	int fd = memfd_create("gpt", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)target->size_bytes) < 0) {
		int r = diag_file(errno, "memfd");

		if (fd >= 0)
			close(fd);
		return r;
	}
	return io_from_fd(fd, "gpt", true, ret);
}

static int assign(struct table *t, const struct io *target)
{
	char path[32];
	int r;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", io_fd(t->image));
	t->cxt = fdisk_new_context();
	if (!t->cxt)
		return diag_no_memory();
	fdisk_disable_dialogs(t->cxt, 1);
	fdisk_save_user_sector_size(t->cxt, target->sector_bytes, target->sector_bytes);
	r = fdisk_assign_device(t->cxt, path, 0);
	return r ? fail(r, "opening the table in memory") : 0;
}

static void flags_text(uint64_t flags, struct text *to)
{
	static const char *const low[] = {"RequiredPartition", "NoBlockIOProtocol",
					  "LegacyBIOSBootable"};
	bool any = false;

	for (int bit = 0; bit < 3; bit++) {
		if (flags >> bit & 1)
			text_add(to, "%s%s", to->len ? " " : "", low[bit]);
	}
	for (int bit = 48; bit < 64; bit++) {
		if (!(flags >> bit & 1))
			continue;
		text_add(to, "%s%d", any ? "," : to->len ? " GUID:" : "GUID:", bit);
		any = true;
	}
}

static int fill_partition(struct table *t, const struct request *r, uint32_t sector,
			  struct fdisk_partition *pa)
{
	char uuid[UUID_TEXT_SIZE], type[UUID_TEXT_SIZE];
	_cleanup_text_ struct text flags = {0};
	struct fdisk_parttype *pt;
	size_t number;
	int e;

	uuid_print(&r->uuid, uuid);
	uuid_print(&r->type, type);
	flags_text(r->flags, &flags);
	pt = fdisk_label_parse_parttype(fdisk_get_label(t->cxt, NULL), type);
	e = pt ? fdisk_partition_set_type(pa, pt) : -ENOMEM;
	fdisk_unref_parttype(pt);
	e = e ? e : fdisk_partition_set_partno(pa, r->number - 1);
	e = e ? e : fdisk_partition_set_start(pa, r->placed.offset_bytes / sector);
	e = e ? e : fdisk_partition_set_size(pa, r->placed.size_bytes / sector);
	e = e ? e : fdisk_partition_size_explicit(pa, 1); /* no rounding of its end */
	e = e ? e : fdisk_partition_set_uuid(pa, uuid);
	e = e ? e : fdisk_partition_set_name(pa, r->label);
	if (!e && flags.len)
		e = fdisk_partition_set_attrs(pa, flags.s);
	e = e ? e : fdisk_add_partition(t->cxt, pa, &number);
	return e ? fail(e, r->what) : 0;
}

static int add_partition(struct table *t, const struct request *r, uint32_t sector)
{
	struct fdisk_partition *pa = fdisk_new_partition();
	int e;

	if (!pa)
		return diag_no_memory();
	e = fill_partition(t, r, sector, pa);
	fdisk_unref_partition(pa);
	return e;
}

static int save(struct table *t)
{
	int r = fdisk_write_disklabel(t->cxt);

	if (r)
		return fail(r, "writing the table in memory");
	fdisk_deassign_device(t->cxt, 1);
	return 0;
}

static int copy_range(struct table *t, struct io *target, uint64_t offset, uint64_t len)
{
	int r = io_copy(t->image, offset, target, offset, len, false, NULL);

	if (r >= 0)
		r = io_flush(target);
	return r < 0 ? io_fail(target, r, "writing the partition table,", offset, len) : 0;
}

static int put(struct table *t, struct io *target, bool primary_first)
{
	uint64_t head = gpt_head_bytes(target->sector_bytes);
	uint64_t tail = gpt_tail_bytes(target->sector_bytes);
	uint64_t tail_offset =
	    target->size_bytes / target->sector_bytes * target->sector_bytes - tail;
	int r = 0;

	if (primary_first)
		r = copy_range(t, target, 0, head);
	if (r >= 0)
		r = copy_range(t, target, tail_offset, tail);
	if (r >= 0 && !primary_first)
		r = copy_range(t, target, 0, head);
	return r;
}

int gpt_table_write(struct io *target, const struct uuid *disk, const struct request *requests,
		    size_t n)
{
	_cleanup_table_ struct table t = {0};
	char id[UUID_TEXT_SIZE];
	int r = new_image(target, &t.image);

	if (r >= 0)
		r = assign(&t, target);
	if (r < 0)
		return r;
	uuid_print(disk, id);
	/* Its own default leaves the first MiB unused, where boot areas may want to be. */
	fdisk_set_first_lba(t.cxt, gpt_head_bytes(target->sector_bytes) / target->sector_bytes);
	r = fdisk_create_disklabel(t.cxt, "gpt");
	if (r == 0)
		r = fdisk_set_disklabel_id_from_string(t.cxt, id);
	if (r)
		return fail(r, "making a table");
	for (size_t i = 0; i < n && r >= 0; i++) {
		if (requests[i].in_table)
			r = add_partition(&t, &requests[i], target->sector_bytes);
	}
	if (r >= 0)
		r = save(&t);
	return r < 0 ? r : put(&t, target, false);
}

/* libfdisk looks at a backup only behind a protective MBR (UEFI 2.10, table 5-4): one for the whole
 * disk, which it puts right when it writes. */
static int put_protective_mbr(struct io *image)
{
	static const uint8_t entry[16] = {0, 0, 2, 0, 0xee, 0xff, 0xff, 0xff,
					  1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff};
	uint8_t mbr[512] = {0};

	memcpy(mbr + 446, entry, sizeof(entry));
	mbr[510] = 0x55;
	mbr[511] = 0xaa;
	return io_write(image, mbr, sizeof(mbr), 0);
}

/* The good copy's bytes where libfdisk looks for them. */
static int load(struct table *t, struct io *target, const struct gpt_copies *c)
{
	uint64_t head = gpt_head_bytes(target->sector_bytes);
	uint64_t tail = gpt_tail_bytes(target->sector_bytes);
	uint64_t tail_offset =
	    target->size_bytes / target->sector_bytes * target->sector_bytes - tail;
	int r = put_protective_mbr(t->image);

	if (r >= 0 && good(&c->primary))
		r = io_copy(target, target->sector_bytes, t->image, target->sector_bytes,
			    head - target->sector_bytes, true, NULL);
	else if (r >= 0)
		r = io_copy(target, tail_offset, t->image, tail_offset, tail, true, NULL);
	return r < 0 ? io_fail(target, r, "reading the partition table,", 0, head) : 0;
}

int gpt_table_mend(struct io *target)
{
	_cleanup_gpt_copies_ struct gpt_copies c = {0};
	_cleanup_table_ struct table t = {0};
	int r = gpt_copies_read(target, &c);

	if (r < 0)
		return r;
	if (!gpt_copies_best(&c))
		return diag_fail(DIAG_DAMAGED, EUCLEAN,
				 "neither copy of the partition table is good");
	r = new_image(target, &t.image);
	if (r >= 0)
		r = load(&t, target, &c);
	if (r >= 0)
		r = assign(&t, target);
	if (r < 0)
		return r;
	if (!fdisk_has_label(t.cxt) || !fdisk_is_label(t.cxt, GPT))
		return diag_fail(DIAG_DAMAGED, EUCLEAN, "libfdisk cannot read the good copy");
	r = save(&t);
	return r < 0 ? r : put(&t, target, !good(&c.primary));
}
