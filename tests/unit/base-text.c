/* SPDX-License-Identifier: Apache-2.0 */
/* Texts, sizes, words; hexadecimal, UUIDs, CRC-32C; arenas. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/crc32c.h"
#include "base/hex.h"
#include "base/overflow.h"
#include "base/text.h"
#include "base/uuid.h"
#include "lib/check.h"

static void sizes_are_read(void **state)
{
	static const struct {
		const char *text;
		int r;
		uint64_t bytes;
	} cases[] = {
	    {"0", 0, 0},
	    {"4096", 0, 4096},
	    {"64M", 0, 64 << 20},
	    {"1MiB", 0, 1 << 20},
	    {"8G", 0, 8ULL << 30},
	    {"2T", 0, 2ULL << 40},
	    {"18446744073709551615", 0, UINT64_MAX},
	    {"18446744073709551616", -ERANGE, 0},
	    {"16777216T", -ERANGE, 0},
	    {"", -EINVAL, 0},
	    {"M", -EINVAL, 0},
	    {"-1", -EINVAL, 0},
	    {"1 M", -EINVAL, 0},
	    {"1kB", -EINVAL, 0},
	    {"1MB", -EINVAL, 0},
	    {"1Mi", -EINVAL, 0},
	    {"0x10", -EINVAL, 0},
	    {"1.5G", -EINVAL, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t bytes = 0;

		assert_int_equal(size_scan(cases[i].text, &bytes), cases[i].r);
		assert_int_equal(bytes, cases[i].bytes);
	}
}

static void sizes_are_printed(void **state)
{
	char s[SIZE_TEXT_SIZE];

	size_print_exact(64 << 20, s);
	assert_string_equal(s, "64M");
	size_print_exact(4097, s);
	assert_string_equal(s, "4097");
	size_print_exact(0, s);
	assert_string_equal(s, "0");
	size_print(1536, s);
	assert_string_equal(s, "1.5 KiB");
	size_print(UINT64_MAX, s);
	assert_string_equal(s, "16.0 EiB");
}

static void the_nearest_word_is_found(void **state)
{
	static const char *const words[] = {"verity", "partition", "label", NULL};

	assert_string_equal(text_nearest("verty", words), "verity");
	assert_string_equal(text_nearest("labl", words), "label");
	assert_null(text_nearest("erofs", words));
	assert_null(text_nearest("", words));
}

static void text_grows(void **state)
{
	struct text t = {0};

	for (int i = 0; i < 1000; i++)
		text_add(&t, "%03d", i);
	assert_false(t.failed);
	assert_int_equal(t.len, 3000);
	assert_memory_equal(t.s + 2997, "999", 4);
	text_free(&t);
	assert_null(t.s);
}

static void hex_goes_both_ways(void **state)
{
	uint8_t bytes[4] = {0};
	char hex[9];
	size_t n;

	assert_int_equal(hex_decode("00fFA5", bytes, 3), 0);
	assert_memory_equal(bytes, "\x00\xff\xa5", 3);
	hex_encode(bytes, 3, hex);
	assert_string_equal(hex, "00ffa5");
	assert_int_equal(hex_decode("00fg", bytes, 2), -EINVAL);
	assert_int_equal(hex_decode("00f", bytes, 2), -EINVAL);
	assert_int_equal(hex_decode_upto("", bytes, 4, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(hex_decode_upto("0011223344", bytes, 4, &n), -EINVAL);
}

static void uuids_go_both_ways(void **state)
{
	const char *text = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";
	static const uint8_t gpt[16] = {0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11,
					0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b};
	char again[UUID_TEXT_SIZE];
	struct uuid u, v;

	assert_int_equal(uuid_scan(text, &u), 0);
	uuid_print(&u, again);
	assert_string_equal(again, text);
	uuid_from_gpt(gpt, &v);
	assert_true(uuid_equal(&u, &v));
	assert_int_equal(uuid_scan("c12a7328-f81f-11d2-ba4b-00a0c93ec93", &v), -EINVAL);
	assert_int_equal(uuid_scan("c12a7328xf81f-11d2-ba4b-00a0c93ec93b", &v), -EINVAL);
	memset(&v, 0xff, sizeof(v));
	uuid_set_version(&v);
	uuid_print(&v, again);
	assert_string_equal(again, "ffffffff-ffff-4fff-bfff-ffffffffffff");
}

/* RFC 3720, appendix B.4. */
static void crc32c_has_the_published_values(void **state)
{
	uint8_t bytes[32] = {0};

	assert_int_equal(crc32c(0, bytes, 32), 0x8a9136aa);
	memset(bytes, 0xff, 32);
	assert_int_equal(crc32c(0, bytes, 32), 0x62a8ab43);
	for (int i = 0; i < 32; i++)
		bytes[i] = (uint8_t)i;
	assert_int_equal(crc32c(0, bytes, 32), 0x46dd794e);
	assert_int_equal(crc32c(crc32c(0, bytes, 10), bytes + 10, 22), 0x46dd794e);
}

static unsigned releases;

/* @what: how many should have been released before. */
static void note_release(void *what)
{
	assert_int_equal(*(unsigned *)what, releases++);
}

static void what_an_arena_keeps_is_released_last_first(void **state)
{
	struct arena a = {0};
	unsigned *second = arena_new(&a, unsigned), *first = arena_new(&a, unsigned);

	*first = 1;
	assert_int_equal(arena_on_free(&a, note_release, first), 0);
	assert_int_equal(arena_on_free(&a, note_release, second), 0);
	assert_int_equal(releases, 0);
	arena_free(&a);
	assert_int_equal(releases, 2);
	arena_free(&a);
	assert_int_equal(releases, 2);
}

static void an_arena_gives_zeroed_aligned_memory(void **state)
{
	struct arena a = {0};

	for (size_t i = 0; i < 200; i++) {
		uint8_t *p = arena_alloc(&a, i * 7);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 16, 0);
		for (size_t j = 0; j < i * 7; j++)
			assert_int_equal(p[j], 0);
		memset(p, 0xaa, i * 7);
	}
	assert_string_equal(arena_print(&a, "%s-%d", "x", 5), "x-5");
	assert_null(arena_alloc(&a, SIZE_MAX - 3));
	arena_free(&a);
}

static void arithmetic_does_not_wrap(void **state)
{
	uint64_t x;

	assert_false(add_u64(UINT64_MAX, 1, &x));
	assert_false(mul_u64(1ULL << 63, 2, &x));
	assert_int_equal(round_up(UINT64_MAX, 4096), round_down(UINT64_MAX, 4096));
	assert_int_equal(round_up(4097, 4096), 8192);
	assert_true(range_inside(10, 0, 10));
	assert_false(range_inside(11, 0, 10));
	assert_false(range_inside(1, UINT64_MAX, 10));
	assert_false(ranges_overlap(0, 10, 10, 5));
	assert_true(ranges_overlap(0, 11, 10, 5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sizes_are_read),
	    cmocka_unit_test(sizes_are_printed),
	    cmocka_unit_test(the_nearest_word_is_found),
	    cmocka_unit_test(text_grows),
	    cmocka_unit_test(hex_goes_both_ways),
	    cmocka_unit_test(uuids_go_both_ways),
	    cmocka_unit_test(crc32c_has_the_published_values),
	    cmocka_unit_test(an_arena_gives_zeroed_aligned_memory),
	    cmocka_unit_test(what_an_arena_keeps_is_released_last_first),
	    cmocka_unit_test(arithmetic_does_not_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
