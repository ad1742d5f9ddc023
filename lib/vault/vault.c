/* SPDX-License-Identifier: Apache-2.0 */
/* The vault on a target: finding it, its two copies, committing a new device part. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/overflow.h"
#include "crypto/digest.h"
#include "format/dps.h"
#include "format/gpt.h"
#include "vault/keys-private.h"
#include "stack/learn.h"

int vault_io(struct vault *v, int r, const char *doing, uint64_t offset, uint64_t len)
{
	return r < 0 ? io_fail(v->target, r, doing, v->extent.offset_bytes + offset, len) : 0;
}

int vault_read(struct vault *v, void *buf, size_t len, uint64_t offset)
{
	return vault_io(v, io_read(v->target, buf, len, v->extent.offset_bytes + offset),
			"reading the vault,", offset, len);
}

int vault_write(struct vault *v, const void *buf, size_t len, uint64_t offset)
{
	return vault_io(v, io_write(v->target, buf, len, v->extent.offset_bytes + offset),
			"writing the vault,", offset, len);
}

int vault_flush(struct vault *v)
{
	return vault_io(v, io_flush(v->target), "flushing the vault,", 0, v->extent.size_bytes);
}

/* --- the copies --- */

static int bad_copy(struct vault_copy *c, const char *why)
{
	free(c->payload);
	c->payload = NULL;
	c->good = false;
	c->why = why;
	return 0;
}

static int load_copy(struct vault *v, unsigned which)
{
	struct vault_copy *c = &v->copy[which];
	uint64_t offset = v->regions.copy_offset[which];
	uint8_t head[VAULT_HEADER_BYTES], digest[32];

	*c = (struct vault_copy){0};
	if (io_read(v->target, head, sizeof(head), v->extent.offset_bytes + offset) < 0)
		return bad_copy(c, "cannot be read");
	if (vault_decode_copy(head, sizeof(head), &c->header) < 0)
		return bad_copy(c, "has no good header");
	if (c->header.vault_offset != v->extent.offset_bytes ||
	    c->header.vault_bytes != v->extent.size_bytes)
		return bad_copy(c, "was written for another place");
	if (c->header.payload_bytes > v->regions.copy_bytes - VAULT_BLOCK)
		return bad_copy(c, "has an impossible size");
	c->payload = malloc(c->header.payload_bytes ? c->header.payload_bytes : 1);
	if (!c->payload)
		return diag_no_memory();
	if (io_read(v->target, c->payload, c->header.payload_bytes,
		    v->extent.offset_bytes + offset + VAULT_BLOCK) < 0)
		return bad_copy(c, "cannot be read");
	if (digest_sha256(c->payload, c->header.payload_bytes, digest) < 0)
		return -EIO;
	if (memcmp(digest, c->header.payload_sha256, sizeof(digest)) != 0)
		return bad_copy(c, "does not match its checksum");
	c->good = true;
	return 0;
}

int vault_load_copies(struct vault *v)
{
	int r = load_copy(v, 0);

	return r < 0 ? r : load_copy(v, 1);
}

int vault_active_index(const struct vault *v)
{
	if (v->chosen && v->copy[v->chosen - 1].good)
		return v->chosen - 1;
	if (v->copy[0].good && v->copy[1].good)
		return v->copy[1].header.sequence > v->copy[0].header.sequence;
	return v->copy[0].good ? 0 : v->copy[1].good ? 1 : -1;
}

const struct vault_copy *vault_active(const struct vault *v)
{
	int i = vault_active_index(v);

	return i < 0 ? NULL : &v->copy[i];
}

/* Payload, flush, header, flush: a torn write leaves a copy that is no copy. */
static int write_copy(struct vault *v, unsigned which, const uint8_t *payload,
		      const struct vault_copy_header *h)
{
	uint64_t offset = v->regions.copy_offset[which];
	uint64_t end = VAULT_BLOCK + h->payload_bytes;
	uint8_t head[VAULT_BLOCK] = {0};
	int r = vault_write(v, payload, h->payload_bytes, offset + VAULT_BLOCK);

	vault_encode_copy(h, head);
	if (r >= 0) /* nothing of an older device part, with its keys, stays behind it */
		r = vault_io(v,
			     io_zero(v->target, v->extent.offset_bytes + offset + end,
				     v->regions.copy_bytes - end),
			     "writing the vault,", offset + end, v->regions.copy_bytes - end);
	if (r >= 0)
		r = vault_flush(v);
	if (r >= 0)
		r = vault_write(v, head, sizeof(head), offset);
	return r < 0 ? r : vault_flush(v);
}

