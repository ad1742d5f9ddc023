/* SPDX-License-Identifier: Apache-2.0 */
/* The trusted application of keystore tee: entry points and commands. */
#include "keystore/tee/ta/seal.h"
#include "keystore/tee/ta/state.h"

/* A command while it is processed. Request and reply are in the trusted application's own memory:
 * what is shared with the normal world can change at any time. */
struct ta_call {
	uint32_t storage, flags;
	uint8_t in[TA_REQUEST_MAX];
	uint8_t out[TA_REPLY_MAX];
	TEE_Result why; /* of TA_STORAGE and TA_TROUBLE */
};

/* Lasts until the next boot: the only instance stays loaded (user_ta_header_defines.h). */
static bool locked;

static uint32_t run_info(struct ta_call *c)
{
	struct ta_info_disk info = {.protocol = le32_make(TA_PROTOCOL),
				    .locked = le32_make(locked)};
	size_t len = sizeof(info.manufacturer);
	uint32_t verdict = device_identity(info.identity, &c->why);

	/* For people only: a text that is missing or too long is left out. */
	if (TEE_GetPropertyAsString(TEE_PROPSET_TEE_IMPLEMENTATION,
				    "gpd.tee.trustedos.manufacturer", (char *)info.manufacturer,
				    &len) != TEE_SUCCESS)
		TEE_MemFill(info.manufacturer, 0, sizeof(info.manufacturer));
	len = sizeof(info.version);
	if (TEE_GetPropertyAsString(TEE_PROPSET_TEE_IMPLEMENTATION,
				    "gpd.tee.trustedos.implementation.version",
				    (char *)info.version, &len) != TEE_SUCCESS)
		TEE_MemFill(info.version, 0, sizeof(info.version));
	TEE_MemMove(c->out, &info, sizeof(info));
	return verdict;
}

static uint32_t run_prepare(struct ta_call *c)
{
	return state_prepare(c->storage, &c->why);
}

static uint32_t run_state(struct ta_call *c)
{
	struct ta_state s;
	struct ta_state_disk d = {0};
	uint32_t verdict = state_read(c->storage, &s, &c->why);

	if (verdict != TA_DONE)
		return verdict;
	d.erase = le64_make(s.erase);
	d.rotation = le64_make(s.rotation);
	d.anchored = le32_make(s.anchored);
	d.anchor.sequence = le64_make(s.sequence);
	TEE_MemMove(d.anchor.digest, s.digest, sizeof(s.digest));
	d.anchor.rotation_max = le64_make(s.rotation_max);
	d.anchor.erase = le64_make(s.anchor_erase);
	TEE_MemMove(c->out, &d, sizeof(d));
	return TA_DONE;
}

static uint32_t run_seal(struct ta_call *c)
{
	struct ta_sealed_disk d = {.blob = {.magic = TA_BLOB_MAGIC,
					    .version = le32_make(1),
					    .storage = le32_make(c->storage)}};
	struct ta_rotation_disk wanted;
	struct ta_state s;
	uint32_t verdict = state_read(c->storage, &s, &c->why);
	uint64_t rotation;

	if (verdict != TA_DONE)
		return verdict;
	TEE_MemMove(&wanted, c->in, sizeof(wanted));
	rotation = le64_get(wanted.rotation) ? le64_get(wanted.rotation) : s.rotation;
	/* What is not reserved could be sealed for twice. */
	if (rotation < s.rotation || (rotation > s.rotation && rotation > s.rotation_max))
		return TA_AHEAD;
	d.blob.flags = le32_make(rotation > s.rotation ? TA_SEAL_NEXT : 0);
	TEE_MemMove(d.blob.epoch, s.epoch, sizeof(s.epoch));
	d.blob.erase = le64_make(s.erase);
	d.blob.rotation = le64_make(rotation);
	TEE_GenerateRandom(d.secret, sizeof(d.secret));
	verdict = blob_seal(&d.blob, d.secret, &c->why);
	if (verdict == TA_DONE)
		TEE_MemMove(c->out, &d, sizeof(d));
	TEE_MemFill(&d, 0, sizeof(d));
	return verdict;
}

