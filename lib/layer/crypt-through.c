/* SPDX-License-Identifier: Apache-2.0 */
/* Ciphers and keys that only the kernel has: the plaintext device is a mapping of the moment, over
 * a loop device, so that image files can be laid out, too. Needs root. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "kernel/dm.h"
#include "kernel/loop.h"
#include "layer/crypt.h"
#include "model/key.h"

struct through {
	struct io io;
	struct io *device;
	char mapping[MAPPING_NAME_SIZE];
};

static struct io *device(struct io *io)
{
	return ((struct through *)io)->device;
}

static int through_read(struct io *io, void *buf, size_t len, uint64_t offset)
{
	return io_read(device(io), buf, len, offset);
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

	io_close(t->device);
	if (*t->mapping)
		mapping_remove(t->mapping, 5000);
	free(t);
}

static const struct io_ops through_ops = {
    .name = "kernel",
    .read = through_read,
    .write = through_write,
    .flush = through_flush,
    .close = through_close,
};

/* The mapping holds the loop device from here on. */
static int make_mapping(const struct layer *l, struct env *env, const struct crypt_facts *f,
			bool read_only, struct through *t, struct place *ret)
{
	uint64_t offset = l->volume->extent[ROLE_DATA].offset_bytes + f->header_bytes;
	struct place below = {.kind = PLACE_BYTES, .read_only = read_only};
	const struct secret *key = NULL;
	_cleanup_close_ int loop = -1;
	char name[MAPPING_NAME_SIZE];
	int r = f->reference ? 0 : layer_key(l, env, KEY_VOLUME, &key);

	if (r >= 0)
		r = loop_attach(io_fd(env->target), env->target_name, offset, f->data_bytes,
				read_only, below.path, &loop);
	if (r < 0)
		return r;
	snprintf(name, sizeof(name), "holdfast-work-%d-%.80s", (int)getpid(), l->volume->name);
	r = crypt_layer_map(name, f, key, &below, 0, ret);
	if (r >= 0)
		snprintf(t->mapping, sizeof(t->mapping), "%s", name);
	return r;
}

int crypt_layer_attach_through(const struct layer *l, struct env *env, const struct crypt_facts *f,
			       bool read_only, struct io **ret)
{
	struct through *t = calloc(1, sizeof(*t));
	struct place place;
	int r;

	if (!t)
		return diag_no_memory();
	t->io = (struct io){.ops = &through_ops, .name = l->volume->full_name};
	if (io_fd(env->target) < 0 || l->below->below)
		r = diag_fail(
		    DIAG_NOT_BUILT, ENOTSUP,
		    "%s: only the kernel %s, and it gives it only for a volume that stands on "
		    "a partition",
		    l->volume->full_name, crypt_layer_only_kernel(l));
	else
		r = make_mapping(l, env, f, read_only, t, &place);
	if (r >= 0)
		r = io_open_file(place.path, read_only ? 0 : IO_WRITE, &t->device);
	if (r < 0) {
		through_close(&t->io);
		diag_state("only the kernel %s (%s): root is needed for this volume",
			   crypt_layer_only_kernel(l),
			   f->reference ? f->reference : f->kind->cipher);
		return r;
	}
	t->io.size_bytes = f->data_bytes;
	t->io.sector_bytes = t->device->sector_bytes;
	t->io.read_only = read_only;
	*ret = &t->io;
	return 0;
}
