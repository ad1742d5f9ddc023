/* SPDX-License-Identifier: Apache-2.0 */
/* The vault's headers, journal records and log entries. docs/formats/vault.md */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/endian.h"
#include "base/overflow.h"
#include "format/field.h"
#include "format/vault.h"

#define COPY_VERSION 1
#define PLAN_VERSION 2 /* 1 had no digest rule */

struct header_disk {
	uint8_t magic[16];  /*   0 */
	le32_t version;     /*  16 by kind */
	le32_t flags;       /*  20 plan: VAULT_PLAN_… */
	le64_t sequence;    /*  24 */
	uint8_t body[464];  /*  32 by kind */
	le32_t reserved[3]; /* 496 zero */
	le32_t crc;         /* 508 CRC-32C of the 508 bytes before */
};
static_assert(sizeof(struct header_disk) == VAULT_HEADER_BYTES, "headers are 512 bytes");

struct copy_body {
	le64_t payload_bytes;    /*  0 */
	uint8_t payload_sha[32]; /*  8 */
	le64_t vault_offset;     /* 40 */
	le64_t vault_bytes;      /* 48 */
};
struct plan_body {
	le64_t generation;    /*  0 */
	le64_t capacity;      /*  8 */
	le32_t steps;         /* 16 */
	le32_t digest_rule;   /* 20; in version 1 zero */
	uint8_t seed[32];     /* 24 */
	uint8_t instance[32]; /* 56 */
	uint8_t layout[32];   /* 88 */
	uint8_t plan[32];     /* 120 */
};
struct record_disk {
	uint8_t magic[4];    /*  0 "HFJR" */
	le32_t step;         /*  4 */
	le32_t phase;        /*  8 1 begin, 2 cursor, 3 done */
	le32_t reserved;     /* 12 zero */
	le64_t generation;   /* 16 */
	le64_t sequence;     /* 24 */
	le64_t cursor;       /* 32 */
	uint8_t padding[20]; /* 40 zero */
	le32_t crc;          /* 60 CRC-32C of the 60 bytes before */
};
static_assert(sizeof(struct record_disk) == VAULT_RECORD_BYTES, "records are 64 bytes");
struct entry_disk {
	uint8_t magic[4];    /*   0 "HFLG" */
	le32_t reserved;     /*   4 zero */
	le64_t sequence;     /*   8 */
	le64_t time;         /*  16 seconds since 1970 */
	uint8_t before[32];  /*  24 */
	uint8_t event[32];   /*  56 NUL-padded */
	uint8_t text[400];   /*  88 NUL-padded */
	uint8_t padding[20]; /* 488 zero */
	le32_t crc;          /* 508 */
};
static_assert(sizeof(struct entry_disk) == VAULT_ENTRY_BYTES, "log entries are 512 bytes");

#define PLAN_FLAGS (VAULT_PLAN_SHARED | VAULT_PLAN_COMPLETION | VAULT_PLAN_COMPLETE)

static const uint8_t copy_magic[16] = "holdfast-vault";
static const uint8_t plan_magic[16] = "holdfast-journa";

void vault_regions(uint64_t vault_bytes, struct vault_regions *ret)
{
	struct vault_regions r = {.copy_bytes = round_down(vault_bytes / 8, VAULT_BLOCK)};

	r.copy_offset[1] = r.copy_bytes;
	r.journal_offset = 2 * r.copy_bytes;
	r.journal_bytes = round_down(vault_bytes / 4, 4 * VAULT_BLOCK);
	r.log_offset = r.journal_offset + r.journal_bytes;
	r.log_bytes = round_down(vault_bytes / 16, VAULT_BLOCK);
	r.scratch_offset = r.log_offset + r.log_bytes;
	r.scratch_bytes = vault_bytes - r.scratch_offset;
	*ret = r;
}

static void seal_header(struct header_disk *d, const uint8_t *magic, uint32_t version,
			uint64_t sequence, uint32_t flags)
{
	memcpy(d->magic, magic, sizeof(d->magic));
	d->version = le32_make(version);
	d->flags = le32_make(flags);
	d->sequence = le64_make(sequence);
	d->crc = le32_make(crc32c(0, d, offsetof(struct header_disk, crc)));
}

