/* SPDX-License-Identifier: Apache-2.0 */
/* The binary header of LUKS2, and the JSON that we write after it. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/base64.h"
#include "base/endian.h"
#include "base/overflow.h"
#include "format/luks2.h"

static const uint8_t magic_first[6] = "LUKS\xba\xbe", magic_second[6] = "SKUL\xba\xbe";

struct luks2_disk {
	uint8_t magic[6];                /*   0 "LUKS", BA BE; secondary copy: "SKUL", BA BE */
	be16_t version;                  /*   6 2 */
	be64_t header_bytes;             /*   8 this binary header and the JSON area */
	be64_t sequence;                 /*  16 one more with every change */
	char label[48];                  /*  24 NUL-terminated */
	char checksum_algorithm[32];     /*  72 NUL-terminated */
	uint8_t salt[64];                /* 104 another one in each copy */
	char uuid[40];                   /* 168 text */
	char subsystem[48];              /* 208 NUL-terminated */
	be64_t offset;                   /* 256 of this copy, in bytes */
	uint8_t padding[184];            /* 264 */
	uint8_t checksum[64];            /* 448 over binary header (with this zero) and JSON area */
	uint8_t padding2[4096 - 8 * 64]; /* 512 */
};
static_assert(sizeof(struct luks2_disk) == LUKS2_BINARY_BYTES, "binary header is 4096 bytes");
static_assert(offsetof(struct luks2_disk, salt) == 104, "salt at 104");
static_assert(offsetof(struct luks2_disk, offset) == 256, "offset at 256");
static_assert(offsetof(struct luks2_disk, checksum) == LUKS2_CHECKSUM_OFFSET, "checksum at 448");

static int reject(const char **ret_why, const char *why)
{
	*ret_why = why;
	return -EUCLEAN;
}

static bool ends(const char *field, size_t room)
{
	return memchr(field, 0, room);
}

/* 16 KiB … 4 MiB, a power of 2. It is also the offset of the second copy. */
static bool header_bytes_ok(uint64_t bytes)
{
	return is_power_of_2(bytes) && bytes >= LUKS2_HEADER_BYTES &&
	       bytes <= LUKS2_HEADER_BYTES_MAX;
}

int luks2_decode(const uint8_t *bytes, size_t len, struct luks2_binary *ret, const char **ret_why)
{
	struct luks2_binary h = {0};
	struct luks2_disk d;

	*ret_why = "no LUKS header";
	if (len < sizeof(d))
		return -ENODATA;
	memcpy(&d, bytes, sizeof(d));
	h.second = memcmp(d.magic, magic_second, sizeof(d.magic)) == 0;
	if (!h.second && memcmp(d.magic, magic_first, sizeof(d.magic)) != 0)
		return -ENODATA;
	if (be16_get(d.version) != 2)
		return reject(ret_why, "a LUKS header of another version than 2");
	h.header_bytes = be64_get(d.header_bytes);
	h.sequence = be64_get(d.sequence);
	h.offset_bytes = be64_get(d.offset);
	if (!header_bytes_ok(h.header_bytes))
		return reject(ret_why, "an impossible size of the header");
	if (h.offset_bytes != (h.second ? h.header_bytes : 0))
		return reject(ret_why, "the header has an impossible place");
	if (!ends(d.label, sizeof(d.label)) || !ends(d.subsystem, sizeof(d.subsystem)) ||
	    !ends(d.checksum_algorithm, sizeof(d.checksum_algorithm)) ||
	    !ends(d.uuid, sizeof(d.uuid)))
		return reject(ret_why, "a text in the header has no end");
	if (uuid_scan(d.uuid, &h.uuid) < 0)
		return reject(ret_why, "the header has no UUID");
	memcpy(h.label, d.label, strlen(d.label));
	memcpy(h.subsystem, d.subsystem, strlen(d.subsystem));
	memcpy(h.checksum_algorithm, d.checksum_algorithm, strlen(d.checksum_algorithm));
	memcpy(h.salt, d.salt, sizeof(h.salt));
	memcpy(h.checksum, d.checksum, sizeof(h.checksum));
	*ret = h;
	return 0;
}

void luks2_encode(const struct luks2_binary *h, uint8_t ret[static LUKS2_BINARY_BYTES])
{
	struct luks2_disk d = {
	    .version = be16_make(2),
	    .header_bytes = be64_make(h->header_bytes),
	    .sequence = be64_make(h->sequence),
	    .offset = be64_make(h->offset_bytes),
	};

	memcpy(d.magic, h->second ? magic_second : magic_first, sizeof(d.magic));
	memcpy(d.label, h->label, strnlen(h->label, sizeof(d.label) - 1));
	memcpy(d.subsystem, h->subsystem, strnlen(h->subsystem, sizeof(d.subsystem) - 1));
	memcpy(d.checksum_algorithm, h->checksum_algorithm,
	       strnlen(h->checksum_algorithm, sizeof(d.checksum_algorithm) - 1));
	memcpy(d.salt, h->salt, sizeof(d.salt));
	uuid_print(&h->uuid, d.uuid);
	memcpy(d.checksum, h->checksum, sizeof(d.checksum));
	memcpy(ret, &d, sizeof(d));
}