/* Compares an authentic @b with the counters. */
static uint32_t compare(const struct ta_blob_disk *b, const struct ta_state *s)
{
	uint64_t erase = le64_get(b->erase), rotation = le64_get(b->rotation);

	if (TEE_MemCompare(b->epoch, s->epoch, sizeof(s->epoch)) != 0)
		return TA_RENEWED;
	if (erase < s->erase)
		return TA_ERASED;
	if (erase > s->erase)
		return TA_AHEAD;
	if (rotation < s->rotation)
		return TA_ROTATED;
	if (rotation == s->rotation)
		return TA_DONE;
	return rotation - s->rotation <= TA_ROTATIONS_MAX && le32_get(b->flags) & TA_SEAL_NEXT
		   ? TA_WAITING
		   : TA_AHEAD;
}

/* Opens the blob in c->in and compares it with the counters that it names. */
static uint32_t examine(struct ta_call *c, uint8_t secret[static TA_SECRET_BYTES],
			struct ta_state *ret)
{
	struct ta_blob_disk b;
	uint32_t verdict;

	TEE_MemMove(&b, c->in, sizeof(b));
	verdict = blob_open(&b, secret, &c->why);
	if (verdict != TA_DONE)
		return verdict;
	c->storage = le32_get(b.storage);
	verdict = state_read(c->storage, ret, &c->why);
	return verdict == TA_DONE ? compare(&b, ret) : verdict;
}

static uint32_t run_unseal(struct ta_call *c)
{
	uint8_t secret[TA_SECRET_BYTES] = {0};
	struct ta_state s;
	uint32_t verdict = examine(c, secret, &s);

	if (verdict == TA_DONE)
		TEE_MemMove(c->out, secret, sizeof(secret));
	TEE_MemFill(secret, 0, sizeof(secret));
	return verdict;
}

static void put_count(struct ta_call *c, uint64_t before, uint64_t after)
{
	struct ta_count_disk d = {.before = le64_make(before), .after = le64_make(after)};

	TEE_MemMove(c->out, &d, sizeof(d));
}

/* Reads the counter back before it answers: a write that the storage lost is not a count. */
static uint32_t run_count_erase(struct ta_call *c)
{
	struct ta_state s, now;
	uint32_t verdict = state_read(c->storage, &s, &c->why);

	if (verdict != TA_DONE)
		return verdict;
	s.erase++;
	verdict = state_write_erase(c->storage, &s, &c->why);
	if (verdict == TA_DONE)
		verdict = state_read(c->storage, &now, &c->why);
	if (verdict == TA_DONE && now.erase != s.erase) {
		c->why = TEE_ERROR_BAD_STATE;
		verdict = TA_STORAGE;
	}
	if (verdict == TA_DONE)
		put_count(c, s.erase - 1, s.erase);
	return verdict;
}

static uint32_t run_advance(struct ta_call *c)
{
	uint8_t secret[TA_SECRET_BYTES] = {0};
	struct ta_state s;
	uint32_t verdict = examine(c, secret, &s);
	uint64_t before = s.rotation;

	TEE_MemFill(secret, 0, sizeof(secret));
	if (verdict == TA_WAITING) {
		struct ta_blob_disk b;

		TEE_MemMove(&b, c->in, sizeof(b));
		s.rotation = le64_get(b.rotation);
		verdict = state_write_rotation(c->storage, &s, &c->why);
	}
	if (verdict == TA_DONE)
		put_count(c, before, s.rotation);
	return verdict;
}

static uint32_t run_anchor_write(struct ta_call *c)
{
	struct ta_anchor_disk a;
	struct ta_state s;
	uint32_t verdict = state_read(c->storage, &s, &c->why);

	if (verdict != TA_DONE)
		return verdict;
	TEE_MemMove(&a, c->in, sizeof(a));
	s.anchored = true;
	s.sequence = le64_get(a.sequence);
	TEE_MemMove(s.digest, a.digest, sizeof(s.digest));
	s.anchor_erase = le64_get(a.erase);
	if (le64_get(a.rotation_max) > s.rotation_max)
		s.rotation_max = le64_get(a.rotation_max);
	return state_write_anchor(c->storage, &s, &c->why);
}

