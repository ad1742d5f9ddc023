/* SPDX-License-Identifier: Apache-2.0 */
/* dm-integrity's superblock, geometry, and the sections of its journal. */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/endian.h"
#include "base/overflow.h"
#include "format/field.h"
#include "format/integrity.h"

#define SECTOR         512
#define SECTOR_SHIFT   9
#define PADDING        8 /* METADATA_PADDING_SECTORS */
#define MAC_SECTORS    8 /* JOURNAL_BLOCK_SECTORS: the sectors of a section that have entries */
#define MAC_PER_SECTOR 8
#define COMMIT_ID      8
#define LOG2_BIT       15             /* DEFAULT_SECTORS_PER_BITMAP_BIT */
#define BUFFER_BYTES   (128 * SECTOR) /* DEFAULT_BUFFER_SECTORS */

static const uint8_t magic[8] = "integrt";

struct integrity_disk {
	uint8_t magic[8];                   /*  0 "integrt", NUL */
	uint8_t version;                    /*  8 */
	uint8_t log2_interleave_sectors;    /*  9 */
	le16_t tag_bytes;                   /* 10 */
	le32_t journal_sections;            /* 12 */
	le64_t provided_data_sectors;       /* 16 of 512 bytes */
	le32_t flags;                       /* 24 */
	uint8_t log2_sectors_per_block;     /* 28 */
	uint8_t log2_blocks_per_bitmap_bit; /* 29 */
	uint8_t padding[2];                 /* 30 zero */
	le64_t recalc_sector;               /* 32 of 512 bytes */
	uint8_t padding2[8];                /* 40 zero */
	uint8_t salt[INTEGRITY_SALT_BYTES]; /* 48 */
};
static_assert(sizeof(struct integrity_disk) == 64, "superblock is 64 bytes");
static_assert(offsetof(struct integrity_disk, flags) == 24, "flags at 24");
static_assert(offsetof(struct integrity_disk, salt) == 48, "salt at 48");

/* --- superblock --- */

uint8_t integrity_version(uint32_t flags)
{
	if (flags & INTEGRITY_FIXED_HMAC)
		return 5;
	if (flags & INTEGRITY_FIXED_PADDING)
		return 4;
	if (flags & INTEGRITY_DIRTY_BITMAP)
		return 3;
	return flags & INTEGRITY_RECALCULATING ? 2 : 1;
}

static bool has_mac(uint32_t flags)
{
	return (flags & INTEGRITY_HAVE_JOURNAL_MAC) && (flags & INTEGRITY_FIXED_HMAC);
}

static const char *bad_kind(const struct integrity_superblock *sb)
{
	const uint32_t known = INTEGRITY_HAVE_JOURNAL_MAC | INTEGRITY_RECALCULATING |
			       INTEGRITY_DIRTY_BITMAP | INTEGRITY_FIXED_PADDING |
			       INTEGRITY_FIXED_HMAC;

	if (sb->version == 0 || sb->version > 6)
		return "a dm-integrity superblock of an unknown version";
	if (sb->flags & INTEGRITY_INLINE || sb->version == 6)
		return "dm-integrity with tags in the device's own metadata is not supported";
	if (sb->flags & ~known)
		return "an unknown flag in the superblock";
	if (sb->version < integrity_version(sb->flags))
		return "a flag in the superblock that its version does not have";
	return NULL;
}

static const char *bad_number(const struct integrity_superblock *sb)
{
	if (sb->log2_interleave_sectors == 0)
		return "dm-integrity with tags on a device of their own is not supported";
	if (sb->log2_interleave_sectors < 3 || sb->log2_interleave_sectors > 31)
		return "an impossible interleave in the superblock";
	if (sb->tag_bytes == 0 || sb->tag_bytes > INTEGRITY_TAG_MAX)
		return "an impossible tag size in the superblock";
	if (sb->log2_sectors_per_block > 3)
		return "an impossible sector size in the superblock";
	if (sb->log2_blocks_per_bitmap_bit > 48)
		return "an impossible bitmap in the superblock";
	if (sb->journal_sections == 0)
		return "no journal in the superblock";
	if (sb->provided_data_sectors == 0 ||
	    sb->provided_data_sectors % (1u << sb->log2_sectors_per_block))
		return "an impossible number of sectors in the superblock";
	if (!(sb->flags & INTEGRITY_RECALCULATING) && sb->recalc_sector)
		return "a position of recalculation in the superblock, but no recalculation";
	if (sb->recalc_sector > sb->provided_data_sectors ||
	    sb->recalc_sector % (1u << sb->log2_sectors_per_block))
		return "an impossible position of recalculation in the superblock";
	if (!(sb->flags & INTEGRITY_FIXED_HMAC) && !field_is_zero(sb->salt, sizeof(sb->salt)))
		return "a salt in the superblock that is not used";
	return NULL;
}

