/* SPDX-License-Identifier: Apache-2.0 */
/* The dm-integrity superblock, where everything lies, and the sections of the journal. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/overflow.h"
#include "format/integrity.h"
#include "lib/check.h"

/* cryptsetup 2.6.1 and a kernel 6.12: luksFormat --integrity aead --sector-size 4096 of 32 MiB, in
 * its segment at 16 MiB; zeroes follow. */
static const uint8_t theirs[] = {
    'i',  'n',  't', 'e', 'g', 'r', 't', 0, /* magic */
    4,    15,   28,  0,   1,   0,   0,   0, /* version, interleave, tag, sections */
    0x10, 0x7e, 0,   0,   0,   0,   0,   0, /* 32272 sectors */
    8,    0,    0,   0,   3,   12,  0,   0, /* flags, logs */
};

static void superblock(uint8_t ret[static INTEGRITY_SUPERBLOCK_BYTES])
{
	memset(ret, 0, INTEGRITY_SUPERBLOCK_BYTES);
	memcpy(ret, theirs, sizeof(theirs));
}

static void reads_what_the_kernel_wrote(void **state)
{
	uint8_t bytes[INTEGRITY_SUPERBLOCK_BYTES], again[INTEGRITY_SUPERBLOCK_BYTES];
	struct integrity_superblock sb;
	struct integrity_geometry g;
	const char *why;

	superblock(bytes);
	assert_ok(integrity_decode(bytes, sizeof(bytes), &sb, &why));
	assert_int_equal(sb.version, 4);
	assert_int_equal(sb.log2_interleave_sectors, 15);
	assert_int_equal(sb.tag_bytes, 28);
	assert_int_equal(sb.journal_sections, 1);
	assert_int_equal(sb.provided_data_sectors, 32272);
	assert_int_equal(sb.flags, INTEGRITY_FIXED_PADDING);
	assert_int_equal(sb.log2_sectors_per_block, 3);
	assert_int_equal(sb.log2_blocks_per_bitmap_bit, 12);
	integrity_encode(&sb, again);
	assert_memory_equal(bytes, again, sizeof(bytes));

	assert_ok(integrity_geometry(&sb, &g, &why));
	/* The table that cryptsetup loaded says journal_sectors:264. */
	assert_int_equal(g.section_bytes, 264 * 512);
	assert_int_equal(g.initial_bytes, 272 * 512);
	assert_int_equal(g.sectors, 32272 / 8);
	assert_true(g.end_bytes <= 16 << 20 && g.end_bytes + 8 * 512 > 16 << 20);
}

/* Fields that have a value which cannot be, and bytes that must be zero. */
static void rejects_what_it_does_not_understand(void **state)
{
	static const struct {
		unsigned offset;
		uint8_t value;
	} bad[] = {
	    {8, 0},  {8, 6},     {8, 7},     {8, 3},     {9, 0},     {9, 2},     {9, 32},
	    {10, 0}, {11, 1},    {12, 0},    {15, 0x80}, {16, 0x11}, {23, 0x40}, {23, 0x80},
	    {24, 9}, {24, 0x28}, {24, 0x48}, {27, 1},    {28, 4},    {28, 255},  {29, 49},
	    {30, 1}, {31, 1},    {32, 8},    {40, 1},    {47, 1},    {48, 1},    {63, 1},
	    {64, 1}, {480, 1},   {511, 1},   {512, 1},   {4095, 1},  {24, 0x0a},
	};
	uint8_t bytes[INTEGRITY_SUPERBLOCK_BYTES];
	struct integrity_superblock sb;
	const char *why;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		why = NULL;
		superblock(bytes);
		bytes[bad[i].offset] = bad[i].value;
		/* These are wrong together with what else is there only. */
		if (bad[i].offset == 24 && bad[i].value == 9)
			bytes[8] = 3;
		if (bad[i].offset == 24 && bad[i].value == 0x0a)
			bytes[32] = 4;
		if (integrity_decode(bytes, sizeof(bytes), &sb, &why) != -EUCLEAN || !why)
			fail_msg("byte %u = %u is taken", bad[i].offset, bad[i].value);
	}
	superblock(bytes);
	assert_int_equal(integrity_decode(bytes, 4095, &sb, &why), -EUCLEAN);
	assert_int_equal(integrity_decode(bytes, 7, &sb, &why), -ENODATA);
	bytes[7] = 1;
	assert_int_equal(integrity_decode(bytes, sizeof(bytes), &sb, &why), -ENODATA);
}

