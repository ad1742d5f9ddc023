/* SPDX-License-Identifier: Apache-2.0 */
/* Ciphers and keys that only the kernel has: the plaintext device is a temporary mapping over a
 * loop device, so that image files can be laid out, too. Needs root. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/io.h"
#include "kernel/dm.h"
#include "kernel/loop.h"
#include "layer/crypt/kernel.h"
#include "layer/crypt/through.h"
#include "layer/tagged/kernel.h"
#include "layer/tagged/sector.h"
#include "model/key.h"

struct through {
	struct io io;
	struct io *device;
	char mapping[MAPPING_NAME_SIZE], tags[MAPPING_NAME_SIZE]; /* "": not made */
	/* With tags. What was never written does not authenticate: when it is being made it reads
	 * as zeroes; else its tags tell, which are read in user space. */
	bool making, raw;
	uint32_t sector_bytes;
	struct integrity *tags_read;
	struct io *ground; /* of these */
};

static struct io *device(struct io *io)
{
	return ((struct through *)io)->device;
}

static bool is_zero(const uint8_t *p, size_t n)
{
	return n == 0 || (*p == 0 && memcmp(p, p + 1, n - 1) == 0);
}

/* Sectors that have tags, one by one: the kernel gives a whole range or nothing. */
static int ask_kernel(struct through *t, uint64_t first, uint64_t n, uint8_t *states, uint8_t *data)
{
	size_t size = t->sector_bytes;
	int r = 0;

	memset(states, SECTOR_GOOD, n);
	if (io_read(t->device, data, n * size, first * size) >= 0)
		return 0;
	for (uint64_t i = 0; i < n && r >= 0; i++) {
		uint8_t *sector = data + i * size;

		if (io_read(t->device, sector, size, (first + i) * size) >= 0)
			continue;
		states[i] = SECTOR_BAD; /* unless the medium itself does not give it: */
		r = integrity_read(t->tags_read, first + i, 1, sector, NULL);
		memset(sector, 0, size);
	}
	return r;
}

/* Nothing is asked of the kernel that was never written: it would log that as an error. */
int crypt_through_states(void *ctx, uint64_t first, uint64_t n, uint8_t *ret, uint8_t *data)
{
	struct through *t = ctx;
	size_t tag = integrity_tag_bytes(t->tags_read), size = t->sector_bytes;
	_cleanup_free_ uint8_t *tags = malloc(n * tag + 1), *own = data ? NULL : malloc(n * size);
	int r =
	    tags && (data || own) ? integrity_read(t->tags_read, first, n, NULL, tags) : -ENOMEM;

	data = data ? data : own;
	for (uint64_t i = 0, run; i < n && r >= 0; i += run) {
		bool never = is_zero(tags + i * tag, tag);

		for (run = 1; i + run < n && is_zero(tags + (i + run) * tag, tag) == never;)
			run++;
		if (!never)
			r = ask_kernel(t, first + i, run, ret + i, data + i * size);
		else
			memset(data + i * size, 0, run * size);
		if (never)
			memset(ret + i, SECTOR_NEVER, run);
	}
	return r;
}

static int read_sectors(struct through *t, void *buf, size_t len, uint64_t offset)
{
	uint64_t n = len / t->sector_bytes;
	_cleanup_free_ uint8_t *states = malloc(n + 1);
	int r =
	    states ? crypt_through_states(t, offset / t->sector_bytes, n, states, buf) : -ENOMEM;

	for (uint64_t i = 0; i < n && r >= 0 && !t->raw; i++) {
		if (states[i] != SECTOR_GOOD)
			r = -EILSEQ;
	}
	return r;
}

static int through_read(struct io *io, void *buf, size_t len, uint64_t offset)
{
	struct through *t = (struct through *)io;
	int r;

	if (t->tags_read)
		return read_sectors(t, buf, len, offset);
	r = io_read(device(io), buf, len, offset);
	if (!t->making || (r != -EILSEQ && r != -EIO))
		return r;
	memset(buf, 0, len);
	return 0;
}

static int through_write(struct io *io, const void *buf, size_t len, uint64_t offset)
{
	return io_write(device(io), buf, len, offset);
}

static int through_flush(struct io *io)
{
	return io_flush(device(io));
}

static void through_close(struct io *io)
{
	struct through *t = (struct through *)io;

	integrity_close(t->tags_read);
	io_close(t->ground);
	io_close(t->device);
	if (*t->mapping)
		mapping_remove(t->mapping, 5000);
	if (*t->tags)
		mapping_remove(t->tags, 5000);
	free(t);
}

static const struct io_ops through_ops = {
    .name = "kernel",
    .read = through_read,
    .write = through_write,
    .flush = through_flush,
    .close = through_close,
};

/* The kernel takes an area without superblock for one that it is to make, as it likes: ours is
 * written before it sees the area. */
