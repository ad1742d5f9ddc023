/* SPDX-License-Identifier: Apache-2.0 */
/* The table as libfdisk makes it on a sparse memfd, and how it gets onto the target. */
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

static int new_image(uint64_t size_bytes, uint32_t sector_bytes, struct io **ret)
{
	int fd = memfd_create("gpt", MFD_CLOEXEC);
	int r;

	if (fd < 0 || ftruncate(fd, (off_t)size_bytes) < 0) {
		r = diag_file(errno, "memfd");
		if (fd >= 0)
			close(fd);
		return r;
	}
	r = io_from_fd(fd, "gpt", true, ret);
	if (r >= 0)
		(*ret)->sector_bytes = sector_bytes;
	return r;
}

static int assign(struct table *t)
{
	char path[32];
	int r;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", io_fd(t->image));
	t->cxt = fdisk_new_context();
	if (!t->cxt)
		return diag_no_memory();
	fdisk_disable_dialogs(t->cxt, 1);
	fdisk_enable_bootbits_protection(t->cxt, 1); /* what is in the image's MBR, stays there */
	fdisk_save_user_sector_size(t->cxt, t->image->sector_bytes, t->image->sector_bytes);
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

/* --- onto the target --- */

/* Bytes that are right already are not written again: a good copy is never put at risk. */
static int copy_exactly(struct io *image, struct io *target, uint64_t offset, size_t len)
{
	_cleanup_free_ uint8_t *buf = malloc(2 * len);
	int r;

	if (!buf)
		return diag_no_memory();
	r = io_read(image, buf, len, offset);
	if (r < 0)
		return io_fail(image, r, "reading", offset, len);
	if (io_read(target, buf + len, len, offset) >= 0 && memcmp(buf, buf + len, len) == 0)
		return 0;
	r = io_write(target, buf, len, offset);
	return r < 0 ? io_fail(target, r, "writing the partition table,", offset, len) : 0;
}

static size_t entries_bytes(const struct io *io, const struct gpt_copy *c)
{
	return (size_t)round_up(gpt_array_bytes(&c->header), io->sector_bytes);
}

/* Writes nothing but the copy: a boot loader may begin right after its entries. */
static int put_copy(struct io *image, struct io *target, const struct gpt_copy *c)
{
	uint32_t sector = image->sector_bytes;
	int r =
	    copy_exactly(image, target, c->header.entries_lba * sector, entries_bytes(image, c));

	if (r >= 0)
		r = copy_exactly(image, target, c->offset_bytes, sector);
	if (r >= 0 && c->header.my_lba == 1)
		r = copy_exactly(image, target, 0, sector);
	if (r < 0)
		return r;
	r = io_flush(target);
	return r < 0 ? io_fail(target, r, "flushing the partition table,", c->offset_bytes, sector)
		     : 0;
}

static int put(struct io *image, struct io *target, bool primary_first)
{
	_cleanup_gpt_copies_ struct gpt_copies c = {0};
	int r = gpt_copies_read(image, &c);

	if (r < 0)
		return r;
	if (!gpt_copies_best(&c) || gpt_copies_want_mending(&c) || c.cut_short)
		return diag_fail(DIAG_INTERNAL, EUCLEAN,
				 "libfdisk made a partition table whose copies do not agree");
	r = put_copy(image, target, primary_first ? &c.primary : &c.backup);
	return r < 0 ? r : put_copy(image, target, primary_first ? &c.backup : &c.primary);
}

/* --- a new table --- */

/* Is the entry in the table exactly what was asked for? libfdisk moves and drops things. */
static bool made_as_asked(const struct gpt_copy *c, const struct request *r, uint32_t sector)
{
	struct gpt_entry e;

	return gpt_decode_entry(c->entries + (size_t)(r->number - 1) * GPT_ENTRY_BYTES,
				GPT_ENTRY_BYTES, &e) == 1 &&
	       e.first_lba == r->placed.offset_bytes / sector &&
	       e.last_lba - e.first_lba + 1 == r->placed.size_bytes / sector &&
	       uuid_equal(&e.uuid, &r->uuid) && uuid_equal(&e.type, &r->type) &&
	       e.flags == r->flags && strcmp(e.name, r->label) == 0;
}

static int check_made(struct io *image, const struct request *requests, size_t n)
{
	_cleanup_gpt_copies_ struct gpt_copies c = {0};
	int r = gpt_copies_read(image, &c);

	for (size_t i = 0; i < n && r >= 0 && gpt_copy_good(&c.primary); i++) {
		if (requests[i].in_table &&
		    !made_as_asked(&c.primary, &requests[i], image->sector_bytes))
			r = diag_fail(DIAG_INTERNAL, EUCLEAN,
				      "libfdisk made another partition than was asked for: %s",
				      requests[i].what);
	}
	return r;
}

/* Whose partition is kept, keeps its boot code, too. */
static int keep_boot_code(struct io *target, struct io *image, const struct request *requests,
			  size_t n)
{
	uint8_t code[GPT_BOOT_CODE_BYTES];
	int r = 0;

	for (size_t i = 0; i < n; i++) {
		if (requests[i].kind != REQUEST_KEEP)
			continue;
		r = io_read(target, code, sizeof(code), 0);
		if (r < 0)
			return io_fail(target, r, "reading", 0, sizeof(code));
		return io_write(image, code, sizeof(code), 0);
	}
	return r;
}

static int make_label(struct table *t, const struct uuid *disk)
{
	uint32_t sector = t->image->sector_bytes;
	char id[UUID_TEXT_SIZE];
	int r;

	uuid_print(disk, id);
	/* Its own default leaves the first MiB unused, where boot areas may want to be. */
	fdisk_set_first_lba(t->cxt, gpt_head_bytes(sector) / sector);
	r = fdisk_create_disklabel(t->cxt, "gpt");
	if (r == 0)
		r = fdisk_set_disklabel_id_from_string(t->cxt, id);
	return r ? fail(r, "making a table") : 0;
}

int gpt_table_write(struct io *target, const struct uuid *disk, const struct request *requests,
		    size_t n)
{
	_cleanup_table_ struct table t = {0};
	uint32_t sector = target->sector_bytes;
	int r = new_image(round_down(target->size_bytes, sector), sector, &t.image);

	if (r >= 0)
		r = keep_boot_code(target, t.image, requests, n);
	if (r >= 0)
		r = assign(&t);
	if (r >= 0)
		r = make_label(&t, disk);
	for (size_t i = 0; i < n && r >= 0; i++) {
		if (requests[i].in_table)
			r = add_partition(&t, &requests[i], sector);
	}
	if (r >= 0)
		r = save(&t);
	if (r >= 0)
		r = check_made(t.image, requests, n);
	return r < 0 ? r : put(t.image, target, false);
}

/* --- mending --- */

/* libfdisk looks for a backup only where there is a protective MBR. Boot code stays, and so does
 * all of an MBR that is good: it may be a hybrid. */
static int load_mbr(struct io *from, struct io *image)
{
	uint8_t mbr[512] = {0};

	if (io_read(from, mbr, sizeof(mbr), 0) < 0 || !gpt_is_protective_mbr(mbr, sizeof(mbr)))
		gpt_make_protective_mbr(mbr);
	return io_write(image, mbr, sizeof(mbr), 0);
}

/* The good copy's bytes where libfdisk looks for them, in an image of @size_bytes: it makes the
 * other copy, and puts the backup at the end. */
static int make_mended(struct io *from, const struct gpt_copy *c, uint64_t size_bytes,
		       struct table *t)
{
	uint32_t sector = from->sector_bytes;
	uint64_t entries = c->header.entries_lba * sector;
	int r = new_image(size_bytes, sector, &t->image);

	if (r >= 0)
		r = load_mbr(from, t->image);
	if (r >= 0)
		r = io_copy(from, entries, t->image, entries, entries_bytes(from, c), true, NULL);
	if (r >= 0)
		r = io_copy(from, c->offset_bytes, t->image, c->offset_bytes, sector, true, NULL);
	if (r < 0)
		return io_fail(from, r, "reading the partition table,", entries,
			       entries_bytes(from, c));
	r = assign(t);
	if (r < 0)
		return r;
	if (!fdisk_has_label(t->cxt) || !fdisk_is_label(t->cxt, GPT))
		return diag_fail(DIAG_DAMAGED, EUCLEAN, "libfdisk cannot read the good copy");
	return save(t);
}

static int check_mendable(const struct io *target, const struct gpt_copies *c)
{
	int r;

	if (!gpt_copies_best(c))
		return diag_fail(DIAG_DAMAGED, EUCLEAN,
				 "%s: neither copy of the partition table is good", target->name);
	if (!c->cut_short)
		return 0;
	r = diag_fail(DIAG_DAMAGED, EUCLEAN, "%s: its partition table was made for a larger target",
		      target->name);
	diag_state("nothing was changed");
	diag_next("copy the whole image again, onto a target that is large enough");
	return r;
}

int gpt_table_mend(struct io *target)
{
	_cleanup_gpt_copies_ struct gpt_copies c = {0}, old = {0};
	_cleanup_table_ struct table t = {0}, smaller = {0};
	uint64_t end = round_down(target->size_bytes, target->sector_bytes);
	const struct gpt_copy *best;
	struct io *from = target;
	bool primary_first;
	int r = gpt_copies_read(target, &c);

	if (r >= 0)
		r = check_mendable(target, &c);
	if (r < 0)
		return r;
	best = gpt_copies_best(&c);
	/* What is overwritten second must be where it is found without the first. */
	primary_first = best == &c.backup && !c.misplaced;
	if (best == &c.backup && c.misplaced) { /* as it was on the smaller target */
		r = make_mended(target, best, best->offset_bytes + target->sector_bytes, &smaller);
		from = smaller.image;
		if (r >= 0)
			r = gpt_copies_read(from, &old);
		best = &old.primary;
		if (r >= 0 && !gpt_copy_good(best))
			r = diag_fail(DIAG_DAMAGED, EUCLEAN, "libfdisk cannot read the backup");
	}
	if (r >= 0)
		r = make_mended(from, best, end, &t);
	return r < 0 ? r : put(t.image, target, primary_first);
}
