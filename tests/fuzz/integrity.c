/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dm-integrity: a superblock that is accepted encodes to the same bytes and has a geometry in which
 * nothing lies on anything else or beyond the end; what follows it is a section of its journal.
 */
#include <stdlib.h>
#include <string.h>

#include "base/overflow.h"
#include "format/integrity.h"

static void must(bool holds)
{
	if (!holds)
		__builtin_trap();
}

static void check_sector(const struct integrity_geometry *g, uint64_t sector)
{
	uint64_t data = integrity_locate_data(g, sector), tag = integrity_locate_tag(g, sector);
	uint64_t rest = integrity_area_rest(g, sector);

	must(rest > 0 && rest <= g->sectors - sector);
	must(tag >= g->initial_bytes && tag + rest * g->tag_bytes <= data);
	must(data + rest * g->sector_bytes <= g->end_bytes);
	if (rest < g->sectors - sector)
		must(integrity_locate_tag(g, sector + rest) == data + rest * g->sector_bytes);
}

static void check_geometry(const struct integrity_superblock *sb,
			   const struct integrity_geometry *g)
{
	struct integrity_superblock s = *sb;
	uint64_t fit = integrity_fit(&s, g->end_bytes);

	must(g->end_bytes <= INT64_MAX && g->initial_bytes < g->end_bytes);
	must(integrity_locate_section(g, g->sections) == g->initial_bytes);
	must(g->section_entries > 0 && g->section_entries % 8 == 0);
	check_sector(g, 0);
	check_sector(g, g->sectors - 1);
	check_sector(g, g->sectors / 2);
	if (g->sectors > g->area_sectors) {
		check_sector(g, g->area_sectors);
		check_sector(g, g->area_sectors - 1);
	}
	must(fit + 8 > sb->provided_data_sectors);
	must(integrity_bitmap_granularity(sb, g) < 64);
	if (sb->flags & INTEGRITY_DIRTY_BITMAP)
		must((g->sectors - 1) >> sb->log2_blocks_per_bitmap_bit >> 3 <
		     g->initial_bytes - INTEGRITY_SUPERBLOCK_BYTES);
}

static void decode_section(const struct integrity_superblock *sb,
			   const struct integrity_geometry *g, const uint8_t *bytes)
{
	uint8_t message[INTEGRITY_SECTION_MESSAGE_MAX], mac[64], data[4096];

	for (uint32_t n = 0; n < g->section_bytes / 512; n++)
		must(integrity_section_sequence(0, n, bytes + (size_t)n * 512) <
		     INTEGRITY_COMMIT_IDS);
	for (uint32_t n = 0; n < g->section_entries; n++) {
		const uint8_t *tag = integrity_entry_tag(g, bytes, n);

		must(tag + g->tag_bytes <= bytes + 4096 - 8);
		integrity_entry_data(g, bytes, n, data);
		integrity_entry_sector(g, bytes, n);
	}
	must(integrity_section_message(sb, g, 0, bytes, message) <= sizeof(message));
	integrity_section_mac(bytes, mac);
}

/* What is made is what is read. */
static void make_section(const struct integrity_geometry *g, uint8_t *bytes)
{
	uint8_t mac[INTEGRITY_MAC_BYTES] = {1};

	integrity_section_init(g, 5, 3, bytes);
	for (uint32_t n = 0; n < g->section_bytes / 512; n++)
		must(integrity_section_sequence(5, n, bytes + (size_t)n * 512) == 3);
	if (g->journal_mac)
		integrity_section_set_mac(bytes, mac);
	for (uint32_t n = 0; n < g->section_entries; n++)
		must(integrity_entry_sector(g, bytes, n) == INTEGRITY_ENTRY_UNUSED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t again[INTEGRITY_SUPERBLOCK_BYTES], *section;
	struct integrity_superblock sb;
	struct integrity_geometry g;
	const char *why = NULL;
	size_t rest;

	if (integrity_decode(data, size, &sb, &why) < 0)
		return 0;
	integrity_encode(&sb, again);
	memcpy(again + INTEGRITY_MAC_OFFSET, data + INTEGRITY_MAC_OFFSET, INTEGRITY_MAC_BYTES);
	must(memcmp(again, data, sizeof(again)) == 0);
	must(integrity_geometry(&sb, &g, &why) == 0);
	check_geometry(&sb, &g);

	section = calloc(1, g.section_bytes);
	must(section);
	rest = size - INTEGRITY_SUPERBLOCK_BYTES;
	memcpy(section, data + INTEGRITY_SUPERBLOCK_BYTES, min_u64(rest, g.section_bytes));
	decode_section(&sb, &g, section);
	make_section(&g, section);
	free(section);
	return 0;
}
