/* SPDX-License-Identifier: Apache-2.0 */
/* GUID partition table: reading both copies. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/endian.h"
#include "format/gpt.h"

static const uint8_t signature[8] = "EFI PART";

struct gpt_header_disk {
	uint8_t signature[8]; /*  0 */
	le32_t revision;      /*  8 0x00010000 */
	le32_t header_bytes;  /* 12 92 */
	le32_t header_crc;    /* 16 over header_bytes, this field zero */
	le32_t reserved;      /* 20 zero */
	le64_t my_lba;        /* 24 */
	le64_t other_lba;     /* 32 */
	le64_t first_usable;  /* 40 */
	le64_t last_usable;   /* 48 */
	uint8_t disk[16];     /* 56 mixed-endian */
	le64_t entries_lba;   /* 72 */
	le32_t entries;       /* 80 */
	le32_t entry_bytes;   /* 84 */
	le32_t entries_crc;   /* 88 */
};
static_assert(sizeof(struct gpt_header_disk) == 92, "GPT header is 92 bytes");

struct gpt_entry_disk {
	uint8_t type[16];  /*  0 mixed-endian; zero: unused */
	uint8_t uuid[16];  /* 16 */
	le64_t first_lba;  /* 32 */
	le64_t last_lba;   /* 40 included */
	le64_t attributes; /* 48 */
	le16_t name[36];   /* 56 UTF-16 */
};
static_assert(sizeof(struct gpt_entry_disk) == GPT_ENTRY_BYTES, "GPT entry is 128 bytes");

uint32_t gpt_crc32(const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	uint32_t crc = ~0u;

	while (len--) {
		crc ^= *p++;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

bool gpt_has_signature(const uint8_t *bytes, size_t len)
{
	return len >= sizeof(signature) && memcmp(bytes, signature, sizeof(signature)) == 0;
}

static bool crc_ok(const uint8_t *bytes, uint32_t header_bytes, uint32_t expected)
{
	uint8_t copy[512];

	memcpy(copy, bytes, header_bytes);
	memset(copy + 16, 0, 4);
	return gpt_crc32(copy, header_bytes) == expected;
}

int gpt_decode_header(const uint8_t *bytes, size_t len, struct gpt_header *ret,
		      const char **ret_why)
{
	struct gpt_header_disk d;
	struct gpt_header h;
	uint32_t header_bytes;

	*ret_why = "no GPT header";
	if (len < 512 || !gpt_has_signature(bytes, len))
		return -EINVAL;
	memcpy(&d, bytes, sizeof(d));
	header_bytes = le32_get(d.header_bytes);
	*ret_why = "a GPT header of an unknown revision";
	if (le32_get(d.revision) != 0x00010000 || header_bytes < sizeof(d) || header_bytes > 512)
		return -EINVAL;
	*ret_why = "does not match its checksum";
	if (!crc_ok(bytes, header_bytes, le32_get(d.header_crc)))
		return -EINVAL;
	*ret_why = "has impossible numbers";
	h.entries = le32_get(d.entries);
	h.entry_bytes = le32_get(d.entry_bytes);
	h.first_usable_lba = le64_get(d.first_usable);
	h.last_usable_lba = le64_get(d.last_usable);
	if (h.entry_bytes != GPT_ENTRY_BYTES || !h.entries || h.entries > GPT_ENTRIES_MAX ||
	    h.first_usable_lba > h.last_usable_lba)
		return -EINVAL;
	h.my_lba = le64_get(d.my_lba);
	h.other_lba = le64_get(d.other_lba);
	h.entries_lba = le64_get(d.entries_lba);
	h.entries_crc = le32_get(d.entries_crc);
	uuid_from_gpt(d.disk, &h.disk);
	if (!h.my_lba || h.entries_lba < 2)
		return -EINVAL;
	*ret_why = NULL;
	*ret = h;
	return 0;
}

static char *put_character(char *to, uint32_t c)
{
	static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
	int n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	if (n == 1) {
		*to = (char)c;
		return to + 1;
	}
	to[0] = (char)(lead[n] | c >> 6 * (n - 1));
	for (int i = 1; i < n; i++)
		to[i] = (char)(0x80 | (c >> 6 * (n - 1 - i) & 0x3f));
	return to + n;
}

/* UTF-16 to UTF-8; invalid units become U+FFFD. Room: 36 units of at most 3 bytes, a pair
 * of units has 4. */
static void decode_name(const le16_t *name, char *ret)
{
	for (int i = 0; i < 36; i++) {
		uint32_t c = le16_get(name[i]), low = i < 35 ? le16_get(name[i + 1]) : 0;

		if (!c)
			break;
		if (c >= 0xd800 && c < 0xdc00 && low >= 0xdc00 && low < 0xe000) {
			c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
			i++;
		} else if (c >= 0xd800 && c < 0xe000) {
			c = 0xfffd;
		}
		ret = put_character(ret, c);
	}
	*ret = 0;
}

int gpt_decode_entry(const uint8_t *bytes, size_t len, struct gpt_entry *ret)
{
	struct gpt_entry_disk d;

	if (len < sizeof(d))
		return -EINVAL;
	memcpy(&d, bytes, sizeof(d));
	uuid_from_gpt(d.type, &ret->type);
	if (uuid_is_nil(&ret->type))
		return 0;
	uuid_from_gpt(d.uuid, &ret->uuid);
	ret->first_lba = le64_get(d.first_lba);
	ret->last_lba = le64_get(d.last_lba);
	ret->flags = le64_get(d.attributes);
	decode_name(d.name, ret->name);
	return ret->first_lba <= ret->last_lba ? 1 : -EINVAL;
}

/* --- protective MBR (UEFI 2.10, table 5-4) --- */

#define MBR_ENTRIES 446

/* As the kernel's block/partitions/efi.c sees it: of type 0xee, from sector 1 on. */
bool gpt_is_protective_mbr(const uint8_t *sector, size_t len)
{
	static const uint8_t one[4] = {1, 0, 0, 0};

	if (len < 512 || sector[510] != 0x55 || sector[511] != 0xaa)
		return false;
	for (int i = 0; i < 4; i++) {
		const uint8_t *e = sector + MBR_ENTRIES + 16 * i;

		if (e[4] == 0xee && memcmp(e + 8, one, sizeof(one)) == 0)
			return true;
	}
	return false;
}

void gpt_make_protective_mbr(uint8_t *sector)
{
	static const uint8_t entry[16] = {0, 0, 2, 0, 0xee, 0xff, 0xff, 0xff,
					  1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff};

	memset(sector + GPT_BOOT_CODE_BYTES, 0, 512 - GPT_BOOT_CODE_BYTES);
	memcpy(sector + MBR_ENTRIES, entry, sizeof(entry));
	sector[510] = 0x55;
	sector[511] = 0xaa;
}
