/* SPDX-License-Identifier: Apache-2.0 */
/* An integrity superblock on the medium against the one that was laid out. */
#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "layer/tagged/tags.h"
#include "lib/check.h"

#define PLACE  (8 * 1024 * 1024)
#define OFFSET (1024 * 1024)

static const uint8_t key[32] = {1, 2, 3};
static struct io *io;
static struct tags tags;

static int set_up(void **state)
{
	tags = (struct tags){
	    .params = {.algorithm = "hmac(sha256)",
		       .sector_bytes = 4096,
		       .key = key,
		       .key_len = sizeof(key),
		       .salt = {9, 8, 7, 6, 5, 4, 3, 2, 1, 9, 8, 7, 6, 5, 4, 3}},
	    .offset_bytes = OFFSET,
	    .len_bytes = PLACE - OFFSET,
	};
	assert_int_equal(integrity_choose(&tags.params, tags.len_bytes, &tags.sb), 0);
	assert_memory_equal(tags.sb.salt, tags.params.salt, sizeof(tags.sb.salt));
	return io_open_memory("place", PLACE, &io);
}

static int tear_down(void **state)
{
	io = io_close(io);
	diag_forget(0);
	return 0;
}

/* What is said of @there on the medium. */
static const char *judge(const struct integrity_superblock *there)
{
	const char *why = "not said";

	integrity_encode(there, (uint8_t *)io_memory_bytes(io) + OFFSET);
	assert_int_equal(tags_judge(&tags, io, &why), 0);
	return why;
}

static void said(const struct integrity_superblock *there, const char *words)
{
	const char *why = judge(there);

	assert_non_null(why);
	if (!strstr(why, words))
		fail_msg("\"%s\" does not say \"%s\"", why, words);
}

static void the_one_that_was_laid_out_is_good(void **state)
{
	assert_null(judge(&tags.sb));
}

static void another_salt_is_another_volume(void **state)
{
	for (size_t i = 0; i < sizeof(tags.sb.salt); i++) {
		struct integrity_superblock there = tags.sb;

		there.salt[i] ^= 1;
		said(&there, "salt");
	}
}

static void every_other_parameter_is_compared(void **state)
{
	struct integrity_superblock there = tags.sb;

	there.provided_data_sectors -= 8;
	said(&there, "another size");
	there = tags.sb;
	there.journal_sections++;
	said(&there, "not the one that was laid out");
	there = tags.sb;
	there.log2_interleave_sectors--;
	said(&there, "not the one that was laid out");
	there = tags.sb;
	there.log2_sectors_per_block--;
	said(&there, "not the one that was laid out");
	there = tags.sb;
	there.tag_bytes = 16;
	said(&there, "not the one that was laid out");
}

/* The kernel would compute tags with the key over whatever is there. */
static void a_keyed_one_must_not_ask_for_recalculation(void **state)
{
	struct integrity_superblock there = tags.sb;

	there.flags |= INTEGRITY_RECALCULATING;
	there.version = integrity_version(there.flags);
	said(&there, "recalculated");
	there = tags.sb;
	there.flags |= INTEGRITY_DIRTY_BITMAP;
	there.version = integrity_version(there.flags);
	said(&there, "recalculated");
}

static void a_checksum_may_be_recalculated(void **state)
{
	struct integrity_superblock there;

	tags.params = (struct integrity_params){.algorithm = "sha256", .sector_bytes = 4096};
	assert_int_equal(integrity_choose(&tags.params, tags.len_bytes, &tags.sb), 0);
	there = tags.sb;
	there.flags |= INTEGRITY_DIRTY_BITMAP;
	there.version = integrity_version(there.flags);
	assert_null(judge(&there));
}

static void nothing_there_is_told(void **state)
{
	const char *why = NULL;

	assert_int_equal(tags_judge(&tags, io, &why), 0);
	assert_non_null(why);
	assert_non_null(strstr(why, "not there"));
}

static void a_place_that_cannot_be_read_is_an_error(void **state)
{
	struct io *window;
	const char *why;

	assert_int_equal(io_open_window(io, "window", 0, OFFSET + 512, &window), 0);
	assert_int_equal(tags_judge(&tags, window, &why), -EIO);
	io_close(window);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_one_that_was_laid_out_is_good),
	    TEST(another_salt_is_another_volume),
	    TEST(every_other_parameter_is_compared),
	    TEST(a_keyed_one_must_not_ask_for_recalculation),
	    TEST(a_checksum_may_be_recalculated),
	    TEST(nothing_there_is_told),
	    TEST(a_place_that_cannot_be_read_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