/* A MAC is only where flags say that there is one. */
static void takes_a_mac_where_it_belongs(void **state)
{
	uint8_t bytes[INTEGRITY_SUPERBLOCK_BYTES];
	struct integrity_superblock sb;
	const char *why;

	superblock(bytes);
	bytes[8] = 5;
	bytes[24] = INTEGRITY_HAVE_JOURNAL_MAC | INTEGRITY_FIXED_PADDING | INTEGRITY_FIXED_HMAC;
	bytes[48] = 1; /* salt */
	bytes[INTEGRITY_MAC_OFFSET] = 1;
	bytes[511] = 1;
	assert_ok(integrity_decode(bytes, sizeof(bytes), &sb, &why));
	assert_int_equal(sb.salt[0], 1);
	bytes[INTEGRITY_MAC_OFFSET - 1] = 1;
	assert_int_equal(integrity_decode(bytes, sizeof(bytes), &sb, &why), -EUCLEAN);
}

static void knows_the_version_of_flags(void **state)
{
	assert_int_equal(integrity_version(0), 1);
	assert_int_equal(integrity_version(INTEGRITY_HAVE_JOURNAL_MAC), 1);
	assert_int_equal(integrity_version(INTEGRITY_RECALCULATING), 2);
	assert_int_equal(integrity_version(INTEGRITY_RECALCULATING | INTEGRITY_DIRTY_BITMAP), 3);
	assert_int_equal(integrity_version(INTEGRITY_DIRTY_BITMAP | INTEGRITY_FIXED_PADDING), 4);
	assert_int_equal(integrity_version(INTEGRITY_FIXED_HMAC), 5);
}

/* --- geometry --- */

/* As the kernel's source has it, in sectors of 512, one number after the other. */
static uint64_t kernel_data_sector(const struct integrity_superblock *sb, uint64_t initial,
				   uint64_t run, uint64_t sector)
{
	uint64_t area = sector >> sb->log2_interleave_sectors;
	uint64_t offset = sector & ((1ull << sb->log2_interleave_sectors) - 1);

	return (area << sb->log2_interleave_sectors) + (area + 1) * run + initial + offset;
}

static uint64_t kernel_tag_byte(const struct integrity_superblock *sb, uint64_t initial,
				uint64_t run, uint64_t sector)
{
	unsigned log2_buffer = 7;
	uint64_t area = sector >> sb->log2_interleave_sectors, ms, mo;
	uint64_t offset = sector & ((1ull << sb->log2_interleave_sectors) - 1);

	while (run & ((1ull << log2_buffer) - 1))
		log2_buffer--;
	ms = (area << sb->log2_interleave_sectors) + area * run;
	ms >>= log2_buffer;
	offset >>= sb->log2_sectors_per_block;
	ms += offset * sb->tag_bytes >> (9 + log2_buffer);
	mo = offset * sb->tag_bytes & ((512u << log2_buffer) - 1);
	return initial * 512 + (ms << log2_buffer) * 512 + mo;
}

static uint64_t kernel_initial(const struct integrity_superblock *sb)
{
	unsigned spb = 1u << sb->log2_sectors_per_block;
	unsigned entry = (8 + 8 * spb + sb->tag_bytes + 7) / 8 * 8;
	unsigned room = sb->flags & INTEGRITY_HAVE_JOURNAL_MAC ? 496 : 504;
	uint64_t entries = room / entry * 8;

	return 8 + (uint64_t)sb->journal_sections * (entries * spb + 8);
}

