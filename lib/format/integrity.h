/* SPDX-License-Identifier: Apache-2.0 */
/* dm-integrity's bytes: superblock, geometry, journal. Source: drivers/md/dm-integrity.c (6.12) */
#ifndef HOLDFAST_FORMAT_INTEGRITY_H
#define HOLDFAST_FORMAT_INTEGRITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INTEGRITY_SUPERBLOCK_BYTES 4096 /* SB_SECTORS; the structure takes 64, the MAC ends it */
#define INTEGRITY_SALT_BYTES       16

enum {
	INTEGRITY_HAVE_JOURNAL_MAC = 0x1,
	INTEGRITY_RECALCULATING = 0x2,
	INTEGRITY_DIRTY_BITMAP = 0x4,
	INTEGRITY_FIXED_PADDING = 0x8,
	INTEGRITY_FIXED_HMAC = 0x10,
	INTEGRITY_INLINE = 0x20,
};

struct integrity_superblock {
	uint8_t version; /* 1 … 6 */
	uint8_t log2_interleave_sectors;
	uint16_t tag_bytes;
	uint32_t journal_sections;
	uint64_t provided_data_sectors; /* of 512 bytes */
	uint32_t flags;
	uint8_t log2_sectors_per_block;
	uint8_t log2_blocks_per_bitmap_bit;
	uint64_t recalc_sector;
	uint8_t salt[INTEGRITY_SALT_BYTES];
};
/* 0; -ENODATA: no superblock there; -EUCLEAN with *@ret_why (static text). */
int integrity_decode(const uint8_t *bytes, size_t len, struct integrity_superblock *ret,
		     const char **ret_why);
/* All INTEGRITY_SUPERBLOCK_BYTES; the MAC is put in by who has the key. */
void integrity_encode(const struct integrity_superblock *sb,
		      uint8_t ret[static INTEGRITY_SUPERBLOCK_BYTES]);

#endif