/* The kernel formats only devices that begin with zeroes, and only the MAC is stored after the
 * structure. */
static const char *bad_rest(const struct integrity_disk *d, const uint8_t *bytes, uint32_t flags)
{
	size_t end = has_mac(flags) ? INTEGRITY_MAC_OFFSET : SECTOR;

	if (!field_is_zero(d->padding, sizeof(d->padding)) ||
	    !field_is_zero(d->padding2, sizeof(d->padding2)))
		return "the superblock's padding is not zero";
	if (!field_is_zero(bytes + sizeof(*d), end - sizeof(*d)) ||
	    !field_is_zero(bytes + SECTOR, INTEGRITY_SUPERBLOCK_BYTES - SECTOR))
		return "there is something unknown after the superblock";
	return NULL;
}

int integrity_decode(const uint8_t *bytes, size_t len, struct integrity_superblock *ret,
		     const char **ret_why)
{
	struct integrity_disk d;
	struct integrity_superblock sb;
	struct integrity_geometry g;

	if (len < sizeof(magic) || memcmp(bytes, magic, sizeof(magic)) != 0)
		return -ENODATA;
	*ret_why = "too short for a dm-integrity superblock";
	if (len < INTEGRITY_SUPERBLOCK_BYTES)
		return -EUCLEAN;
	memcpy(&d, bytes, sizeof(d));
	sb = (struct integrity_superblock){
	    .version = d.version,
	    .log2_interleave_sectors = d.log2_interleave_sectors,
	    .tag_bytes = le16_get(d.tag_bytes),
	    .journal_sections = le32_get(d.journal_sections),
	    .provided_data_sectors = le64_get(d.provided_data_sectors),
	    .flags = le32_get(d.flags),
	    .log2_sectors_per_block = d.log2_sectors_per_block,
	    .log2_blocks_per_bitmap_bit = d.log2_blocks_per_bitmap_bit,
	    .recalc_sector = le64_get(d.recalc_sector),
	};
	memcpy(sb.salt, d.salt, sizeof(sb.salt));
	*ret_why = bad_kind(&sb);
	if (!*ret_why)
		*ret_why = bad_number(&sb);
	if (!*ret_why)
		*ret_why = bad_rest(&d, bytes, sb.flags);
	if (*ret_why || integrity_geometry(&sb, &g, ret_why) < 0)
		return -EUCLEAN;
	*ret = sb;
	return 0;
}

void integrity_encode(const struct integrity_superblock *sb,
		      uint8_t ret[static INTEGRITY_SUPERBLOCK_BYTES])
{
	struct integrity_disk d = {
	    .version = sb->version,
	    .log2_interleave_sectors = sb->log2_interleave_sectors,
	    .tag_bytes = le16_make(sb->tag_bytes),
	    .journal_sections = le32_make(sb->journal_sections),
	    .provided_data_sectors = le64_make(sb->provided_data_sectors),
	    .flags = le32_make(sb->flags),
	    .log2_sectors_per_block = sb->log2_sectors_per_block,
	    .log2_blocks_per_bitmap_bit = sb->log2_blocks_per_bitmap_bit,
	    .recalc_sector = le64_make(sb->recalc_sector),
	};

	memcpy(d.magic, magic, sizeof(magic));
	memcpy(d.salt, sb->salt, sizeof(d.salt));
	memset(ret, 0, INTEGRITY_SUPERBLOCK_BYTES);
	memcpy(ret, &d, sizeof(d));
}

/* --- geometry --- */