static uint64_t kernel_run(const struct integrity_superblock *sb)
{
	uint64_t pad = sb->flags & INTEGRITY_FIXED_PADDING ? 4096 : 131072;
	uint64_t n = (uint64_t)sb->tag_bytes
		     << (sb->log2_interleave_sectors - sb->log2_sectors_per_block);

	return (n + pad - 1) / pad * pad / 512;
}

/* What lies where: as the kernel says, in order, and nothing on anything else. */
static void check_places(const struct integrity_superblock *sb, const struct integrity_geometry *g)
{
	uint64_t initial = kernel_initial(sb), run = kernel_run(sb);
	uint64_t probes[] = {0,
			     1,
			     g->area_sectors - 1,
			     g->area_sectors,
			     g->area_sectors + 1,
			     g->sectors / 2,
			     g->sectors - 2,
			     g->sectors - 1};

	assert_int_equal(g->initial_bytes, initial * 512);
	assert_int_equal(g->metadata_run_bytes, run * 512);
	assert_int_equal(integrity_locate_section(g, 0), 4096);
	assert_int_equal(integrity_locate_section(g, g->sections), g->initial_bytes);
	for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++) {
		uint64_t s = probes[i], data, tag, rest;

		if (s >= g->sectors)
			continue;
		data = integrity_locate_data(g, s);
		tag = integrity_locate_tag(g, s);
		rest = integrity_area_rest(g, s);
		assert_int_equal(
		    data, 512 * kernel_data_sector(sb, initial, run, s * g->sectors_per_block));
		assert_int_equal(tag, kernel_tag_byte(sb, initial, run, s * g->sectors_per_block));
		assert_true(rest > 0 && s + rest <= g->sectors);
		assert_true(s % g->area_sectors + rest <= g->area_sectors);
		/* Its area's tags end before the area's data, which goes on for all of the rest. */
		assert_true(tag + rest * g->tag_bytes <=
			    integrity_locate_data(g, round_down(s, g->area_sectors)));
		assert_int_equal(integrity_locate_data(g, s + rest - 1),
				 data + (rest - 1) * g->sector_bytes);
		assert_true(data + rest * g->sector_bytes <= g->end_bytes);
		if (s + rest < g->sectors)
			assert_int_equal(integrity_locate_tag(g, s + rest),
					 data + rest * g->sector_bytes);
	}
	assert_int_equal(integrity_locate_data(g, g->sectors - 1) + g->sector_bytes, g->end_bytes);
}

static unsigned check_one(struct integrity_superblock *sb, uint64_t below)
{
	struct integrity_geometry g;
	const char *why;
	int r;

	sb->provided_data_sectors = integrity_fit(sb, below);
	if (!sb->provided_data_sectors)
		return 0;
	assert_ok(integrity_geometry(sb, &g, &why));
	assert_true(g.end_bytes <= below);
	check_places(sb, &g);
	sb->log2_blocks_per_bitmap_bit = integrity_bitmap_granularity(sb, &g);
	sb->flags |= INTEGRITY_DIRTY_BITMAP;
	assert_ok(integrity_geometry(sb, &g, &why)); /* the bitmap fits */
	sb->flags &= ~(uint32_t)INTEGRITY_DIRTY_BITMAP;
	/* One step more does not fit. */
	sb->provided_data_sectors += 8;
	r = integrity_geometry(sb, &g, &why);
	if (r == 0)
		assert_true(g.end_bytes > below);
	else
		assert_int_equal(r, -EUCLEAN);
	return 1;
}