/* --- JSON --- */

uint64_t luks2_keyslot_area_bytes(uint32_t key_bytes)
{
	return round_up((uint64_t)key_bytes * LUKS2_STRIPES, 4096);
}

uint64_t luks2_keyslots_bytes(uint64_t segment_offset_bytes)
{
	uint64_t room = segment_offset_bytes - 2 * LUKS2_HEADER_BYTES;

	return round_down(min_u64(room, LUKS2_KEYSLOTS_BYTES_MAX), 4096);
}

/* None of our words needs escaping; one that does is a caller's mistake and must not become JSON.
 */
static void add_word(struct text *to, const char *name, const char *word)
{
	text_add(to, "\"%s\":\"", name);
	for (; *word; word++) {
		if ((unsigned char)*word < 0x20 || *word == '"' || *word == '\\')
			text_add(to, "\\u%04x", (unsigned char)*word);
		else
			text_add_bytes(to, word, 1);
	}
	text_add(to, "\"");
}

static void add_base64(struct text *to, const char *name, const uint8_t *bytes, size_t len)
{
	char base64[BASE64_TEXT_SIZE(64)];

	base64_encode(bytes, len, base64);
	text_add(to, "\"%s\":\"%s\"", name, base64);
}

static void add_keyslot(struct text *to, const struct luks2_keyslot *k)
{
	text_add(to,
		 "\"%u\":{\"type\":\"luks2\",\"key_size\":%u,"
		 "\"af\":{\"type\":\"luks1\",\"stripes\":%d,\"hash\":\"sha256\"},"
		 "\"area\":{\"type\":\"raw\",\"offset\":\"%" PRIu64 "\",\"size\":\"%" PRIu64
		 "\",\"encryption\":\"aes-xts-plain64\",\"key_size\":64},"
		 "\"kdf\":{\"type\":\"pbkdf2\",\"hash\":\"sha256\",\"iterations\":%u,",
		 k->number, k->key_bytes, LUKS2_STRIPES, k->area_offset_bytes, k->area_bytes,
		 k->iterations);
	add_base64(to, "salt", k->kdf_salt, sizeof(k->kdf_salt));
	text_add(to, "}}");
}

static void add_segment(struct text *to, const struct luks2_description *d)
{
	text_add(to,
		 "\"0\":{\"type\":\"crypt\",\"offset\":\"%" PRIu64
		 "\",\"size\":\"dynamic\",\"iv_tweak\":\"0\",",
		 d->segment_offset_bytes);
	add_word(to, "encryption", d->encryption);
	text_add(to, ",\"sector_size\":%u", d->sector_bytes);
	if (d->integrity) {
		text_add(to, ",\"integrity\":{");
		add_word(to, "type", d->integrity);
		text_add(to, ",\"journal_encryption\":\"none\",\"journal_integrity\":\"none\"}");
	}
	text_add(to, "}");
}

static void add_digest(struct text *to, const struct luks2_description *d)
{
	text_add(to, "\"0\":{\"type\":\"pbkdf2\",\"keyslots\":[");
	for (size_t i = 0; i < d->n_keyslots; i++)
		text_add(to, "%s\"%u\"", i ? "," : "", d->keyslots[i].number);
	text_add(to, "],\"segments\":[\"0\"],\"hash\":\"sha256\",\"iterations\":%u,",
		 d->digest_iterations);
	add_base64(to, "salt", d->digest_salt, sizeof(d->digest_salt));
	text_add(to, ",");
	add_base64(to, "digest", d->digest, sizeof(d->digest));
	text_add(to, "}");
}

static void add_tokens(struct text *to, const struct luks2_description *d)
{
	unsigned n = 0;

	for (size_t i = 0; i < d->n_keyslots; i++) {
		if (d->keyslots[i].token)
			text_add(to, "%s\"%u\":%s", n ? "," : "", n, d->keyslots[i].token);
		n += d->keyslots[i].token != NULL;
	}
}

void luks2_json(const struct luks2_description *d, struct text *to)
{
	text_add(to, "{\"keyslots\":{");
	for (size_t i = 0; i < d->n_keyslots; i++) {
		text_add(to, "%s", i ? "," : "");
		add_keyslot(to, &d->keyslots[i]);
	}
	text_add(to, "},\"tokens\":{");
	add_tokens(to, d);
	text_add(to, "},\"segments\":{");
	add_segment(to, d);
	text_add(to, "},\"digests\":{");
	add_digest(to, d);
	text_add(to, "},\"config\":{\"json_size\":\"%d\",\"keyslots_size\":\"%" PRIu64 "\"}}",
		 LUKS2_HEADER_BYTES - LUKS2_BINARY_BYTES,
		 luks2_keyslots_bytes(d->segment_offset_bytes));
}
