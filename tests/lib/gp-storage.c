/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated TEE: persistent objects as files, with power cuts and other failures. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <tee_internal_api_extensions.h>
#include <unistd.h>

#include "lib/gp-private.h"

#define OBJECT_MAX 4096

/* A persistent one; the same handle type as transient ones (gp-crypto.c), never mixed up. */
struct stored {
	char path[512];
	uint32_t flags;
	size_t len;
	uint8_t bytes[OBJECT_MAX];
};

static struct stored *stored(TEE_ObjectHandle h)
{
	if (!h)
		TEE_Panic(TEE_ERROR_BAD_PARAMETERS);
	return (struct stored *)h;
}

/* TEE_SUCCESS and the path, or why there is no such storage. */
static TEE_Result reach(uint32_t storage, const void *id, size_t id_len, char path[static 512])
{
	bool rpmb = storage == TEE_STORAGE_PRIVATE_RPMB;

	if (!rpmb && storage != TEE_STORAGE_PRIVATE_REE)
		return TEE_ERROR_ITEM_NOT_FOUND;
	while (!rpmb && gp_board->no_supplicant)
		pause();
	if (rpmb && gp_board->no_rpmb)
		return TEE_ERROR_ITEM_NOT_FOUND;
	if (rpmb && gp_board->rpmb_dead)
		return TEE_ERROR_STORAGE_NOT_AVAILABLE;
	snprintf(path, 512, "%s/%s/%.*s", gp_board->dir, rpmb ? "rpmb" : "ree", (int)id_len,
		 (const char *)id);
	return TEE_SUCCESS;
}

static _Noreturn void lose_power(void)
{
	gp_board->lost_power = true;
	_exit(0);
}

/* Called before each change, which is one step. */
static TEE_Result change(void)
{
	uint32_t n = ++gp_board->operations;

	if (n == gp_board->cut_at && !gp_board->cut_after)
		lose_power();
	if (gp_board->storage_panics)
		TEE_Panic(TEE_ERROR_GENERIC);
	return gp_board->storage_fails;
}

static void changed(void)
{
	if (gp_board->operations == gp_board->cut_at)
		lose_power();
}

/* Writes the MAC (32 bytes) over place and bytes, then the bytes. */
static void mac(const char *path, const uint8_t *bytes, size_t len, uint8_t ret[static 32])
{
	uint8_t key[32], all[OBJECT_MAX + 512];
	const char *place = path + strlen(gp_board->dir);
	size_t n = strlen(place);

	gp_huk_derive("storage", 7, key);
	memcpy(all, place, n);
	memcpy(all + n, bytes, len);
	gp_hmac(key, all, n + len, ret);
}

static void store(const struct stored *s)
{
	char temporary[600];
	uint8_t m[32];
	int fd;

	snprintf(temporary, sizeof(temporary), "%s.new", s->path);
	mac(s->path, s->bytes, s->len, m);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, m, 32) != 32 || write(fd, s->bytes, s->len) != (ssize_t)s->len ||
	    close(fd) < 0 || rename(temporary, s->path) < 0)
		abort();
}

static TEE_Result load(struct stored *s)
{
	uint8_t m[32], expected[32];
	int fd = open(s->path, O_RDONLY | O_CLOEXEC);
	ssize_t head, n;

	if (fd < 0)
		return TEE_ERROR_ITEM_NOT_FOUND;
	head = read(fd, m, 32);
	n = read(fd, s->bytes, sizeof(s->bytes));
	close(fd);
	if (head == 32 && n >= 0) {
		mac(s->path, s->bytes, (size_t)n, expected);
		s->len = (size_t)n;
		if (memcmp(m, expected, 32) == 0)
			return TEE_SUCCESS;
	}
	unlink(s->path);
	return TEE_ERROR_CORRUPT_OBJECT;
}

TEE_Result TEE_OpenPersistentObject(uint32_t storage, const void *id, size_t id_len, uint32_t flags,
				    TEE_ObjectHandle *ret)
{
	struct stored *s = calloc(1, sizeof(*s));
	TEE_Result r;

	if (!s)
		abort();
	r = reach(storage, id, id_len, s->path);
	if (r == TEE_SUCCESS)
		r = load(s);
	*ret = NULL;
	if (r != TEE_SUCCESS) {
		free(s);
		return r;
	}
	s->flags = flags;
	gp_open++;
	*ret = (TEE_ObjectHandle)s;
	return TEE_SUCCESS;
}

TEE_Result TEE_CreatePersistentObject(uint32_t storage, const void *id, size_t id_len,
				      uint32_t flags, TEE_ObjectHandle attributes, const void *data,
				      size_t len, TEE_ObjectHandle *ret)
{
	struct stored *s = calloc(1, sizeof(*s));
	TEE_Result r;

	if (!s || len > OBJECT_MAX)
		abort();
	r = reach(storage, id, id_len, s->path);
	if (r == TEE_SUCCESS && access(s->path, F_OK) == 0) {
		if (!(flags & TEE_DATA_FLAG_OVERWRITE))
			r = TEE_ERROR_ACCESS_CONFLICT;
		else if ((r = change()) == TEE_SUCCESS) {
			unlink(s->path);
			changed();
		}
	}
	if (r == TEE_SUCCESS)
		r = change();
	*ret = NULL;
	if (r != TEE_SUCCESS) {
		free(s);
		return r;
	}
	s->flags = flags;
	s->len = len;
	memcpy(s->bytes, data, len);
	store(s);
	changed();
	gp_open++;
	*ret = (TEE_ObjectHandle)s;
	return TEE_SUCCESS;
}

TEE_Result TEE_CloseAndDeletePersistentObject1(TEE_ObjectHandle object)
{
	struct stored *s = stored(object);
	TEE_Result r;

	if (!(s->flags & TEE_DATA_FLAG_ACCESS_WRITE_META))
		TEE_Panic(TEE_ERROR_ACCESS_CONFLICT);
	r = change();
	if (r == TEE_SUCCESS) {
		unlink(s->path);
		changed();
	}
	TEE_CloseObject(object);
	return r;
}

TEE_Result TEE_ReadObjectData(TEE_ObjectHandle object, void *to, size_t len, size_t *ret_len)
{
	const struct stored *s = stored(object);

	if (!(s->flags & TEE_DATA_FLAG_ACCESS_READ))
		TEE_Panic(TEE_ERROR_BAD_STATE);
	*ret_len = s->len < len ? s->len : len;
	memcpy(to, s->bytes, *ret_len);
	return TEE_SUCCESS;
}

TEE_Result TEE_WriteObjectData(TEE_ObjectHandle object, const void *from, size_t len)
{
	struct stored *s = stored(object);
	TEE_Result r;

	if (!(s->flags & TEE_DATA_FLAG_ACCESS_WRITE) || len > OBJECT_MAX)
		TEE_Panic(TEE_ERROR_BAD_STATE);
	r = change();
	if (r != TEE_SUCCESS)
		return r;
	memcpy(s->bytes, from, len);
	s->len = len > s->len ? len : s->len;
	if (!gp_board->forgetful)
		store(s);
	changed();
	return TEE_SUCCESS;
}

void TEE_CloseObject(TEE_ObjectHandle object)
{
	if (!object)
		return;
	free(object);
	gp_open--;
}
