/* SPDX-License-Identifier: Apache-2.0 */
/* The dm-verity superblock and the tree's geometry. */
#include <errno.h>
#include <string.h>

#include "format/verity.h"
#include "lib/check.h"

/* veritysetup 2.6.1: format --uuid=01234567-89ab-4def-8123-456789abcdef --salt=abcdef
 * --hash=sha512 --data-block-size=1024 --hash-block-size=4096, 300 data blocks; zeroes follow. */
static const uint8_t theirs[] = {
    'v',  'e',  'r',  'i',  't',  'y',  0,    0,    1,    0,    0,    0,    1,    0,    0,    0,
    0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0x4d, 0xef, 0x81, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
    's',  'h',  'a',  '5',  '1',  '2',  0,    0,    0,    0,    0,    0,    0,    0,    0,    0,
    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,
    0,    4,    0,    0,    0,    16,   0,    0,    0x2c, 1,    0,    0,    0,    0,    0,    0,
    3,    0,    0,    0,    0,    0,    0,    0,    0xab, 0xcd, 0xef,
};

static void superblock(uint8_t ret[static VERITY_SUPERBLOCK_BYTES])
{
	memset(ret, 0, VERITY_SUPERBLOCK_BYTES);
	memcpy(ret, theirs, sizeof(theirs));
}

static void reads_what_veritysetup_wrote(void **state)
{
	uint8_t bytes[VERITY_SUPERBLOCK_BYTES], again[VERITY_SUPERBLOCK_BYTES];
	struct verity_params p;
	char uuid[UUID_TEXT_SIZE];
	const char *why;

	superblock(bytes);
	assert_ok(verity_decode(bytes, sizeof(bytes), &p, &why));
	uuid_print(&p.uuid, uuid);
	assert_string_equal(uuid, "01234567-89ab-4def-8123-456789abcdef");
	assert_string_equal(p.algorithm, "sha512");
	assert_int_equal(p.hash_type, 1);
	assert_int_equal(p.data_block_bytes, 1024);
	assert_int_equal(p.hash_block_bytes, 4096);
	assert_int_equal(p.data_blocks, 300);
	assert_int_equal(p.salt_len, 3);
	assert_memory_equal(p.salt, "\xab\xcd\xef\0", 4);
	verity_encode(&p, again);
	assert_memory_equal(bytes, again, sizeof(bytes));
}

/* Fields that have a value which cannot be, and bytes that must be zero. */
static void rejects_what_it_does_not_understand(void **state)
{
	static const struct {
		unsigned offset;
		uint8_t value;
	} bad[] = {
	    {0, 'V'}, {6, 1},    {8, 2},    {8, 0},    {11, 1},  {12, 2},    {15, 0x80},
	    {32, 0},  {32, 'S'}, {33, '/'}, {39, 'x'}, {63, 1},  {65, 5},    {65, 1},
	    {64, 1},  {67, 1},   {69, 0},   {70, 2},   {69, 24}, {79, 0x80}, {81, 2},
	    {82, 1},  {87, 1},   {91, 1},   {343, 1},  {344, 1}, {511, 1},
	};
	uint8_t bytes[VERITY_SUPERBLOCK_BYTES];
	struct verity_params p = {.data_blocks = 77};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *why = NULL;

		superblock(bytes);
		bytes[bad[i].offset] = bad[i].value;
		assert_int_equal(verity_decode(bytes, sizeof(bytes), &p, &why), -EINVAL);
		assert_non_null(why);
		assert_int_equal(p.data_blocks, 77);
	}
	superblock(bytes);
	bytes[72] = bytes[73] = 0; /* no data blocks */
	const char *why;
	assert_int_equal(verity_decode(bytes, sizeof(bytes), &p, &why), -EINVAL);
	superblock(bytes);
	assert_int_equal(verity_decode(bytes, sizeof(bytes) - 1, &p, &why), -EINVAL);
	assert_int_equal(verity_decode(bytes, 0, &p, &why), -EINVAL);
	memset(bytes + 32, 'a', 32); /* a name that does not end */
	assert_int_equal(verity_decode(bytes, sizeof(bytes), &p, &why), -EINVAL);
}