static int lay_tags(const struct crypt_facts *f, bool read_only, struct io *below)
{
	const struct tags *t = &f->tags;
	_cleanup_io_ struct io *window = NULL;
	const char *why = NULL;
	int r;

	if (read_only) {
		r = tags_judge(t, below, &why);
		return r < 0 || !why
			   ? r
			   : diag_fail(DIAG_TAMPERED, EUCLEAN, "the integrity superblock %s", why);
	}
	r = io_open_window(below, below->name, t->offset_bytes, t->len_bytes, &window);
	return r < 0 ? r : integrity_finish(window, &t->params, &t->sb);
}

/* dm-integrity between the loop device and dm-crypt. */
static int map_tags(const struct crypt_facts *f, const char *name, struct io *io, struct through *t,
		    struct place *place)
{
	struct tags tags = f->tags;
	struct place below = *place;
	char full[MAPPING_NAME_SIZE];
	int r = lay_tags(f, place->read_only, io);

	tags.offset_bytes = 0; /* of the loop device */
	snprintf(full, sizeof(full), "%.110s.tags", name);
	if (r >= 0)
		r = tags_map_as(full, &tags, &below, "", place);
	if (r >= 0)
		snprintf(t->tags, sizeof(t->tags), "%s", full);
	return r;
}

/* The mapping holds the loop device from here on. */
static int make_mapping(const struct layer *l, struct job *job, const struct crypt_facts *f,
			struct io *io, struct through *t, struct place *ret)
{
	uint64_t offset = l->volume->pieces[ROLE_DATA].extent.offset_bytes + f->header_bytes;
	struct place below = {.kind = PLACE_BYTES, .read_only = t->io.read_only};
	struct crypt_keying key;
	_cleanup_close_ int loop = -1;
	char name[MAPPING_NAME_SIZE];
	int r = crypt_layer_keying(l, job, f, &key);

	if (r >= 0)
		r = loop_attach(io_fd(job->target), job->target_name, offset,
				f->has_tags ? f->tags.len_bytes : f->data_bytes, t->io.read_only,
				below.path, &loop);
	if (r < 0)
		return r;
	snprintf(name, sizeof(name), "holdfast-work-%d-%.80s", (int)getpid(), l->volume->name);
	if (f->has_tags)
		r = map_tags(f, name, io, t, &below);
	if (r >= 0)
		r = crypt_layer_map(name, f, &key, &below, 0, ret);
	if (r >= 0)
		snprintf(t->mapping, sizeof(t->mapping), "%s", name);
	return r;
}

/* The kernel's read-ahead would run into what was never written. */
static int read_tags(struct through *t, struct job *job, const struct crypt_facts *f,
		     struct io *below)
{
	posix_fadvise(io_fd(t->device), 0, 0, POSIX_FADV_RANDOM);
	return tags_open(&f->tags, below, ATTACH_READ_RAW, job, &t->tags_read, &t->ground);
}

static int open_through(const struct layer *l, struct job *job, const struct crypt_facts *f,
			struct io *below, struct through *t)
{
	struct place place;
	int r;

	if (io_fd(job->target) < 0 || l->below->below)
		r = diag_fail(DIAG_NOT_BUILT, ENOTSUP,
			      "%s: only the kernel %s, and only for a volume that is directly on a "
			      "partition",
			      l->volume->full_name, crypt_layer_only_kernel(l));
	else
		r = make_mapping(l, job, f, below, t, &place);
	if (r >= 0)
		r = io_open_file(place.path, t->io.read_only ? 0 : IO_WRITE, &t->device);
	if (r >= 0 && f->has_tags && !t->making)
		r = read_tags(t, job, f, below);
	return r;
}

int crypt_through_open(const struct layer *l, struct job *job, const struct crypt_facts *f,
		       enum attach_mode mode, struct io *below, struct io **ret)
{
	struct through *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return diag_no_memory();
	t->io = (struct io){
	    .ops = &through_ops, .name = l->volume->full_name, .read_only = mode != ATTACH_WRITE};
	t->making = f->has_tags && !t->io.read_only;
	t->raw = mode != ATTACH_READ;
	t->sector_bytes = f->sector_bytes;
	r = open_through(l, job, f, below, t);
	if (r < 0) {
		through_close(&t->io);
		diag_state("only the kernel %s (%s): root is needed for this volume",
			   crypt_layer_only_kernel(l), f->reference ? f->reference : f->kernel);
		return r;
	}
	t->io.size_bytes = f->data_bytes;
	t->io.sector_bytes = t->device->sector_bytes;
	*ret = &t->io;
	return 0;
}

struct integrity *crypt_through_tags(struct io *io)
{
	return ((struct through *)io)->tags_read;
}

int crypt_layer_attach_through(const struct layer *l, struct job *job, const struct crypt_facts *f,
			       enum attach_mode mode, struct io *below, struct io **ret)
{
	struct io *io;
	int r = crypt_through_open(l, job, f, mode, below, &io);

	if (r < 0)
		return r;
	if (f->has_tags)
		return io_open_blocks(io, f->sector_bytes, NULL, ret);
	*ret = io;
	return 0;
}
