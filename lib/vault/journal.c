/* SPDX-License-Identifier: Apache-2.0 */
/* The journal: two headers, two halves of records. When a half is full, the latest record of each
 * step is written to the other half, and writing goes on there. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/container.h"
#include "base/diag.h"
#include "vault/access.h"
#include "vault/journal.h"
#include "vault/private.h"

static struct vault *vault_of(struct journal *j)
{
	return container_of(j, struct vault, journal);
}

/* --- geometry: one record per sector, so that a torn write damages no other record --- */

static uint64_t half_bytes(const struct vault *v)
{
	return (v->regions.journal_bytes - 2 * VAULT_BLOCK) / 2 / VAULT_BLOCK * VAULT_BLOCK;
}

static uint64_t records_in_half(const struct vault *v)
{
	return half_bytes(v) / v->target->sector_bytes;
}

static uint64_t record_offset(const struct vault *v, unsigned half, uint64_t position)
{
	return v->regions.journal_offset + 2 * VAULT_BLOCK + half * half_bytes(v) +
	       position * v->target->sector_bytes;
}

/* --- reading --- */

static struct vault_record *find_latest(struct vault *v, uint32_t step)
{
	array_each (r, &v->latest) {
		if (r->step == step)
			return r;
	}
	return NULL;
}

static int note(struct vault *v, const struct vault_record *record)
{
	struct vault_record *known = find_latest(v, record->step);

	if (known && record->sequence > known->sequence)
		*known = *record;
	if (!known && array_add(&v->latest, *record) < 0)
		return diag_no_memory();
	return 0;
}

static int load_half(struct vault *v, unsigned half)
{
	for (uint64_t i = 0; i < records_in_half(v); i++) {
		uint64_t offset = v->extent.offset_bytes + record_offset(v, half, i);
		uint8_t bytes[VAULT_RECORD_BYTES];
		struct vault_record r;

		if (io_read(v->target, bytes, sizeof(bytes), offset) < 0 ||
		    vault_decode_record(bytes, sizeof(bytes), &r) < 0 ||
		    r.generation != v->plan.generation)
			continue;
		if (note(v, &r) < 0)
			return -ENOMEM;
		if (r.sequence >= v->next_sequence) {
			v->next_sequence = r.sequence + 1;
			v->half = half;
			v->position = i + 1;
		}
	}
	return 0;
}

/* @ret_sealed: its checksum is right, whatever its version. */
static void load_header(struct vault *v, unsigned which, bool *ret_sealed)
{
	uint64_t offset = v->regions.journal_offset + which * VAULT_BLOCK;
	uint8_t bytes[VAULT_HEADER_BYTES];
	struct vault_plan_header h;

	v->newer_plan[which] = 0;
	*ret_sealed = false;
	if (io_read(v->target, bytes, sizeof(bytes), v->extent.offset_bytes + offset) < 0)
		return;
	v->newer_plan[which] = vault_newer_header(bytes, sizeof(bytes));
	*ret_sealed = vault_header_is_sealed(bytes, sizeof(bytes));
	if (vault_decode_plan(bytes, sizeof(bytes), &h) < 0 ||
	    (v->has_plan && h.sequence < v->plan.sequence))
		return;
	v->plan = h;
	v->has_plan = true;
}

int vault_load_journal(struct vault *v)
{
	bool sealed[2];

	v->has_plan = false;
	v->latest.n = 0;
	v->next_sequence = 1;
	v->half = 0;
	v->position = 0;
	load_header(v, 0, &sealed[0]);
	load_header(v, 1, &sealed[1]);
	/* As of copies: one flipped bit beside a good header is damage. */
	for (unsigned i = 0; i < 2 && v->has_plan; i++)
		v->newer_plan[i] = sealed[i] ? v->newer_plan[i] : 0;
	if (!v->has_plan)
		return 0;
	if (load_half(v, 0) < 0)
		return -ENOMEM;
	return load_half(v, 1);
}

/* --- writing --- */

static int write_header(struct vault *v)
{
	uint8_t block[VAULT_BLOCK] = {0};
	int r;

	v->plan.sequence++;
	vault_encode_plan(&v->plan, block);
	r = vault_write(v, block, sizeof(block),
			v->regions.journal_offset + (v->plan.sequence & 1) * VAULT_BLOCK);
	return r < 0 ? r : vault_flush(v);
}

