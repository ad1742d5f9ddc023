/* SPDX-License-Identifier: Apache-2.0 */
/* E, R and the anchor: three persistent objects that are made together. */
#include <tee_internal_api_extensions.h>

#include "keystore/tee/ta/state.h"

/*
 * An object is changed by one TEE_WriteObjectData over its whole length. That is atomic in both of
 * OP-TEE's storages: in the REE file system because of its hash tree, in RPMB because the object
 * lies within one block of 256 bytes. Replacing it with TEE_CreatePersistentObject and
 * TEE_DATA_FLAG_OVERWRITE is not atomic: in RPMB the old entry is cleared before the new one is
 * named, and a power cut in between leaves neither.
 */
struct object_disk {
	uint8_t magic[8];              /*  0: "hfobject" */
	le32_t kind;                   /*  8: enum object */
	le32_t anchored;               /* 12: 1: the anchor was written; else 0 */
	uint8_t epoch[TA_EPOCH_BYTES]; /* 16: the same in all three */
	le64_t number;                 /* 32: the counter, or the anchor's sequence */
	uint8_t digest[32];            /* 40: of the anchor */
	le64_t rotation_max;           /* 72: of the anchor */
	le64_t anchor_erase;           /* 80: of the anchor */
};
#define OBJECT_OLD_BYTES 72 /* of protocol 1: without the last two */
static_assert(sizeof(struct object_disk) == 88, "within one RPMB block, with OP-TEE's header");

enum object { ERASE, ROTATION, ANCHOR, OBJECTS };
static const char *const names[OBJECTS] = {"erase", "rotation", "anchor"};
static const uint8_t magic[8] = {'h', 'f', 'o', 'b', 'j', 'e', 'c', 't'};

#define ACCESS (TEE_DATA_FLAG_ACCESS_READ | TEE_DATA_FLAG_ACCESS_WRITE)

static uint32_t storage_id(uint32_t storage)
{
	return storage == TA_RPMB ? TEE_STORAGE_PRIVATE_RPMB : TEE_STORAGE_PRIVATE_REE;
}

static uint32_t name_len(enum object which)
{
	uint32_t n = 0;

	while (names[which][n])
		n++;
	return n;
}

/* OP-TEE also returns TEE_ERROR_ITEM_NOT_FOUND for a storage that it was built without. A corrupt
 * object is gone: the TEE deletes it when it reports it. */
static uint32_t verdict_of(TEE_Result r, TEE_Result *ret_why)
{
	*ret_why = r;
	if (r == TEE_SUCCESS)
		return TA_DONE;
	if (r == TEE_ERROR_ITEM_NOT_FOUND || r == TEE_ERROR_CORRUPT_OBJECT)
		return TA_NOT_PREPARED;
	return TA_STORAGE;
}

static TEE_Result open_object(uint32_t storage, enum object which, TEE_ObjectHandle *ret)
{
	return TEE_OpenPersistentObject(storage_id(storage), names[which], name_len(which), ACCESS,
					ret);
}

static bool is_object(const struct object_disk *o, enum object which)
{
	return TEE_MemCompare(o->magic, magic, sizeof(magic)) == 0 && le32_get(o->kind) == which &&
	       le32_get(o->anchored) <= (which == ANCHOR ? 1 : 0);
}

static uint32_t read_object(uint32_t storage, enum object which, struct object_disk *ret,
			    TEE_Result *ret_why)
{
	TEE_ObjectHandle object = TEE_HANDLE_NULL;
	struct object_disk o = {.anchor_erase = le64_make(TA_ERASE_UNKNOWN)};
	size_t n = 0;
	TEE_Result r = open_object(storage, which, &object);

	if (r == TEE_SUCCESS) {
		r = TEE_ReadObjectData(object, &o, sizeof(o), &n);
		/* TEE_ERROR_CORRUPT_OBJECT has closed the handle. */
		if (r != TEE_ERROR_CORRUPT_OBJECT)
			TEE_CloseObject(object);
	}
	if (r == TEE_SUCCESS &&
	    ((n != sizeof(o) && n != OBJECT_OLD_BYTES) || !is_object(&o, which)))
		r = TEE_ERROR_CORRUPT_OBJECT;
	if (r == TEE_SUCCESS)
		TEE_MemMove(ret, &o, sizeof(o));
	return verdict_of(r, ret_why);
}

static uint32_t write_object(uint32_t storage, const struct object_disk *o, TEE_Result *ret_why)
{
	TEE_ObjectHandle object = TEE_HANDLE_NULL;
	TEE_Result r = open_object(storage, le32_get(o->kind), &object);

	if (r == TEE_SUCCESS) {
		r = TEE_WriteObjectData(object, o, sizeof(*o));
		if (r != TEE_ERROR_CORRUPT_OBJECT)
			TEE_CloseObject(object);
	}
	return verdict_of(r, ret_why);
}

