/* SPDX-License-Identifier: Apache-2.0 */
/* The items of a device part. docs/formats/vault.md */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/endian.h"
#include "base/overflow.h"
#include "format/field.h"
#include "format/vault.h"

static bool known(unsigned type)
{
	return type <= VAULT_LEARNED || (type >= VAULT_KEYSTORE && type <= VAULT_ESCROW_KEY);
}

bool vault_item_is_of_keys(unsigned type)
{
	return type >= VAULT_SEALED && type <= VAULT_ESCROW_KEY;
}

/* Behind a MAC stand more of them and the end: whatever else stands there, none of them covers. */
static bool may_follow_mac(const uint8_t *bytes, size_t len, size_t at)
{
	le16_t type;

	if (!range_inside(at, 8, len))
		return false;
	memcpy(&type, bytes + at, 2);
	return le16_get(type) == VAULT_MAC || le16_get(type) == VAULT_END;
}

/* An item: le16 type, le16 zero, le32 length, value, padding to a multiple of 4. */
int vault_next_item(const uint8_t *bytes, size_t len, size_t *at, struct vault_item *ret)
{
	for (;;) {
		struct vault_item item;
		le16_t type;
		le32_t size;
		uint32_t n;

		if (!range_inside(*at, 8, len) || bytes[*at + 2] || bytes[*at + 3])
			return -EINVAL;
		memcpy(&type, bytes + *at, 2);
		memcpy(&size, bytes + *at + 4, 4);
		n = le32_get(size);
		if (!range_inside(*at + 8, round_up(n, 4), len) ||
		    !field_is_zero(bytes + *at + 8 + n, (size_t)round_up(n, 4) - n))
			return -EINVAL;
		item =
		    (struct vault_item){.type = le16_get(type), .value = bytes + *at + 8, .len = n};
		*at += 8 + (size_t)round_up(n, 4);
		if (item.type == VAULT_END)
			return n == 0 && *at == len ? 0 : -EINVAL;
		if (item.type == VAULT_MAC && !may_follow_mac(bytes, len, *at))
			return -EINVAL;
		if (known(item.type)) {
			*ret = item;
			return 1;
		}
		if (item.type & VAULT_ITEM_OPTIONAL)
			continue;
		*ret = item;
		return -ENOTSUP;
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

int vault_decode_extent(const uint8_t *bytes, size_t len, struct vault_extent_item *ret)
{
	struct extent_disk d;
	struct vault_extent_item e = {0};

	if (len != sizeof(d))
		return -EINVAL;
	memcpy(&d, bytes, sizeof(d));
	e.role = le32_get(d.role);
	e.number = le32_get(d.number);
	e.offset_bytes = le64_get(d.offset);
	e.size_bytes = le64_get(d.size);
	memcpy(e.uuid.b, d.uuid, 16);
	memcpy(e.type.b, d.type, 16);
	if (e.size_bytes > UINT64_MAX - e.offset_bytes ||
	    field_text(d.label, sizeof(d.label), e.label, sizeof(e.label)) < 0)
		return -EINVAL;
	*ret = e;
	return 0;
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
	struct vault_key_item e = {0};

	if (len != sizeof(d))
		return -EINVAL;
	memcpy(&d, bytes, sizeof(d));
	e.layer = le32_get(d.layer);
	e.purpose = le32_get(d.purpose);
	e.len = le32_get(d.len);
	if (e.len == 0 || e.len > VAULT_WRAPPED_MAX)
		return -EINVAL;
	memcpy(e.nonce, d.nonce, sizeof(d.nonce));
	memcpy(e.tag, d.tag, sizeof(d.tag));
	memcpy(e.wrapped, d.wrapped, sizeof(d.wrapped));
	if (!field_is_zero(d.wrapped + e.len, VAULT_WRAPPED_MAX - e.len) ||
	    field_text(d.keystore, sizeof(d.keystore), e.keystore, sizeof(e.keystore)) < 0 ||
	    field_text(d.volume, sizeof(d.volume), e.volume, sizeof(e.volume)) < 0)
		return -EINVAL;
	*ret = e;
	return 0;
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
	struct vault_key_blob_item e = {0};

	if (len < sizeof(d))
		return -EINVAL;
	memcpy(&d, bytes, sizeof(d));
	e.layer = le32_get(d.layer);
	e.purpose = le32_get(d.purpose);
	e.len = le32_get(d.len);
	e.blob = bytes + sizeof(d);
	e.blob_len = le32_get(d.blob_len);
	if (e.len == 0 || e.len > VAULT_WRAPPED_MAX || e.blob_len == 0 ||
	    e.blob_len > VAULT_KEY_BLOB_MAX || e.blob_len != len - sizeof(d) ||
	    field_text(d.keystore, sizeof(d.keystore), e.keystore, sizeof(e.keystore)) < 0 ||
	    field_text(d.volume, sizeof(d.volume), e.volume, sizeof(e.volume)) < 0)
		return -EINVAL;
	*ret = e;
	return 0;
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
	le32_t version;             /*   4: 0 */
	uint8_t nonce[32];          /*   8 */
	uint8_t receipt_sha256[32]; /*  40 */
	char volume[64];            /*  72 */
};
static_assert(sizeof(struct escrow_disk) == VAULT_ESCROW_BYTES, "escrow item");

int vault_decode_escrow(const uint8_t *bytes, size_t len, struct vault_escrow_item *ret)
{
	struct escrow_disk d;
	struct vault_escrow_item e = {0};

	if (len != sizeof(d))
		return -EINVAL;
	memcpy(&d, bytes, sizeof(d));
	if (le32_get(d.version) > 0)
		return -ENOTSUP;
	if (le32_get(d.flags) > 1)
		return -EINVAL;
	e.confirmed = le32_get(d.flags) == 1;
	memcpy(e.nonce, d.nonce, sizeof(d.nonce));
	memcpy(e.receipt_sha256, d.receipt_sha256, sizeof(d.receipt_sha256));
	if (field_text(d.volume, sizeof(d.volume), e.volume, sizeof(e.volume)) < 0)
		return -EINVAL;
	*ret = e;
	return 0;
}

void vault_encode_escrow(const struct vault_escrow_item *e, uint8_t ret[static VAULT_ESCROW_BYTES])
{
	struct escrow_disk d = {.flags = le32_make(e->confirmed)};

	memcpy(d.nonce, e->nonce, sizeof(d.nonce));
	memcpy(d.receipt_sha256, e->receipt_sha256, sizeof(d.receipt_sha256));
	memcpy(d.volume, e->volume, strnlen(e->volume, sizeof(d.volume) - 1));
	memcpy(ret, &d, sizeof(d));
}

struct source_disk {
	uint8_t digest[32]; /*  0 */
	le64_t content;     /* 32 */
	le64_t minimum;     /* 40 */
	uint8_t tool[64];   /* 48 NUL-padded */
};
static_assert(sizeof(struct source_disk) == VAULT_SOURCE_BYTES, "sources are 112 bytes");

int vault_decode_source(const uint8_t *bytes, size_t len, struct vault_source_item *ret)
{
	struct source_disk d;
	struct vault_source_item e = {0};

	if (len != sizeof(d))
		return -EINVAL;
	memcpy(&d, bytes, sizeof(d));
	memcpy(e.digest, d.digest, 32);
	e.content_bytes = le64_get(d.content);
	e.minimum_bytes = le64_get(d.minimum);
	if (field_text(d.tool, sizeof(d.tool), e.tool, sizeof(e.tool)) < 0)
		return -EINVAL;
	*ret = e;
	return 0;
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