/* The part that does not depend on the number of sectors. */
static const char *fixed_part(const struct integrity_superblock *sb, struct integrity_geometry *g)
{
	unsigned spb = 1u << sb->log2_sectors_per_block;
	uint32_t room = SECTOR - COMMIT_ID;
	uint64_t initial, padding, run;

	g->sectors_per_block = spb;
	g->sector_bytes = SECTOR * spb;
	g->tag_bytes = sb->tag_bytes;
	g->sections = sb->journal_sections;
	g->journal_mac = sb->flags & INTEGRITY_HAVE_JOURNAL_MAC;
	g->entry_bytes = (uint32_t)round_up(8 + COMMIT_ID * spb + g->tag_bytes, 8);
	g->section_entries =
	    (room - (g->journal_mac ? MAC_PER_SECTOR : 0)) / g->entry_bytes * MAC_SECTORS;
	g->section_bytes = (g->section_entries * spb + MAC_SECTORS) * SECTOR;
	initial = INTEGRITY_SUPERBLOCK_BYTES + (uint64_t)g->section_bytes * g->sections;
	if (initial / SECTOR > UINT32_MAX)
		return "an impossibly large journal in the superblock";
	g->initial_bytes = initial;
	/* Without the flag the padding is excessive, as it is on old devices. */
	padding = sb->flags & INTEGRITY_FIXED_PADDING ? PADDING << SECTOR_SHIFT : SECTOR << PADDING;
	g->area_sectors = 1ull << (sb->log2_interleave_sectors - sb->log2_sectors_per_block);
	run = round_up(g->tag_bytes * g->area_sectors, padding);
	g->metadata_run_bytes = run;
	g->area_bytes = g->area_sectors * g->sector_bytes + run;
	/* The kernel counts areas in its buffers, which divide the tags' run and may be larger than
	 * an area's data: then its tags would lie in data. */
	if ((g->area_bytes - run) % min_u64(run & -run, BUFFER_BYTES))
		return "an interleave in the superblock that is too small for its padding";
	return NULL;
}

int integrity_geometry(const struct integrity_superblock *sb, struct integrity_geometry *ret,
		       const char **ret_why)
{
	struct integrity_geometry g = {0};
	uint64_t last, end;

	*ret_why = bad_number(sb);
	if (!*ret_why)
		*ret_why = fixed_part(sb, &g);
	if (*ret_why)
		return -EUCLEAN;
	g.sectors = sb->provided_data_sectors / g.sectors_per_block;
	last = g.sectors - 1;
	*ret_why = "an impossible number of sectors in the superblock";
	if (!mul_u64(last / g.area_sectors, g.area_bytes, &end) ||
	    !add_u64(end, g.initial_bytes + g.metadata_run_bytes, &end) ||
	    !add_u64(end, (last % g.area_sectors + 1) * g.sector_bytes, &end) || end > INT64_MAX)
		return -EUCLEAN;
	g.end_bytes = end;
	if (sb->flags & INTEGRITY_DIRTY_BITMAP &&
	    (last >> sb->log2_blocks_per_bitmap_bit) / 8 >=
		g.initial_bytes - INTEGRITY_SUPERBLOCK_BYTES) {
		*ret_why = "a bitmap in the superblock that is larger than its place";
		return -EUCLEAN;
	}
	*ret_why = NULL;
	*ret = g;
	return 0;
}

/* get_provided_data_sectors(): the most that fits, in units of 8. */
uint64_t integrity_fit(const struct integrity_superblock *sb, uint64_t below_bytes)
{
	struct integrity_superblock s = *sb;
	struct integrity_geometry g;
	const char *why;
	uint64_t most = 0;

	s.flags &= ~(uint32_t)(INTEGRITY_DIRTY_BITMAP | INTEGRITY_RECALCULATING);
	s.recalc_sector = 0;
	for (int bit = 63 - SECTOR_SHIFT; bit >= 3; bit--) {
		s.provided_data_sectors = most | 1ull << bit;
		if (integrity_geometry(&s, &g, &why) == 0 && g.end_bytes <= below_bytes)
			most = s.provided_data_sectors;
	}
	return most;
}

uint8_t integrity_bitmap_granularity(const struct integrity_superblock *sb,
				     const struct integrity_geometry *g)
{
	uint64_t bits = min_u64((g->initial_bytes - INTEGRITY_SUPERBLOCK_BYTES) * 8, UINT32_MAX);
	uint8_t log2 = LOG2_BIT;

	while (bits < div_round_up(sb->provided_data_sectors, 1ull << log2))
		log2++;
	return (uint8_t)(log2 - sb->log2_sectors_per_block);
}

uint64_t integrity_locate_data(const struct integrity_geometry *g, uint64_t sector)
{
	return g->initial_bytes + sector / g->area_sectors * g->area_bytes + g->metadata_run_bytes +
	       sector % g->area_sectors * g->sector_bytes;
}

uint64_t integrity_locate_tag(const struct integrity_geometry *g, uint64_t sector)
{
	return g->initial_bytes + sector / g->area_sectors * g->area_bytes +
	       sector % g->area_sectors * g->tag_bytes;
}

uint64_t integrity_area_rest(const struct integrity_geometry *g, uint64_t sector)
{
	return min_u64(g->area_sectors - sector % g->area_sectors, g->sectors - sector);
}

bool integrity_bitmap_bit(const struct integrity_superblock *sb, const uint8_t *bitmap,
			  uint64_t sector)
{
	uint64_t bit = sector >> sb->log2_blocks_per_bitmap_bit;

	return bitmap[bit / 8] >> bit % 8 & 1;
}

/* --- the journal --- */