static bool holds(const struct vault_copy *c, const struct vault_copy_header *h)
{
	return c->good && c->header.sequence == h->sequence &&
	       c->header.payload_bytes == h->payload_bytes &&
	       memcmp(c->header.payload_sha256, h->payload_sha256, 32) == 0;
}

int vault_commit(struct vault *v, const uint8_t *payload, size_t len, struct vault_keys *keys)
{
	int active = vault_active_index(v), r = 0;
	unsigned first = active == 0;
	struct vault_copy_header h = {
	    .payload_bytes = len,
	    .vault_offset = v->extent.offset_bytes,
	    .vault_bytes = v->extent.size_bytes,
	};

	if (len > v->regions.copy_bytes - VAULT_BLOCK)
		return diag_fail(DIAG_LAYOUT_SPACE, ENOSPC,
				 "the device part has %zu bytes, too many for a vault of %" PRIu64
				 "; write vault { size = … }",
				 len, v->extent.size_bytes);
	if (digest_sha256(payload, len, h.payload_sha256) < 0)
		return -EIO;
	h.sequence = active < 0 ? 1 : v->copy[active].header.sequence;
	if (active >= 0 && !holds(&v->copy[active], &h))
		h.sequence++;
	for (unsigned i = 0; i < 2 && r >= 0; i++) {
		unsigned which = i == 0 ? first : !first;

		if (!holds(&v->copy[which], &h))
			r = write_copy(v, which, payload, &h);
		if (i == 0 && keys && r >= 0)
			r = vault_keys_anchor(keys, &h);
	}
	v->chosen = 0;
	free(v->copy[0].payload);
	free(v->copy[1].payload);
	v->copy[0].payload = v->copy[1].payload = NULL;
	return r < 0 ? r : vault_load_copies(v);
}

/* --- finding --- */

static struct vault *new_vault(struct io *target, uint64_t offset, uint64_t size)
{
	struct vault *v = calloc(1, sizeof(*v));

	if (!v) {
		diag_no_memory();
		return NULL;
	}
	v->journal.ops = &vault_journal_ops;
	v->target = target;
	v->extent = (struct extent){offset, size};
	vault_regions(size, &v->regions);
	return v;
}

struct vault *vault_close(struct vault *v)
{
	if (v) {
		free(v->copy[0].payload);
		free(v->copy[1].payload);
		array_free(&v->latest);
		free(v);
	}
	return NULL;
}

void vault_closep(struct vault **v)
{
	vault_close(*v);
}

int vault_open(struct io *target, uint64_t offset_bytes, uint64_t size_bytes, struct vault **ret)
{
	_cleanup_vault_ struct vault *v = NULL;
	int r;

	if (size_bytes < VAULT_LEAST_SIZE ||
	    !range_inside(offset_bytes, size_bytes, target->size_bytes))
		return 0;
	v = new_vault(target, offset_bytes, size_bytes);
	if (!v)
		return -ENOMEM;
	r = vault_load_copies(v);
	if (r >= 0)
		r = vault_load_journal(v);
	if (r < 0)
		return r;
	if (!vault_active(v) && !v->has_plan)
		return 0;
	*ret = TAKE(v);
	return 1;
}

