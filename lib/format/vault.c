/* SPDX-License-Identifier: Apache-2.0 */
/* The vault's bytes. docs/formats/vault.md */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/endian.h"
#include "base/overflow.h"
#include "format/vault.h"

#define VERSION 1

struct header_disk {
	uint8_t magic[16];  /*   0 */
	le32_t version;     /*  16 1 */
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
	le32_t reserved;      /* 20 zero */
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
struct extent_disk {
	le32_t role;       /*  0 */
	le32_t number;     /*  4 */
	le64_t offset;     /*  8 */
	le64_t size;       /* 16 */
	uint8_t uuid[16];  /* 24 text order */
	uint8_t type[16];  /* 40 */
	uint8_t label[40]; /* 56 NUL-padded */
};
static_assert(sizeof(struct extent_disk) == VAULT_EXTENT_BYTES, "extents are 96 bytes");
struct source_disk {
	uint8_t digest[32]; /*  0 */
	le64_t content;     /* 32 */
	le64_t minimum;     /* 40 */
	uint8_t tool[64];   /* 48 NUL-padded */
};
static_assert(sizeof(struct source_disk) == VAULT_SOURCE_BYTES, "sources are 112 bytes");

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

static void seal_header(struct header_disk *d, const uint8_t *magic, uint64_t sequence,
			uint32_t flags)
{
	memcpy(d->magic, magic, sizeof(d->magic));
	d->version = le32_make(VERSION);
	d->flags = le32_make(flags);
	d->sequence = le64_make(sequence);
	d->crc = le32_make(crc32c(0, d, offsetof(struct header_disk, crc)));
}

static int open_header(const uint8_t *bytes, size_t len, const uint8_t *magic,
		       struct header_disk *ret)
{
	if (len < sizeof(*ret))
		return -EINVAL;
	memcpy(ret, bytes, sizeof(*ret));
	if (memcmp(ret->magic, magic, sizeof(ret->magic)) != 0 ||
	    le32_get(ret->version) != VERSION ||
	    le32_get(ret->crc) != crc32c(0, ret, offsetof(struct header_disk, crc)))
		return -EINVAL;
	return 0;
}

int vault_decode_copy(const uint8_t *bytes, size_t len, struct vault_copy_header *ret)
{
	struct header_disk d;
	struct copy_body b;

	if (open_header(bytes, len, copy_magic, &d) < 0)
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
	seal_header(&d, copy_magic, h->sequence, 0);
	memcpy(ret, &d, sizeof(d));
}

int vault_decode_plan(const uint8_t *bytes, size_t len, struct vault_plan_header *ret)
{
	struct header_disk d;
	struct plan_body b;

	if (open_header(bytes, len, plan_magic, &d) < 0)
		return -EINVAL;
	memcpy(&b, d.body, sizeof(b));
	if (le32_get(d.flags) & ~7u)
		return -EINVAL;
	ret->sequence = le64_get(d.sequence);
	ret->flags = le32_get(d.flags);
	ret->generation = le64_get(b.generation);
	ret->capacity_bytes = le64_get(b.capacity);
	ret->steps = le32_get(b.steps);
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
	};

	memcpy(b.seed, h->seed, 32);
	memcpy(b.instance, h->instance, 32);
	memcpy(b.layout, h->layout_digest, 32);
	memcpy(b.plan, h->plan_digest, 32);
	memcpy(d.body, &b, sizeof(b));
	seal_header(&d, plan_magic, h->sequence, h->flags);
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
	    le32_get(d.phase) < 1 || le32_get(d.phase) > 3)
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

/* Text in a field that must end within it. */
static int take_text(const uint8_t *field, size_t room, char *ret, size_t ret_size)
{
	size_t n = strnlen((const char *)field, room);

	if (n == room || n >= ret_size)
		return -EINVAL;
	memcpy(ret, field, n + 1);
	return 0;
}