uint32_t vault_newer_header(const uint8_t *bytes, size_t len)
{
	struct header_disk d;
	uint32_t version;

	if (len < sizeof(d))
		return 0;
	memcpy(&d, bytes, sizeof(d));
	version = le32_get(d.version);
	if (memcmp(d.magic, copy_magic, sizeof(d.magic)) == 0)
		return version > COPY_VERSION ? version : 0;
	if (memcmp(d.magic, plan_magic, sizeof(d.magic)) == 0)
		return version > PLAN_VERSION ? version : 0;
	return 0;
}

bool vault_header_is_sealed(const uint8_t *bytes, size_t len)
{
	struct header_disk d;

	if (len < sizeof(d))
		return false;
	memcpy(&d, bytes, sizeof(d));
	return le32_get(d.crc) == crc32c(0, &d, offsetof(struct header_disk, crc));
}

/* Versions 1 to @newest. */
static int open_header(const uint8_t *bytes, size_t len, const uint8_t *magic, uint32_t newest,
		       struct header_disk *ret)
{
	struct header_disk d;

	if (len < sizeof(d))
		return -EINVAL;
	memcpy(&d, bytes, sizeof(d));
	if (memcmp(d.magic, magic, sizeof(d.magic)) != 0 || le32_get(d.version) < 1 ||
	    le32_get(d.version) > newest || !vault_header_is_sealed(bytes, len) ||
	    !field_is_zero(d.reserved, sizeof(d.reserved)))
		return -EINVAL;
	*ret = d;
	return 0;
}

/* Of a header's body, @used bytes have a meaning. */
static bool body_ends(const struct header_disk *d, size_t used)
{
	return field_is_zero(d->body + used, sizeof(d->body) - used);
}

int vault_decode_copy(const uint8_t *bytes, size_t len, struct vault_copy_header *ret)
{
	struct header_disk d;
	struct copy_body b;

	if (open_header(bytes, len, copy_magic, COPY_VERSION, &d) < 0 || le32_get(d.flags) ||
	    !body_ends(&d, sizeof(b)))
		return -EINVAL;
	memcpy(&b, d.body, sizeof(b));
	ret->sequence = le64_get(d.sequence);
	ret->payload_bytes = le64_get(b.payload_bytes);
	memcpy(ret->payload_sha256, b.payload_sha, 32);
	ret->vault_offset = le64_get(b.vault_offset);
	ret->vault_bytes = le64_get(b.vault_bytes);
	return 0;
}

void vault_encode_copy(const struct vault_copy_header *h, uint8_t ret[static VAULT_HEADER_BYTES])
{
	struct header_disk d = {0};
	struct copy_body b = {
	    .payload_bytes = le64_make(h->payload_bytes),
	    .vault_offset = le64_make(h->vault_offset),
	    .vault_bytes = le64_make(h->vault_bytes),
	};

	memcpy(b.payload_sha, h->payload_sha256, 32);
	memcpy(d.body, &b, sizeof(b));
	seal_header(&d, copy_magic, COPY_VERSION, h->sequence, 0);
	memcpy(ret, &d, sizeof(d));
}

int vault_decode_plan(const uint8_t *bytes, size_t len, struct vault_plan_header *ret)
{
	struct header_disk d;
	struct plan_body b;

	if (open_header(bytes, len, plan_magic, PLAN_VERSION, &d) < 0 ||
	    le32_get(d.flags) & ~PLAN_FLAGS || !body_ends(&d, sizeof(b)))
		return -EINVAL;
	memcpy(&b, d.body, sizeof(b));
	if (le32_get(d.version) == 1 && le32_get(b.digest_rule))
		return -EINVAL;
	ret->sequence = le64_get(d.sequence);
	ret->flags = le32_get(d.flags);
	ret->generation = le64_get(b.generation);
	ret->capacity_bytes = le64_get(b.capacity);
	ret->steps = le32_get(b.steps);
	ret->digest_rule = le32_get(d.version) == 1 ? 1 : le32_get(b.digest_rule);
	memcpy(ret->seed, b.seed, 32);
	memcpy(ret->instance, b.instance, 32);
	memcpy(ret->layout_digest, b.layout, 32);
	memcpy(ret->plan_digest, b.plan, 32);
	return 0;
}

