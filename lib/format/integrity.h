/* SPDX-License-Identifier: Apache-2.0 */
/* dm-integrity's bytes: superblock, geometry, journal. Source: drivers/md/dm-integrity.c (6.12) */
#ifndef HOLDFAST_FORMAT_INTEGRITY_H
#define HOLDFAST_FORMAT_INTEGRITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Superblock | journal: sections | area 0: tags, data | area 1: tags, data | …
 * Tags of an area are padded; the last area's data ends early. In bitmap mode the journal's place
 * holds the bitmap while the device is open.
 */
#define INTEGRITY_SUPERBLOCK_BYTES 4096 /* SB_SECTORS; the structure takes 64 */
#define INTEGRITY_SALT_BYTES       16
#define INTEGRITY_MAC_BYTES        32  /* hmac(sha256), the only one we know */
#define INTEGRITY_MAC_OFFSET       480 /* of the superblock's MAC over the bytes before it */
#define INTEGRITY_TAG_MAX          255
#define INTEGRITY_COMMIT_IDS       4

enum {
	INTEGRITY_HAVE_JOURNAL_MAC = 0x1,
	INTEGRITY_RECALCULATING = 0x2,
	INTEGRITY_DIRTY_BITMAP = 0x4,
	INTEGRITY_FIXED_PADDING = 0x8,
	INTEGRITY_FIXED_HMAC = 0x10, /* salt in tags and MACs, MAC of the superblock */
	INTEGRITY_INLINE = 0x20,     /* not supported */
};

struct integrity_superblock {
	uint8_t version; /* 1 … 5; 6 has INLINE */
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
/* @len must be at least INTEGRITY_SUPERBLOCK_BYTES. -ENODATA: there is no superblock; -EUCLEAN with
 * *@ret_why (static text): an impossible one. Silent. */
int integrity_decode(const uint8_t *bytes, size_t len, struct integrity_superblock *ret,
		     const char **ret_why);
/* The caller that holds the key fills in the MAC. */
void integrity_encode(const struct integrity_superblock *sb,
		      uint8_t ret[static INTEGRITY_SUPERBLOCK_BYTES]);
/* The version that the kernel gives a superblock with these flags. */
uint8_t integrity_version(uint32_t flags);

/* Where everything is. A sector has one tag and 512 … 4096 bytes, except in terms of the journal.
 */
struct integrity_geometry {
	uint32_t sector_bytes;
	uint32_t sectors_per_block; /* 512s in a sector */
	uint32_t tag_bytes;
	uint64_t sectors;

	uint64_t area_sectors;       /* in every area but the last */
	uint64_t metadata_run_bytes; /* tags of an area, padded */
	uint64_t area_bytes;         /* both */
	uint64_t initial_bytes;      /* superblock and journal */
	uint64_t end_bytes;          /* the end of the last sector: the least size of the device */

	uint32_t sections;
	uint32_t entry_bytes;
	uint32_t section_entries;
	uint32_t section_bytes;
	bool journal_mac;
};
/* -EUCLEAN with *@ret_why. The caller compares end_bytes with the device. Silent. */
int integrity_geometry(const struct integrity_superblock *sb, struct integrity_geometry *ret,
		       const char **ret_why);
/* The largest provided_data_sectors with which @sb (whose other fields are set) fits @below_bytes;
 * 0: none. */
uint64_t integrity_fit(const struct integrity_superblock *sb, uint64_t below_bytes);
/* The granularity of the bitmap that the kernel chooses when it formats. */
uint8_t integrity_bitmap_granularity(const struct integrity_superblock *sb,
				     const struct integrity_geometry *g);

/* Offsets on the device in bytes; @sector < g->sectors. Data and tags are contiguous until the end
 * of the sector's area. */
uint64_t integrity_locate_data(const struct integrity_geometry *g, uint64_t sector);
uint64_t integrity_locate_tag(const struct integrity_geometry *g, uint64_t sector);
/* How many sectors from @sector on are in its area. */
uint64_t integrity_area_rest(const struct integrity_geometry *g, uint64_t sector);
/* The bit of @sector in a dirty bitmap, which a little-endian machine wrote. */
bool integrity_bitmap_bit(const struct integrity_superblock *sb, const uint8_t *bitmap,
			  uint64_t sector);

/*
 * --- a section of the journal: section_bytes from its offset ---
 * 8 sectors of 512 with entries, round robin: entry n is the n/8th of sector n%8. Then as many data
 * sectors as there are entries. The last 8 bytes of every 512 are a commit id; the data's own last
 * bytes are kept in the entry.
 */
#define INTEGRITY_ENTRY_UNUSED        UINT64_MAX
#define INTEGRITY_SECTION_MESSAGE_MAX 2048

uint64_t integrity_locate_section(const struct integrity_geometry *g, uint32_t section);
/* Writes an empty section with commit sequence @seq (0 … 3), without a MAC. */
void integrity_section_init(const struct integrity_geometry *g, uint32_t section, unsigned seq,
			    uint8_t *ret);
/* The commit sequence of the 512 bytes numbered @n of a section; -1: they do not belong there. */
int integrity_section_sequence(uint32_t section, uint32_t n, const uint8_t *bytes);
/* The number, in units of 512 bytes, of the sector that entry @n is for, or INTEGRITY_ENTRY_UNUSED.
 */
uint64_t integrity_entry_sector(const struct integrity_geometry *g, const uint8_t *section,
				uint32_t n);
const uint8_t *integrity_entry_tag(const struct integrity_geometry *g, const uint8_t *section,
				   uint32_t n);
/* Copies the sector_bytes of entry @n, with their own last bytes. */
void integrity_entry_data(const struct integrity_geometry *g, const uint8_t *section, uint32_t n,
			  uint8_t *ret);
/* The message of a section's MAC; returns its length. */
size_t integrity_section_message(const struct integrity_superblock *sb,
				 const struct integrity_geometry *g, uint32_t section,
				 const uint8_t *bytes,
				 uint8_t ret[static INTEGRITY_SECTION_MESSAGE_MAX]);
/* Its MAC is spread over the first 8 sectors. */
void integrity_section_mac(const uint8_t *section, uint8_t ret[static 64]);
void integrity_section_set_mac(uint8_t *section, const uint8_t mac[static INTEGRITY_MAC_BYTES]);

#endif