/* Makes an object that is missing or not ours; deletes what has its name first. */
static uint32_t create_object(uint32_t storage, const struct object_disk *o, TEE_Result *ret_why)
{
	enum object which = le32_get(o->kind);
	TEE_ObjectHandle object = TEE_HANDLE_NULL;
	TEE_Result r = TEE_OpenPersistentObject(storage_id(storage), names[which], name_len(which),
						ACCESS | TEE_DATA_FLAG_ACCESS_WRITE_META, &object);

	if (r == TEE_SUCCESS)
		r = TEE_CloseAndDeletePersistentObject1(object);
	if (r != TEE_SUCCESS && r != TEE_ERROR_ITEM_NOT_FOUND && r != TEE_ERROR_CORRUPT_OBJECT) {
		*ret_why = r;
		return TA_STORAGE;
	}
	object = TEE_HANDLE_NULL;
	r = TEE_CreatePersistentObject(storage_id(storage), names[which], name_len(which), ACCESS,
				       TEE_HANDLE_NULL, o, sizeof(*o), &object);
	if (r == TEE_SUCCESS)
		TEE_CloseObject(object);
	*ret_why = r;
	return r == TEE_SUCCESS ? TA_DONE : TA_STORAGE;
}

static struct object_disk object_of(enum object which, const struct ta_state *s)
{
	struct object_disk o = {.kind = le32_make(which)};

	TEE_MemMove(o.magic, magic, sizeof(magic));
	TEE_MemMove(o.epoch, s->epoch, sizeof(o.epoch));
	o.number = le64_make(which == ERASE      ? s->erase
			     : which == ROTATION ? s->rotation
						 : s->sequence);
	if (which == ANCHOR) {
		o.anchored = le32_make(s->anchored);
		TEE_MemMove(o.digest, s->digest, sizeof(o.digest));
		o.rotation_max = le64_make(s->rotation_max);
		o.anchor_erase = le64_make(s->anchor_erase);
	}
	return o;
}

uint32_t state_read(uint32_t storage, struct ta_state *ret, TEE_Result *ret_why)
{
	struct object_disk o[OBJECTS];
	uint32_t verdict = TA_DONE;

	for (enum object i = 0; i < OBJECTS && verdict == TA_DONE; i++)
		verdict = read_object(storage, i, &o[i], ret_why);
	if (verdict != TA_DONE)
		return verdict;
	/* A preparation was cut, or a single object was put back. */
	for (enum object i = ROTATION; i < OBJECTS; i++) {
		if (TEE_MemCompare(o[i].epoch, o[ERASE].epoch, TA_EPOCH_BYTES) != 0) {
			*ret_why = TEE_ERROR_ITEM_NOT_FOUND;
			return TA_NOT_PREPARED;
		}
	}
	TEE_MemMove(ret->epoch, o[ERASE].epoch, sizeof(ret->epoch));
	ret->erase = le64_get(o[ERASE].number);
	ret->rotation = le64_get(o[ROTATION].number);
	ret->anchored = le32_get(o[ANCHOR].anchored) == 1;
	ret->sequence = le64_get(o[ANCHOR].number);
	TEE_MemMove(ret->digest, o[ANCHOR].digest, sizeof(ret->digest));
	ret->rotation_max = le64_get(o[ANCHOR].rotation_max);
	ret->anchor_erase = le64_get(o[ANCHOR].anchor_erase);
	return TA_DONE;
}

/* A cut leaves objects of different epochs, which count as missing. */
uint32_t state_prepare(uint32_t storage, TEE_Result *ret_why)
{
	struct ta_state s = {.erase = 1, .rotation = 1}, there;
	uint32_t verdict = state_read(storage, &there, ret_why);

	if (verdict != TA_NOT_PREPARED)
		return verdict;
	TEE_GenerateRandom(s.epoch, sizeof(s.epoch));
	for (enum object i = 0; i < OBJECTS; i++) {
		struct object_disk o = object_of(i, &s);

		verdict = create_object(storage, &o, ret_why);
		if (verdict != TA_DONE)
			return verdict;
	}
	return state_read(storage, &there, ret_why);
}

uint32_t state_write_erase(uint32_t storage, const struct ta_state *s, TEE_Result *ret_why)
{
	struct object_disk o = object_of(ERASE, s);

	return write_object(storage, &o, ret_why);
}

uint32_t state_write_rotation(uint32_t storage, const struct ta_state *s, TEE_Result *ret_why)
{
	struct object_disk o = object_of(ROTATION, s);

	return write_object(storage, &o, ret_why);
}

uint32_t state_write_anchor(uint32_t storage, const struct ta_state *s, TEE_Result *ret_why)
{
	struct object_disk o = object_of(ANCHOR, s);

	return write_object(storage, &o, ret_why);
}