/* The table's entry of the vault's type, in the copy whose header is at @lba. */
static bool find_entry(struct io *target, uint64_t lba, struct extent *ret)
{
	_cleanup_free_ uint8_t *sector = malloc(target->sector_bytes);
	uint8_t bytes[GPT_ENTRY_BYTES];
	struct gpt_header h;
	struct gpt_entry e;
	const char *why;

	if (!sector ||
	    io_read(target, sector, target->sector_bytes, lba * target->sector_bytes) < 0 ||
	    gpt_decode_header(sector, target->sector_bytes, &h, &why) < 0 ||
	    h.entries_lba > target->size_bytes / target->sector_bytes)
		return false;
	for (uint32_t i = 0; i < h.entries; i++) {
		if (io_read(target, bytes, sizeof(bytes),
			    h.entries_lba * target->sector_bytes + i * GPT_ENTRY_BYTES) < 0)
			return false;
		if (gpt_decode_entry(bytes, sizeof(bytes), &e) != 1 ||
		    !uuid_equal(&e.type, &dps_vault_type))
			continue;
		return mul_u64(e.first_lba, target->sector_bytes, &ret->offset_bytes) &&
		       mul_u64(e.last_lba - e.first_lba + 1, target->sector_bytes,
			       &ret->size_bytes);
	}
	return false;
}

/* A copy's header names its vault's place: good enough to find one without a table. */
static bool find_header(struct io *target, uint64_t offset, struct extent *ret)
{
	struct vault_copy_header h;
	uint8_t head[VAULT_HEADER_BYTES];

	if (!range_inside(offset, sizeof(head), target->size_bytes) ||
	    io_read(target, head, sizeof(head), offset) < 0 ||
	    vault_decode_copy(head, sizeof(head), &h) < 0 || h.vault_offset != offset)
		return false;
	*ret = (struct extent){h.vault_offset, h.vault_bytes};
	return true;
}

/* Where a raw medium's layout may have put it. */
static int scan(struct io *target, struct vault **ret)
{
	struct extent e;
	int r = 0;

	for (uint64_t at = 0; at < VAULT_SCAN_END; at += VAULT_SCAN_STEP)
		io_hint(target, IO_WILL_READ, at, VAULT_HEADER_BYTES);
	for (uint64_t at = 0; at < VAULT_SCAN_END && r == 0; at += VAULT_SCAN_STEP) {
		if (find_header(target, at, &e))
			r = vault_open(target, e.offset_bytes, e.size_bytes, ret);
	}
	return r;
}

int vault_find(struct io *target, struct vault **ret)
{
	uint64_t sectors = target->size_bytes / target->sector_bytes;
	struct extent e;
	int r = 0;

	if (sectors < 8)
		return 0;
	if (find_entry(target, 1, &e) || find_entry(target, sectors - 1, &e))
		r = vault_open(target, e.offset_bytes, e.size_bytes, ret);
	if (r == 0 && find_header(target, VAULT_DEFAULT_OFFSET, &e))
		r = vault_open(target, e.offset_bytes, e.size_bytes, ret);
	if (r == 0)
		r = vault_open(target, VAULT_DEFAULT_OFFSET, VAULT_DEFAULT_SIZE, ret);
	return r == 0 ? scan(target, ret) : r;
}

struct extent vault_extent(const struct vault *v)
{
	return v->extent;
}

/* --- a plan on it --- */

int vault_begun(struct vault *v, struct vault_begun *ret)
{
	const struct vault_plan_header *h = &v->plan;

	if (!v->has_plan)
		return 0;
	*ret = (struct vault_begun){
	    .shared = h->flags & VAULT_PLAN_SHARED,
	    .completion = h->flags & VAULT_PLAN_COMPLETION,
	    .complete = h->flags & VAULT_PLAN_COMPLETE,
	    .capacity_bytes = h->capacity_bytes,
	    .steps = h->steps,
	};
	memcpy(ret->seed, h->seed, 32);
	memcpy(ret->instance, h->instance, 32);
	memcpy(ret->layout_digest, h->layout_digest, 32);
	memcpy(ret->plan_digest, h->plan_digest, 32);
	return 1;
}

int vault_begin(struct io *target, uint64_t offset_bytes, uint64_t size_bytes,
		const struct vault_begun *begun, struct vault **ret)
{
	_cleanup_vault_ struct vault *v = new_vault(target, offset_bytes, size_bytes);
	int r = v ? vault_load_copies(v) : -ENOMEM;

	if (r >= 0)
		r = vault_load_journal(v);
	if (r >= 0)
		r = vault_begin_journal(v, begun);
	if (r < 0)
		return r;
	*ret = TAKE(v);
	return 0;
}