int vault_decode_entry(const uint8_t *bytes, size_t len, struct vault_entry *ret)
{
	struct entry_disk d;

	if (len < sizeof(d))
		return -EINVAL;
	memcpy(&d, bytes, sizeof(d));
	if (memcmp(d.magic, "HFLG", 4) != 0 ||
	    le32_get(d.crc) != crc32c(0, &d, offsetof(struct entry_disk, crc)) ||
	    take_text(d.event, sizeof(d.event), ret->event, sizeof(ret->event)) < 0 ||
	    take_text(d.text, sizeof(d.text), ret->text, sizeof(ret->text)) < 0)
		return -EINVAL;
	ret->sequence = le64_get(d.sequence);
	ret->time_s = le64_get(d.time);
	memcpy(ret->before, d.before, 32);
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

/* --- device part --- */

static bool known(unsigned type)
{
	return type <= VAULT_LEARNED || (type >= VAULT_KEYSTORE && type <= VAULT_ESCROW_KEY);
}

/* An item: le16 type, le16 zero, le32 length, value, padding to a multiple of 4. */
int vault_next_item(const uint8_t *bytes, size_t len, size_t *at, struct vault_item *ret)
{
	for (;;) {
		le16_t type;
		le32_t size;
		uint32_t n;

		if (!range_inside(*at, 8, len) || bytes[*at + 2] || bytes[*at + 3])
			return -EINVAL;
		memcpy(&type, bytes + *at, 2);
		memcpy(&size, bytes + *at + 4, 4);
		n = le32_get(size);
		if (!range_inside(*at + 8, round_up(n, 4), len))
			return -EINVAL;
		ret->type = le16_get(type);
		ret->value = bytes + *at + 8;
		ret->len = n;
		*at += 8 + (size_t)round_up(n, 4);
		if (ret->type == VAULT_END)
			return 0;
		if (known(ret->type))
			return 1;
		if (!(ret->type & VAULT_ITEM_OPTIONAL))
			return -EINVAL;
	}
}

int vault_item_strings(const uint8_t *bytes, size_t len, const char **ret, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t text = strnlen((const char *)bytes, len);

		if (text == len)
			return -EINVAL;
		ret[i] = (const char *)bytes;
		bytes += text + 1;
		len -= text + 1;
	}
	return len == 0 ? 0 : -EINVAL;
}

int vault_decode_extent(const uint8_t *bytes, size_t len, struct vault_extent_item *ret)
{
	struct extent_disk d;

	if (len != sizeof(d))
		return -EINVAL;
	memcpy(&d, bytes, sizeof(d));
	ret->role = le32_get(d.role);
	ret->number = le32_get(d.number);
	ret->offset_bytes = le64_get(d.offset);
	ret->size_bytes = le64_get(d.size);
	memcpy(ret->uuid.b, d.uuid, 16);
	memcpy(ret->type.b, d.type, 16);
	if (ret->size_bytes > UINT64_MAX - ret->offset_bytes)
		return -EINVAL;
	return take_text(d.label, sizeof(d.label), ret->label, sizeof(ret->label));
}

void vault_encode_extent(const struct vault_extent_item *e, uint8_t ret[static VAULT_EXTENT_BYTES])
{
	struct extent_disk d = {
	    .role = le32_make(e->role),
	    .number = le32_make(e->number),
	    .offset = le64_make(e->offset_bytes),
	    .size = le64_make(e->size_bytes),
	};

	memcpy(d.uuid, e->uuid.b, 16);
	memcpy(d.type, e->type.b, 16);
	memcpy(d.label, e->label, strnlen(e->label, 36));
	memcpy(ret, &d, sizeof(d));
}

struct key_disk {
	le32_t layer;         /*   0 */
	le32_t purpose;       /*   4 */
	le32_t len;           /*   8 */
	uint8_t nonce[12];    /*  12 */
	uint8_t tag[16];      /*  24 */
	uint8_t wrapped[128]; /*  40: the rest is zero */
	char keystore[32];    /* 168 */
	char volume[64];      /* 200 */
};
static_assert(sizeof(struct key_disk) == VAULT_KEY_BYTES, "key item");

int vault_decode_key(const uint8_t *bytes, size_t len, struct vault_key_item *ret)
{
	struct key_disk d;

	if (len != sizeof(d))
		return -EINVAL;
	memcpy(&d, bytes, sizeof(d));
	ret->layer = le32_get(d.layer);
	ret->purpose = le32_get(d.purpose);
	ret->len = le32_get(d.len);
	if (ret->len == 0 || ret->len > VAULT_WRAPPED_MAX)
		return -EINVAL;
	for (size_t i = ret->len; i < VAULT_WRAPPED_MAX; i++) {
		if (d.wrapped[i])
			return -EINVAL;
	}
	memcpy(ret->nonce, d.nonce, sizeof(d.nonce));
	memcpy(ret->tag, d.tag, sizeof(d.tag));
	memcpy(ret->wrapped, d.wrapped, sizeof(d.wrapped));
	if (take_text((const uint8_t *)d.keystore, sizeof(d.keystore), ret->keystore,
		      sizeof(ret->keystore)) < 0)
		return -EINVAL;
	return take_text((const uint8_t *)d.volume, sizeof(d.volume), ret->volume,
			 sizeof(ret->volume));
}

void vault_encode_key(const struct vault_key_item *k, uint8_t ret[static VAULT_KEY_BYTES])
{
	struct key_disk d = {.layer = le32_make(k->layer),
			     .purpose = le32_make(k->purpose),
			     .len = le32_make(k->len)};

	memcpy(d.nonce, k->nonce, sizeof(d.nonce));
	memcpy(d.tag, k->tag, sizeof(d.tag));
	memcpy(d.wrapped, k->wrapped, k->len);
	memcpy(d.keystore, k->keystore, strnlen(k->keystore, sizeof(d.keystore) - 1));
	memcpy(d.volume, k->volume, strnlen(k->volume, sizeof(d.volume) - 1));
	memcpy(ret, &d, sizeof(d));
}