uint64_t integrity_locate_section(const struct integrity_geometry *g, uint32_t section)
{
	return INTEGRITY_SUPERBLOCK_BYTES + (uint64_t)section * g->section_bytes;
}

/* Section and sector are mixed in, so that a piece in a wrong place is detected. */
static uint64_t commit_id(uint32_t section, uint32_t n, unsigned seq)
{
	return 0x1111111111111111u * (seq + 1) ^ ((uint64_t)section << 32 ^ n);
}

static le64_t read64(const uint8_t *p)
{
	le64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static void write64(uint8_t *p, uint64_t x)
{
	le64_t v = le64_make(x);

	memcpy(p, &v, sizeof(v));
}

static size_t entry_offset(const struct integrity_geometry *g, uint32_t n)
{
	return (size_t)(n % MAC_SECTORS) * SECTOR + (size_t)(n / MAC_SECTORS) * g->entry_bytes;
}

void integrity_section_init(const struct integrity_geometry *g, uint32_t section, unsigned seq,
			    uint8_t *ret)
{
	memset(ret, 0, g->section_bytes);
	for (uint32_t i = 0; i < g->section_bytes / SECTOR; i++)
		write64(ret + (size_t)(i + 1) * SECTOR - COMMIT_ID, commit_id(section, i, seq));
	/* An unused entry has all ones in the upper half. */
	for (uint32_t i = 0; i < g->section_entries; i++)
		memset(ret + entry_offset(g, i) + 4, 0xff, 4);
}

int integrity_section_sequence(uint32_t section, uint32_t n, const uint8_t *bytes)
{
	uint64_t id = le64_get(read64(bytes + SECTOR - COMMIT_ID));

	for (unsigned seq = 0; seq < INTEGRITY_COMMIT_IDS; seq++) {
		if (id == commit_id(section, n, seq))
			return (int)seq;
	}
	return -1;
}

uint64_t integrity_entry_sector(const struct integrity_geometry *g, const uint8_t *section,
				uint32_t n)
{
	uint64_t sector = le64_get(read64(section + entry_offset(g, n)));

	return sector >> 32 == UINT32_MAX ? INTEGRITY_ENTRY_UNUSED : sector;
}

const uint8_t *integrity_entry_tag(const struct integrity_geometry *g, const uint8_t *section,
				   uint32_t n)
{
	return section + entry_offset(g, n) + 8 + (size_t)COMMIT_ID * g->sectors_per_block;
}

void integrity_entry_data(const struct integrity_geometry *g, const uint8_t *section, uint32_t n,
			  uint8_t *ret)
{
	const uint8_t *last = section + entry_offset(g, n) + 8;

	memcpy(ret, section + MAC_SECTORS * SECTOR + (size_t)n * g->sector_bytes, g->sector_bytes);
	for (uint32_t i = 0; i < g->sectors_per_block; i++)
		memcpy(ret + (size_t)(i + 1) * SECTOR - COMMIT_ID, last + (size_t)i * COMMIT_ID,
		       COMMIT_ID);
}

size_t integrity_section_message(const struct integrity_superblock *sb,
				 const struct integrity_geometry *g, uint32_t section,
				 const uint8_t *bytes,
				 uint8_t ret[static INTEGRITY_SECTION_MESSAGE_MAX])
{
	size_t len = 0;

	if (sb->flags & INTEGRITY_FIXED_HMAC) {
		memcpy(ret, sb->salt, sizeof(sb->salt));
		write64(ret + sizeof(sb->salt), section);
		len = sizeof(sb->salt) + 8;
	}
	for (uint32_t i = 0; i < g->section_entries; i++) {
		memcpy(ret + len, bytes + entry_offset(g, i), 8);
		len += 8;
	}
	return len;
}

static size_t mac_offset(unsigned i)
{
	return (size_t)(i + 1) * SECTOR - COMMIT_ID - MAC_PER_SECTOR;
}

void integrity_section_mac(const uint8_t *section, uint8_t ret[static 64])
{
	for (unsigned i = 0; i < MAC_SECTORS; i++)
		memcpy(ret + (size_t)i * MAC_PER_SECTOR, section + mac_offset(i), MAC_PER_SECTOR);
}

void integrity_section_set_mac(uint8_t *section, const uint8_t mac[static INTEGRITY_MAC_BYTES])
{
	uint8_t whole[MAC_SECTORS * MAC_PER_SECTOR] = {0};

	memcpy(whole, mac, INTEGRITY_MAC_BYTES);
	for (unsigned i = 0; i < MAC_SECTORS; i++)
		memcpy(section + mac_offset(i), whole + (size_t)i * MAC_PER_SECTOR, MAC_PER_SECTOR);
}