struct journal *vault_journal(struct vault *v)
{
	return &v->journal;
}

int vault_commit_layout(struct vault *v, const struct layout *layout, struct vault_keys *keys)
{
	_cleanup_text_ struct text payload = {0};
	int r = device_part_encode(layout, keys, &payload);

	return r < 0 ? r : vault_commit(v, (const uint8_t *)payload.s, payload.len, keys);
}

static int run_commit(const struct step *s, struct job *job, struct cursor *cursor)
{
	struct layout *layout = (struct layout *)(uintptr_t)s->layout;
	const struct extent *e = &layout->vault.extent;
	_cleanup_vault_ struct vault *v = new_vault(job->target, e->offset_bytes, e->size_bytes);
	int r = v ? stack_learn(layout, job) : -ENOMEM;

	if (r >= 0)
		r = vault_load_copies(v);
	return r < 0 ? r : vault_commit_layout(v, layout, (struct vault_keys *)job->keys);
}

static const struct step_ops commit_step = {"commit device part", STEP_REDO, run_commit, NULL};

int vault_plan_commit(struct plan *plan)
{
	const struct step step = {
	    .ops = &commit_step,
	    .subject = "vault",
	    .detail = "inactive copy, then the other",
	    .target = plan->layout->vault.extent,
	};

	return plan_add(plan, &step);
}

/* --- checking and mending --- */

static int add_copy(struct vault *v, unsigned which, struct report *report)
{
	static const char *const areas[] = {"first copy", "second copy"};
	const struct vault_copy *c = &v->copy[which], *active = vault_active(v);
	struct finding f = {
	    .kind = active ? FINDING_MENDABLE : FINDING_CORRUPT,
	    .layer = "vault",
	    .area = areas[which],
	    .offset_bytes = v->extent.offset_bytes + v->regions.copy_offset[which],
	    .len_bytes = v->regions.copy_bytes,
	    .text = c->why,
	};

	if (c->good && active->header.sequence == c->header.sequence)
		return 0;
	if (c->good)
		f.text = "is older than the other one";
	return report_add(report, &f) < 0 ? diag_no_memory() : 0;
}

int vault_verify(struct vault *v, struct report *report)
{
	int r = add_copy(v, 0, report);

	if (r >= 0)
		r = add_copy(v, 1, report);
	report->checked_bytes += v->extent.size_bytes;
	return r < 0 ? r : vault_verify_log(v, report);
}

static int run_mend(const struct step *s, struct job *job, struct cursor *cursor)
{
	const struct extent *e = s->params;
	_cleanup_vault_ struct vault *v = NULL;
	_cleanup_free_ uint8_t *payload = NULL;
	const struct vault_copy *active;
	size_t len;
	int r = vault_open(job->target, e->offset_bytes, e->size_bytes, &v);

	if (r <= 0)
		return r;
	active = vault_active(v);
	if (!active)
		return diag_fail(DIAG_DAMAGED, EUCLEAN, "neither copy of the vault is good");
	len = active->header.payload_bytes;
	payload = malloc(len ? len : 1);
	if (!payload)
		return diag_no_memory();
	memcpy(payload, active->payload, len);
	return vault_commit(v, payload, len, NULL);
}

static const struct step_ops mend_step = {"mend vault", STEP_REDO, run_mend, NULL};

int vault_plan_repair(struct vault *v, struct plan *plan)
{
	const struct vault_copy *active = vault_active(v);
	struct extent *e = arena_new(&plan->arena, struct extent);
	struct step step = {.ops = &mend_step, .subject = "vault", .params = e};

	if (!e)
		return diag_no_memory();
	*e = v->extent;
	if (v->undecided) {
		diag_note("the vault's copies differ, and only the keystore's hardware knows which "
			  "one counts: they are left alone");
		return 0;
	}
	if (!active || (v->copy[0].good && v->copy[1].good &&
			v->copy[0].header.sequence == v->copy[1].header.sequence))
		return 0;
	step.detail =
	    active == &v->copy[0] ? "second copy from the first" : "first copy from the second";
	return plan_add(plan, &step);
}