struct key_blob_disk {
	le32_t layer;      /*  0 */
	le32_t purpose;    /*  4 */
	le32_t len;        /*  8 */
	le32_t blob_len;   /* 12 */
	char keystore[32]; /* 16 */
	char volume[64];   /* 48; the blob follows */
};
static_assert(sizeof(struct key_blob_disk) == VAULT_KEY_BLOB_HEADER, "key blob item");

int vault_decode_key_blob(const uint8_t *bytes, size_t len, struct vault_key_blob_item *ret)
{
	struct key_blob_disk d;

	if (len < sizeof(d))
		return -EINVAL;
	memcpy(&d, bytes, sizeof(d));
	ret->layer = le32_get(d.layer);
	ret->purpose = le32_get(d.purpose);
	ret->len = le32_get(d.len);
	ret->blob = bytes + sizeof(d);
	ret->blob_len = le32_get(d.blob_len);
	if (ret->len == 0 || ret->len > VAULT_WRAPPED_MAX || ret->blob_len == 0 ||
	    ret->blob_len > VAULT_KEY_BLOB_MAX || ret->blob_len != len - sizeof(d))
		return -EINVAL;
	if (take_text((const uint8_t *)d.keystore, sizeof(d.keystore), ret->keystore,
		      sizeof(ret->keystore)) < 0)
		return -EINVAL;
	return take_text((const uint8_t *)d.volume, sizeof(d.volume), ret->volume,
			 sizeof(ret->volume));
}

void vault_encode_key_blob(const struct vault_key_blob_item *k,
			   uint8_t ret[static VAULT_KEY_BLOB_HEADER])
{
	struct key_blob_disk d = {.layer = le32_make(k->layer),
				  .purpose = le32_make(k->purpose),
				  .len = le32_make(k->len),
				  .blob_len = le32_make((uint32_t)k->blob_len)};

	memcpy(d.keystore, k->keystore, strnlen(k->keystore, sizeof(d.keystore) - 1));
	memcpy(d.volume, k->volume, strnlen(k->volume, sizeof(d.volume) - 1));
	memcpy(ret, &d, sizeof(d));
}

struct escrow_disk {
	le32_t flags;               /*   0: 1 = confirmed */
	le32_t zero;                /*   4 */
	uint8_t nonce[32];          /*   8 */
	uint8_t receipt_sha256[32]; /*  40 */
	char volume[64];            /*  72 */
};
static_assert(sizeof(struct escrow_disk) == VAULT_ESCROW_BYTES, "escrow item");

int vault_decode_escrow(const uint8_t *bytes, size_t len, struct vault_escrow_item *ret)
{
	struct escrow_disk d;

	if (len != sizeof(d))
		return -EINVAL;
	memcpy(&d, bytes, sizeof(d));
	if (le32_get(d.flags) > 1 || le32_get(d.zero))
		return -EINVAL;
	ret->confirmed = le32_get(d.flags) == 1;
	memcpy(ret->nonce, d.nonce, sizeof(d.nonce));
	memcpy(ret->receipt_sha256, d.receipt_sha256, sizeof(d.receipt_sha256));
	return take_text((const uint8_t *)d.volume, sizeof(d.volume), ret->volume,
			 sizeof(ret->volume));
}

void vault_encode_escrow(const struct vault_escrow_item *e, uint8_t ret[static VAULT_ESCROW_BYTES])
{
	struct escrow_disk d = {.flags = le32_make(e->confirmed)};

	memcpy(d.nonce, e->nonce, sizeof(d.nonce));
	memcpy(d.receipt_sha256, e->receipt_sha256, sizeof(d.receipt_sha256));
	memcpy(d.volume, e->volume, strnlen(e->volume, sizeof(d.volume) - 1));
	memcpy(ret, &d, sizeof(d));
}

int vault_decode_source(const uint8_t *bytes, size_t len, struct vault_source_item *ret)
{
	struct source_disk d;

	if (len != sizeof(d))
		return -EINVAL;
	memcpy(&d, bytes, sizeof(d));
	memcpy(ret->digest, d.digest, 32);
	ret->content_bytes = le64_get(d.content);
	ret->minimum_bytes = le64_get(d.minimum);
	return take_text(d.tool, sizeof(d.tool), ret->tool, sizeof(ret->tool));
}

void vault_encode_source(const struct vault_source_item *s, uint8_t ret[static VAULT_SOURCE_BYTES])
{
	struct source_disk d = {
	    .content = le64_make(s->content_bytes),
	    .minimum = le64_make(s->minimum_bytes),
	};

	memcpy(d.digest, s->digest, 32);
	memcpy(d.tool, s->tool, strnlen(s->tool, sizeof(d.tool) - 1));
	memcpy(ret, &d, sizeof(d));
}