static void lays_out_as_the_kernel_does(void **state)
{
	static const uint16_t tags[] = {1, 4, 8, 16, 20, 28, 32, 48, 64, 128, 255};
	static const uint8_t interleaves[] = {3, 4, 7, 8, 12, 15, 20, 31};
	static const uint64_t sizes[] = {1 << 16,   (1 << 20) + 512, 5000192,
					 100 << 20, 1ull << 33,      (1ull << 45) + 4096};
	static const uint32_t flags[] = {0, INTEGRITY_FIXED_PADDING,
					 INTEGRITY_FIXED_PADDING | INTEGRITY_HAVE_JOURNAL_MAC};
	unsigned n = 0;

	for (size_t c = 0; c < 11 * 8 * 6 * 3 * 4 * 2; c++) {
		size_t k = c;
		struct integrity_superblock sb = {.version = 5};

		sb.tag_bytes = tags[k % 11];
		sb.log2_interleave_sectors = interleaves[(k /= 11) % 8];
		sb.log2_sectors_per_block = (uint8_t)((k /= 8) % 4);
		sb.flags = flags[(k /= 4) % 3];
		sb.journal_sections = (k /= 3) % 2 ? 1 : 7;
		n += check_one(&sb, sizes[(k / 2) % 6]);
	}
	assert_true(n > 5000);
}

/* Where its own buffers would be larger than an area the kernel mistakes data for tags. */
static void refuses_areas_smaller_than_a_buffer(void **state)
{
	struct integrity_superblock sb = {.version = 1,
					  .log2_interleave_sectors = 6,
					  .tag_bytes = 4,
					  .journal_sections = 1,
					  .provided_data_sectors = 1000};
	struct integrity_geometry g;
	const char *why = NULL;

	assert_int_equal(integrity_geometry(&sb, &g, &why), -EUCLEAN);
	assert_non_null(why);
	sb.log2_interleave_sectors = 7;
	assert_ok(integrity_geometry(&sb, &g, &why));
	sb.log2_interleave_sectors = 3;
	sb.flags = INTEGRITY_FIXED_PADDING;
	assert_ok(integrity_geometry(&sb, &g, &why));
}

/* --- the journal --- */

static void makes_an_empty_section(void **state)
{
	struct integrity_superblock sb = {.version = 4,
					  .log2_interleave_sectors = 15,
					  .tag_bytes = 28,
					  .journal_sections = 3,
					  .provided_data_sectors = 8000,
					  .flags = INTEGRITY_FIXED_PADDING,
					  .log2_sectors_per_block = 3};
	struct integrity_geometry g;
	const char *why;
	uint8_t *bytes, data[4096];

	assert_ok(integrity_geometry(&sb, &g, &why));
	bytes = malloc(g.section_bytes);
	assert_non_null(bytes);
	integrity_section_init(&g, 2, 1, bytes);
	/* Entries unused, and at the end the commit id, with section and sector mixed in. */
	assert_memory_equal(bytes, "\0\0\0\0\xff\xff\xff\xff\0\0\0\0", 12);
	assert_memory_equal(bytes + 504, "\x22\x22\x22\x22\x20\x22\x22\x22", 8);
	assert_memory_equal(bytes + 512 * 5 + 504, "\x27\x22\x22\x22\x20\x22\x22\x22", 8);
	for (uint32_t n = 0; n < g.section_bytes / 512; n++) {
		assert_int_equal(integrity_section_sequence(2, n, bytes + 512 * (size_t)n), 1);
		assert_int_equal(integrity_section_sequence(1, n, bytes + 512 * (size_t)n), -1);
		assert_int_equal(integrity_section_sequence(2, n ^ 1, bytes + 512 * (size_t)n), -1);
	}
	for (uint32_t n = 0; n < g.section_entries; n++)
		assert_true(integrity_entry_sector(&g, bytes, n) == INTEGRITY_ENTRY_UNUSED);

	/* Entry 9 is the second one of the second sector. */
	memcpy(bytes + 512 + g.entry_bytes, "\x88\x13\0\0\1\0\0\0", 8);
	for (size_t k = 0; k < 8; k++)
		memset(bytes + 512 + g.entry_bytes + 8 + 8 * k, (int)(0xa0 + k), 8);
	memset(bytes + 512 + g.entry_bytes + 8 + 64, 0x7a, 28);
	memset(bytes + 4096 + 9 * 4096 + 100, 0x55, 300);
	assert_true(integrity_entry_sector(&g, bytes, 9) == 0x100001388);
	assert_int_equal(integrity_entry_tag(&g, bytes, 9)[0], 0x7a);
	assert_int_equal(integrity_entry_tag(&g, bytes, 9)[27], 0x7a);
	integrity_entry_data(&g, bytes, 9, data);
	assert_int_equal(data[100], 0x55);
	for (size_t k = 0; k < 8; k++) {
		assert_int_equal(data[512 * k + 504], 0xa0 + k);
		assert_int_equal(data[512 * k + 511], 0xa0 + k);
	}
	free(bytes);
}

