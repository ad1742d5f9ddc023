/* SPDX-License-Identifier: Apache-2.0 */
/* What libblkid recognises on a bare target, and taking it away. */
#include <blkid.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/overflow.h"
#include "medium/foreign.h"

#define VIEW_BYTES     (1024 * 1024) /* of either end, where there is no descriptor */
#define SIGNATURES_MAX 64

/* libblkid wants a descriptor; of a device that has none it sees both ends in memory. */
static int copy_ends(struct io *target, struct io *view)
{
	uint64_t size = target->size_bytes, n = min_u64(VIEW_BYTES, size);
	int r = io_copy(target, 0, view, 0, n, true, NULL);

	if (r >= 0)
		r = io_copy(target, size - n, view, size - n, n, true, NULL);
	return r < 0 ? io_fail(target, r, "reading", 0, n) : 0;
}

static int open_view(struct io *target, struct io **ret)
{
	_cleanup_io_ struct io *view = NULL;
	int fd, r;

	if (io_fd(target) >= 0)
		return 0;
	fd = memfd_create("view", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, (off_t)target->size_bytes) < 0) {
		r = diag_file(errno, "memfd");
		if (fd >= 0)
			close(fd);
		return r;
	}
	r = io_from_fd(fd, "view", true, &view);
	if (r >= 0)
		r = copy_ends(target, view);
	if (r >= 0)
		*ret = TAKE(view);
	return r;
}

struct look {
	struct io *view; /* NULL: the target has a descriptor */
	blkid_probe probe;
};

static void look_end(struct look *l)
{
	blkid_free_probe(l->probe);
	io_close(l->view);
}
#define _cleanup_look_ __attribute__((cleanup(look_end)))

static int look_begin(struct io *target, struct look *l)
{
	int r = open_view(target, &l->view);

	if (r < 0)
		return r;
	l->probe = blkid_new_probe();
	if (!l->probe)
		return diag_no_memory();
	if (blkid_probe_set_device(l->probe, io_fd(l->view ? l->view : target), 0,
				   (blkid_loff_t)target->size_bytes))
		return diag_fail(DIAG_INTERNAL, EIO, "libblkid does not take %s", target->name);
	blkid_probe_set_sectorsize(l->probe, target->sector_bytes);
	blkid_probe_enable_superblocks(l->probe, 1);
	blkid_probe_set_superblocks_flags(l->probe, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_MAGIC);
	blkid_probe_enable_partitions(l->probe, 1);
	/* A GPT also where its protective MBR is gone: its backup outlives what is overwritten. */
	blkid_probe_set_partitions_flags(l->probe, BLKID_PARTS_MAGIC | BLKID_PARTS_FORCE_GPT);
	return 0;
}

static int cannot_read(const struct io *target)
{
	int r = diag_io(errno ? errno : EIO, target->name);

	diag_state("what the target holds is not known; nothing was changed");
	return r;
}

int foreign_find(struct io *target, struct arena *arena, const char **ret)
{
	_cleanup_look_ struct look l = {0};
	const char *type = NULL;
	int r = look_begin(target, &l);

	if (r < 0)
		return r;
	errno = 0;
	r = blkid_do_safeprobe(l.probe);
	if (r == -1)
		return cannot_read(target);
	if (r == 1) {
		*ret = NULL;
		return 0;
	}
	if (blkid_probe_lookup_value(l.probe, "TYPE", &type, NULL) == 0)
		*ret = arena_strdup(arena, type);
	else if (blkid_probe_lookup_value(l.probe, "PTTYPE", &type, NULL) == 0)
		*ret = arena_print(arena, "a %s partition table", type);
	else /* -2: ambivalent, several on top of each other */
		*ret = "more than one file system or partition table";
	return *ret ? 0 : diag_no_memory();
}

/* The next signature's place: 1, 0 there is none, -errno. */
static int next_signature(struct io *target, struct extent *ret)
{
	static const char *const names[][2] = {{"SBMAGIC_OFFSET", "SBMAGIC"},
					       {"PTMAGIC_OFFSET", "PTMAGIC"}};
	_cleanup_look_ struct look l = {0};
	int r = look_begin(target, &l);

	if (r < 0)
		return r;
	errno = 0;
	while ((r = blkid_do_probe(l.probe)) == 0) {
		for (int i = 0; i < 2; i++) {
			const char *offset, *magic;
			size_t len;

			if (blkid_probe_lookup_value(l.probe, names[i][0], &offset, NULL) ||
			    blkid_probe_lookup_value(l.probe, names[i][1], &magic, &len) || !len)
				continue;
			*ret = (struct extent){strtoull(offset, NULL, 10), len};
			return 1;
		}
	}
	return r == 1 ? 0 : cannot_read(target);
}

int foreign_clear(struct io *target, const struct extent *spare)
{
	struct extent e = {0};
	int r = 0;

	for (int i = 0; i < SIGNATURES_MAX; i++) {
		r = next_signature(target, &e);
		if (r <= 0)
			return r;
		if (ranges_overlap(e.offset_bytes, e.size_bytes, spare->offset_bytes,
				   spare->size_bytes))
			return 0;
		r = io_zero(target, e.offset_bytes, e.size_bytes);
		if (r < 0)
			return io_fail(target, r, "clearing an old signature,", e.offset_bytes,
				       e.size_bytes);
	}
	return 0;
}