static struct vault_plan_header header_of(const struct vault_begun *begun)
{
	struct vault_plan_header h = {
	    .flags = (begun->shared ? VAULT_PLAN_SHARED : 0) |
		     (begun->completion ? VAULT_PLAN_COMPLETION : 0),
	    .steps = begun->steps,
	    .digest_rule = LAYOUT_DIGEST_RULE,
	    .capacity_bytes = begun->capacity_bytes,
	};

	memcpy(h.seed, begun->seed, 32);
	memcpy(h.instance, begun->instance, 32);
	memcpy(h.layout_digest, begun->layout_digest, 32);
	memcpy(h.plan_digest, begun->plan_digest, 32);
	return h;
}

int vault_begin_journal(struct vault *v, const struct vault_begun *begun)
{
	struct vault_plan_header h = header_of(begun);

	if (2 * (uint64_t)begun->steps > records_in_half(v))
		return diag_fail(DIAG_LAYOUT_SPACE, ENOSPC,
				 "a vault of %" PRIu64 " bytes is too small for a plan of %u steps",
				 v->extent.size_bytes, begun->steps);
	h.sequence = v->has_plan ? v->plan.sequence : 0;
	h.generation = v->has_plan ? v->plan.generation + 1 : 1;
	v->plan = h;
	v->has_plan = true;
	v->latest.n = 0;
	v->next_sequence = 1;
	v->half = 0;
	v->position = 0;
	return write_header(v);
}

int vault_begun(const struct vault *v, struct vault_begun *ret)
{
	const struct vault_plan_header *h = &v->plan;

	if (!v->has_plan)
		return 0;
	*ret = (struct vault_begun){
	    .shared = h->flags & VAULT_PLAN_SHARED,
	    .completion = h->flags & VAULT_PLAN_COMPLETION,
	    .complete = h->flags & VAULT_PLAN_COMPLETE,
	    .generation = h->generation,
	    .digest_rule = h->digest_rule,
	    .capacity_bytes = h->capacity_bytes,
	    .steps = h->steps,
	};
	memcpy(ret->seed, h->seed, 32);
	memcpy(ret->instance, h->instance, 32);
	memcpy(ret->layout_digest, h->layout_digest, 32);
	memcpy(ret->plan_digest, h->plan_digest, 32);
	return 1;
}

int vault_finish(struct vault *v)
{
	v->plan.flags |= VAULT_PLAN_COMPLETE;
	return write_header(v);
}

static int write_record(struct vault *v, struct vault_record *r)
{
	uint8_t sector[4096] = {0};
	int e;

	r->sequence = v->next_sequence++;
	r->generation = v->plan.generation;
	vault_encode_record(r, sector);
	e = vault_write(v, sector, v->target->sector_bytes, record_offset(v, v->half, v->position));
	v->position++;
	return e;
}

/* The full half stays valid until the other one is full, too. */
static int change_half(struct vault *v)
{
	int r = 0;

	v->half = !v->half;
	v->position = 0;
	for (size_t i = 0; i < v->latest.n && r >= 0; i++)
		r = write_record(v, &v->latest.v[i]);
	return r < 0 ? r : vault_flush(v);
}

static int append(struct journal *j, const struct journal_record *record, bool durable)
{
	struct vault *v = vault_of(j);
	struct vault_record r = {
	    .step = record->step, .phase = record->phase, .cursor = record->cursor};
	int e = v->position < records_in_half(v) ? 0 : change_half(v);

	if (e >= 0)
		e = write_record(v, &r);
	if (e >= 0 && durable)
		e = vault_flush(v);
	return e < 0 ? e : note(v, &r);
}

static int last(struct journal *j, uint32_t step, struct journal_record *ret)
{
	const struct vault_record *r = find_latest(vault_of(j), step);

	if (!r)
		return 0;
	*ret = (struct journal_record){
	    .step = r->step, .phase = (enum journal_phase)r->phase, .cursor = r->cursor};
	return 1;
}

static const struct journal_ops ops = {.append = append, .last = last};

struct journal *vault_journal(struct vault *v)
{
	v->journal.ops = &ops;
	return &v->journal;
}