static void spreads_a_macs_bytes(void **state)
{
	struct integrity_superblock sb = {
	    .version = 5,
	    .log2_interleave_sectors = 15,
	    .tag_bytes = 32,
	    .journal_sections = 3,
	    .provided_data_sectors = 8000,
	    .flags = INTEGRITY_FIXED_PADDING | INTEGRITY_HAVE_JOURNAL_MAC | INTEGRITY_FIXED_HMAC,
	    .salt = "0123456789abcde"};
	uint8_t message[INTEGRITY_SECTION_MESSAGE_MAX], mac[32], all[64];
	struct integrity_geometry g;
	const char *why;
	uint8_t *bytes;
	size_t len;

	assert_ok(integrity_geometry(&sb, &g, &why));
	bytes = malloc(g.section_bytes);
	assert_non_null(bytes);
	integrity_section_init(&g, 2, 0, bytes);
	memset(mac, 0x99, sizeof(mac));
	integrity_section_set_mac(bytes, mac);
	assert_memory_equal(bytes + 496, mac, 8);
	assert_memory_equal(bytes + 512 * 3 + 496, mac, 8);
	integrity_section_mac(bytes, all);
	assert_memory_equal(all, mac, 32);
	assert_memory_equal(all + 32,
			    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 32);
	assert_int_equal(integrity_section_sequence(2, 3, bytes + 512 * 3), 0);

	bytes[0] = 0x42; /* of entry 0 */
	len = integrity_section_message(&sb, &g, 2, bytes, message);
	assert_int_equal(len, 24 + 8 * g.section_entries);
	assert_memory_equal(message, sb.salt, 16);
	assert_memory_equal(message + 16, "\2\0\0\0\0\0\0\0\x42\0\0\0\xff\xff\xff\xff\0\0\0\0\xff",
			    21);
	sb.flags &= ~(uint32_t)INTEGRITY_FIXED_HMAC;
	assert_int_equal(integrity_section_message(&sb, &g, 2, bytes, message), len - 24);
	assert_int_equal(message[0], 0x42);
	free(bytes);
}

static void finds_a_bitmaps_bit(void **state)
{
	struct integrity_superblock sb = {.log2_blocks_per_bitmap_bit = 4};
	static const uint8_t bitmap[] = {0x02, 0x80};

	assert_false(integrity_bitmap_bit(&sb, bitmap, 15));
	assert_true(integrity_bitmap_bit(&sb, bitmap, 16));
	assert_true(integrity_bitmap_bit(&sb, bitmap, 31));
	assert_false(integrity_bitmap_bit(&sb, bitmap, 32));
	assert_true(integrity_bitmap_bit(&sb, bitmap, 255));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_what_the_kernel_wrote),
	    cmocka_unit_test(rejects_what_it_does_not_understand),
	    cmocka_unit_test(takes_a_mac_where_it_belongs),
	    cmocka_unit_test(knows_the_version_of_flags),
	    cmocka_unit_test(lays_out_as_the_kernel_does),
	    cmocka_unit_test(refuses_areas_smaller_than_a_buffer),
	    cmocka_unit_test(makes_an_empty_section),
	    cmocka_unit_test(spreads_a_macs_bytes),
	    cmocka_unit_test(finds_a_bitmaps_bit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