static uint32_t run_lock(struct ta_call *c)
{
	locked = true;
	return TA_DONE;
}

static const struct command {
	uint32_t (*run)(struct ta_call *c);
	uint32_t in_len, out_len;
	bool storage, flags; /* it takes them */
	bool always;         /* works when locked, too */
} commands[TA_COMMANDS] = {
    [TA_INFO] = {run_info, 0, sizeof(struct ta_info_disk), .always = true},
    [TA_PREPARE] = {run_prepare, 0, 0, .storage = true},
    [TA_STATE] = {run_state, 0, sizeof(struct ta_state_disk), .storage = true, .always = true},
    [TA_SEAL] = {run_seal, sizeof(struct ta_rotation_disk), sizeof(struct ta_sealed_disk),
		 .storage = true},
    [TA_UNSEAL] = {run_unseal, sizeof(struct ta_blob_disk), TA_SECRET_BYTES},
    [TA_COUNT_ERASE] = {run_count_erase, 0, sizeof(struct ta_count_disk), .storage = true,
			.always = true},
    [TA_ADVANCE] = {run_advance, sizeof(struct ta_blob_disk), sizeof(struct ta_count_disk)},
    [TA_ANCHOR_WRITE] = {run_anchor_write, sizeof(struct ta_anchor_disk), 0, .storage = true},
    [TA_LOCK] = {run_lock, 0, 0, .always = true},
};

static bool values_fit(const struct command *k, uint32_t storage, uint32_t flags)
{
	return (k->storage ? storage == TA_RPMB || storage == TA_REE : storage == 0) &&
	       (flags == 0 || (k->flags && flags == TA_SEAL_NEXT));
}

static void run(const struct command *k, struct ta_call *c, TEE_Param p[TEE_NUM_PARAMS])
{
	uint32_t verdict = locked && !k->always ? TA_LOCKED : k->run(c);

	if (verdict == TA_DONE)
		TEE_MemMove(p[1].memref.buffer, c->out, k->out_len);
	else
		TEE_MemFill(p[1].memref.buffer, 0, k->out_len);
	p[3].value.a = verdict;
	p[3].value.b = verdict == TA_DONE ? TEE_SUCCESS : c->why;
}

TEE_Result TA_InvokeCommandEntryPoint(void *session, uint32_t command, uint32_t types,
				      TEE_Param p[TEE_NUM_PARAMS])
{
	const struct command *k = command < TA_COMMANDS ? &commands[command] : NULL;
	struct ta_call c = {0};

	if (!k)
		return TEE_ERROR_NOT_SUPPORTED;
	if (types != TEE_PARAM_TYPES(TEE_PARAM_TYPE_MEMREF_INPUT, TEE_PARAM_TYPE_MEMREF_OUTPUT,
				     TEE_PARAM_TYPE_VALUE_INPUT, TEE_PARAM_TYPE_VALUE_OUTPUT))
		return TEE_ERROR_BAD_PARAMETERS;
	c.storage = p[2].value.a;
	c.flags = p[2].value.b;
	if (p[0].memref.size != k->in_len || p[1].memref.size != k->out_len ||
	    !values_fit(k, c.storage, c.flags))
		return TEE_ERROR_BAD_PARAMETERS;
	TEE_MemMove(c.in, p[0].memref.buffer, k->in_len);
	run(k, &c, p);
	TEE_MemFill(&c, 0, sizeof(c));
	return TEE_SUCCESS;
}

TEE_Result TA_CreateEntryPoint(void)
{
	return TEE_SUCCESS;
}

void TA_DestroyEntryPoint(void)
{
}

TEE_Result TA_OpenSessionEntryPoint(uint32_t types, TEE_Param p[TEE_NUM_PARAMS], void **session)
{
	*session = NULL;
	return types == 0 ? TEE_SUCCESS : TEE_ERROR_BAD_PARAMETERS;
}

void TA_CloseSessionEntryPoint(void *session)
{
}
