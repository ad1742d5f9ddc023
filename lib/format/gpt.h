/* SPDX-License-Identifier: Apache-2.0 */
/* GUID partition table: reading both copies (UEFI 2.10, section 5.3). Written by libfdisk. */
#ifndef HOLDFAST_FORMAT_GPT_H
#define HOLDFAST_FORMAT_GPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/uuid.h"

#define GPT_ENTRY_BYTES 128
#define GPT_ENTRIES_MAX 1024 /* tables with more are refused */
#define GPT_ENTRIES     128  /* what we write */
#define GPT_ARRAY_BYTES (GPT_ENTRIES * GPT_ENTRY_BYTES)

struct gpt_header {
	uint64_t my_lba, other_lba; /* this copy's header, and the other one's */
	uint64_t first_usable_lba, last_usable_lba;
	uint64_t entries_lba;
	uint32_t entries;
	uint32_t entry_bytes;
	uint32_t entries_crc;
	struct uuid disk;
};

struct gpt_entry {
	struct uuid type, uuid;
	uint64_t first_lba, last_lba; /* both included */
	uint64_t flags;
	char name[112]; /* UTF-8 */
};

/* @bytes is the header's sector. 0, or -EINVAL with *@ret_why (static): signature, revision, size,
 * checksum, impossible numbers. */
int gpt_decode_header(const uint8_t *bytes, size_t len, struct gpt_header *ret,
		      const char **ret_why);
/* 1 and *@ret, 0 for an unused entry, -EINVAL for an impossible one. @bytes has entry_bytes. */
int gpt_decode_entry(const uint8_t *bytes, size_t len, struct gpt_entry *ret);
/* Bytes of all entries; at most GPT_ENTRIES_MAX * GPT_ENTRY_BYTES in a decoded header. */
static inline size_t gpt_array_bytes(const struct gpt_header *h)
{
	return (size_t)h->entries * GPT_ENTRY_BYTES;
}
/* True if the kernel takes @sector (the first one, at least 512 bytes) for a protective MBR. */
bool gpt_is_protective_mbr(const uint8_t *sector, size_t len);
/* A protective MBR for a disk of any size; bytes before 440 (boot code) are left alone. */
void gpt_make_protective_mbr(uint8_t *sector);
#define GPT_BOOT_CODE_BYTES 440
/* CRC-32 (IEEE 802.3), as the table uses it. */
uint32_t gpt_crc32(const void *bytes, size_t len);
bool gpt_has_signature(const uint8_t *bytes, size_t len);

#endif