void vault_encode_plan(const struct vault_plan_header *h, uint8_t ret[static VAULT_HEADER_BYTES])
{
	struct header_disk d = {0};
	struct plan_body b = {
	    .generation = le64_make(h->generation),
	    .capacity = le64_make(h->capacity_bytes),
	    .steps = le32_make(h->steps),
	    .digest_rule = le32_make(h->digest_rule),
	};

	memcpy(b.seed, h->seed, 32);
	memcpy(b.instance, h->instance, 32);
	memcpy(b.layout, h->layout_digest, 32);
	memcpy(b.plan, h->plan_digest, 32);
	memcpy(d.body, &b, sizeof(b));
	seal_header(&d, plan_magic, PLAN_VERSION, h->sequence, h->flags);
	memcpy(ret, &d, sizeof(d));
}

int vault_decode_record(const uint8_t *bytes, size_t len, struct vault_record *ret)
{
	struct record_disk d;

	if (len < sizeof(d))
		return -EINVAL;
	memcpy(&d, bytes, sizeof(d));
	if (memcmp(d.magic, "HFJR", 4) != 0 ||
	    le32_get(d.crc) != crc32c(0, &d, offsetof(struct record_disk, crc)) ||
	    le32_get(d.phase) < 1 || le32_get(d.phase) > 3 || le32_get(d.reserved) ||
	    !field_is_zero(d.padding, sizeof(d.padding)))
		return -EINVAL;
	ret->generation = le64_get(d.generation);
	ret->sequence = le64_get(d.sequence);
	ret->step = le32_get(d.step);
	ret->phase = le32_get(d.phase);
	ret->cursor = le64_get(d.cursor);
	return 0;
}

void vault_encode_record(const struct vault_record *r, uint8_t ret[static VAULT_RECORD_BYTES])
{
	struct record_disk d = {
	    .magic = {'H', 'F', 'J', 'R'},
	    .step = le32_make(r->step),
	    .phase = le32_make(r->phase),
	    .generation = le64_make(r->generation),
	    .sequence = le64_make(r->sequence),
	    .cursor = le64_make(r->cursor),
	};

	d.crc = le32_make(crc32c(0, &d, offsetof(struct record_disk, crc)));
	memcpy(ret, &d, sizeof(d));
}

int vault_decode_entry(const uint8_t *bytes, size_t len, struct vault_entry *ret)
{
	struct entry_disk d;
	struct vault_entry e = {0};

	if (len < sizeof(d))
		return -EINVAL;
	memcpy(&d, bytes, sizeof(d));
	if (memcmp(d.magic, "HFLG", 4) != 0 ||
	    le32_get(d.crc) != crc32c(0, &d, offsetof(struct entry_disk, crc)) ||
	    le32_get(d.reserved) || !field_is_zero(d.padding, sizeof(d.padding)) ||
	    field_text(d.event, sizeof(d.event), e.event, sizeof(e.event)) < 0 ||
	    field_text(d.text, sizeof(d.text), e.text, sizeof(e.text)) < 0)
		return -EINVAL;
	e.sequence = le64_get(d.sequence);
	e.time_s = le64_get(d.time);
	memcpy(e.before, d.before, 32);
	*ret = e;
	return 0;
}

void vault_encode_entry(const struct vault_entry *e, uint8_t ret[static VAULT_ENTRY_BYTES])
{
	struct entry_disk d = {
	    .magic = {'H', 'F', 'L', 'G'},
	    .sequence = le64_make(e->sequence),
	    .time = le64_make(e->time_s),
	};

	memcpy(d.before, e->before, 32);
	memcpy(d.event, e->event, strnlen(e->event, sizeof(d.event) - 1));
	memcpy(d.text, e->text, strnlen(e->text, sizeof(d.text) - 1));
	d.crc = le32_make(crc32c(0, &d, offsetof(struct entry_disk, crc)));
	memcpy(ret, &d, sizeof(d));
}