static void takes_every_block_size_and_salt(void **state)
{
	uint8_t bytes[VERITY_SUPERBLOCK_BYTES];
	const char *why;

	for (uint32_t size = VERITY_BLOCK_MIN; size <= VERITY_BLOCK_MAX; size *= 2) {
		struct verity_params p = {.hash_type = 0,
					  .algorithm = "sha256",
					  .data_block_bytes = size,
					  .hash_block_bytes = VERITY_BLOCK_MAX / size * 512,
					  .data_blocks = UINT64_MAX / size,
					  .salt_len = VERITY_SALT_MAX};
		struct verity_params q;

		memset(p.salt, 0xff, sizeof(p.salt));
		verity_encode(&p, bytes);
		assert_ok(verity_decode(bytes, sizeof(bytes), &q, &why));
		assert_memory_equal(&p, &q, sizeof(p));
		p.data_blocks++; /* more bytes than can be counted */
		verity_encode(&p, bytes);
		assert_int_equal(verity_decode(bytes, sizeof(bytes), &q, &why), -EINVAL);
	}
}

/* Levels by hand: {data blocks, hash block, digest, type} and the blocks of each level. */
static void trees_have_the_kernels_geometry(void **state)
{
	static const struct {
		uint64_t data_blocks;
		uint32_t hash_block, digest, type, per_block, stride;
		unsigned levels;
		uint64_t blocks[4];
	} trees[] = {
	    {1, 4096, 32, 1, 128, 32, 0, {0}},
	    {2, 4096, 32, 1, 128, 32, 1, {1}},
	    {128, 4096, 32, 1, 128, 32, 1, {1}},
	    {129, 4096, 32, 1, 128, 32, 2, {2, 1}},
	    {16384, 4096, 32, 1, 128, 32, 2, {128, 1}},
	    {16385, 4096, 32, 1, 128, 32, 3, {129, 2, 1}},
	    {300, 512, 64, 1, 8, 64, 3, {38, 5, 1}},
	    {300, 4096, 20, 1, 128, 32, 2, {3, 1}}, /* 204 would fit, unpadded */
	    {300, 4096, 20, 0, 128, 20, 2, {3, 1}},
	    {300, 4096, 48, 1, 64, 64, 2, {5, 1}},
	    {300, 4096, 48, 0, 64, 48, 2, {5, 1}},
	};

	for (size_t i = 0; i < sizeof(trees) / sizeof(trees[0]); i++) {
		const struct verity_params p = {.hash_type = trees[i].type,
						.data_block_bytes = 4096,
						.hash_block_bytes = trees[i].hash_block,
						.data_blocks = trees[i].data_blocks};
		struct verity_tree t;
		uint64_t total = 0;

		assert_ok(verity_tree(&p, trees[i].digest, &t));
		assert_int_equal(t.levels, trees[i].levels);
		assert_int_equal(t.per_block, trees[i].per_block);
		assert_int_equal(t.digest_stride, trees[i].stride);
		for (unsigned level = t.levels; level-- > 0;) { /* the top lies first */
			assert_int_equal(t.level[level].blocks, trees[i].blocks[level]);
			assert_int_equal(t.level[level].first_block, total);
			total += t.level[level].blocks;
		}
		assert_int_equal(t.total_blocks, total);
	}
}

static void impossible_trees_are_refused(void **state)
{
	struct verity_params p = {
	    .hash_type = 1, .data_block_bytes = 512, .hash_block_bytes = 512, .data_blocks = 5};
	struct verity_tree t;

	assert_int_equal(verity_tree(&p, 257, &t), -ERANGE); /* one a block: never an end */
	p.data_blocks = UINT64_MAX / 512;
	assert_ok(verity_tree(&p, 32, &t));
	assert_true(t.levels < VERITY_LEVELS_MAX);
	p.data_blocks = UINT64_MAX; /* the tree has more bytes than can be counted */
	assert_int_equal(verity_tree(&p, 64, &t), -ERANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_what_veritysetup_wrote),
	    cmocka_unit_test(rejects_what_it_does_not_understand),
	    cmocka_unit_test(takes_every_block_size_and_salt),
	    cmocka_unit_test(trees_have_the_kernels_geometry),
	    cmocka_unit_test(impossible_trees_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
