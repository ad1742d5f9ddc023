/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding partition tables: what sfdisk wrote, and everything that must be refused. */
#include <errno.h>
#include <string.h>

#include "format/gpt.h"
#include "lib/check.h"

/* sfdisk 2.38.1 on 64 MiB: label-id 11111111-2222-4333-8444-555555555555, first-lba 34. */
static const uint8_t golden_header[92] = {
    0x45, 0x46, 0x49, 0x20, 0x50, 0x41, 0x52, 0x54, 0x00, 0x00, 0x01, 0x00, 0x5c, 0x00, 0x00, 0x00,
    0x27, 0x1e, 0xa0, 0x80, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0xff, 0xff, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x22, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0xde, 0xff, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x11, 0x11, 0x11, 0x11, 0x22, 0x22, 0x33, 0x43,
    0x84, 0x44, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x80, 0x00, 0x00, 0x00, 0x80, 0x00, 0x00, 0x00, 0x02, 0xa1, 0x6f, 0x9d,
};

/* start=2048, size=20480, name="Bär€", attrs="RequiredPartition,GUID:60,63" */
static const uint8_t golden_entry[128] = {
    0x45, 0xb0, 0x21, 0xb9, 0xf0, 0x1d, 0xc3, 0x41, 0xaf, 0x44, 0x4c, 0x6f, 0x28, 0x0d, 0x3f, 0xae,
    0xaa, 0xaa, 0xaa, 0xaa, 0xbb, 0xbb, 0xcc, 0x4c, 0x8d, 0xdd, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee,
    0x00, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xff, 0x57, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x90, 0x42, 0x00, 0xe4, 0x00, 0x72, 0x00, 0xac, 0x20,
};

static uint8_t sector[512];

static int fresh(void **state)
{
	memset(sector, 0, sizeof(sector));
	memcpy(sector, golden_header, sizeof(golden_header));
	return 0;
}

/* Number @offset becomes @value, and the checksum is right again. */
static int decode_with(unsigned offset, unsigned bytes, uint64_t value, struct gpt_header *ret)
{
	uint32_t crc;
	const char *why;

	fresh(NULL);
	for (unsigned i = 0; i < bytes; i++)
		sector[offset + i] = (uint8_t)(value >> 8 * i);
	memset(sector + 16, 0, 4);
	crc = gpt_crc32(sector, 92);
	for (int i = 0; i < 4; i++)
		sector[16 + i] = (uint8_t)(crc >> 8 * i);
	return gpt_decode_header(sector, sizeof(sector), ret, &why);
}

static void crc_is_that_of_ieee(void **state)
{
	assert_int_equal(gpt_crc32("123456789", 9), 0xcbf43926);
	assert_int_equal(gpt_crc32("", 0), 0);
}

static void header_of_sfdisk_is_read(void **state)
{
	struct gpt_header h;
	struct uuid disk;
	const char *why = "unset";

	assert_ok(gpt_decode_header(sector, sizeof(sector), &h, &why));
	assert_null(why);
	assert_int_equal(h.my_lba, 1);
	assert_int_equal(h.other_lba, 131071);
	assert_int_equal(h.first_usable_lba, 34);
	assert_int_equal(h.last_usable_lba, 131038);
	assert_int_equal(h.entries_lba, 2);
	assert_int_equal(h.entries, 128);
	assert_int_equal(h.entries_crc, 0x9d6fa102);
	assert_ok(uuid_scan("11111111-2222-4333-8444-555555555555", &disk));
	assert_true(uuid_equal(&h.disk, &disk));
}

static void every_changed_bit_is_noticed(void **state)
{
	struct gpt_header h;
	const char *why;

	for (unsigned bit = 0; bit < 92 * 8; bit++) {
		fresh(NULL);
		sector[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(gpt_decode_header(sector, sizeof(sector), &h, &why), -EINVAL);
		assert_non_null(why);
	}
}

static void impossible_numbers_are_refused(void **state)
{
	struct gpt_header h;

	assert_ok(decode_with(24, 8, 1, &h));
	assert_int_equal(decode_with(8, 4, 0x00020000, &h), -EINVAL); /* revision */
	assert_int_equal(decode_with(12, 4, 91, &h), -EINVAL);        /* header's size */
	assert_int_equal(decode_with(12, 4, 513, &h), -EINVAL);
	assert_int_equal(decode_with(12, 4, UINT32_MAX, &h), -EINVAL);
	assert_int_equal(decode_with(24, 8, 0, &h), -EINVAL);      /* stands in the MBR */
	assert_int_equal(decode_with(40, 8, 131039, &h), -EINVAL); /* first behind last */
	assert_int_equal(decode_with(72, 8, 1, &h), -EINVAL);      /* entries over the header */
	assert_int_equal(decode_with(80, 4, 0, &h), -EINVAL);      /* no entries */
	assert_int_equal(decode_with(80, 4, GPT_ENTRIES_MAX + 1, &h), -EINVAL);
	assert_int_equal(decode_with(84, 4, 256, &h), -EINVAL); /* an entry's size */
	assert_int_equal(decode_with(84, 4, 0, &h), -EINVAL);
}

static void other_numbers_of_entries_are_read(void **state)
{
	struct gpt_header h;

	assert_ok(decode_with(80, 4, 56, &h));
	assert_int_equal(gpt_array_bytes(&h), 56 * 128);
	assert_ok(decode_with(80, 4, GPT_ENTRIES_MAX, &h));
}

static void short_buffers_are_refused(void **state)
{
	struct gpt_header h;
	struct gpt_entry e;
	const char *why;

	assert_int_equal(gpt_decode_header(sector, 511, &h, &why), -EINVAL);
	assert_int_equal(gpt_decode_entry(golden_entry, 127, &e), -EINVAL);
	assert_false(gpt_has_signature(sector, 7));
	assert_true(gpt_has_signature(sector, 8));
	assert_false(gpt_is_protective_mbr(sector, 511));
}

static void entry_of_sfdisk_is_read(void **state)
{
	struct gpt_entry e;
	struct uuid uuid;

	assert_int_equal(gpt_decode_entry(golden_entry, sizeof(golden_entry), &e), 1);
	assert_int_equal(e.first_lba, 2048);
	assert_int_equal(e.last_lba, 2048 + 20480 - 1);
	assert_true(e.flags == (1ULL | 1ULL << 60 | 1ULL << 63));
	assert_string_equal(e.name, "Bär€");
	assert_ok(uuid_scan("b921b045-1df0-41c3-af44-4c6f280d3fae", &uuid));
	assert_true(uuid_equal(&e.type, &uuid));
	assert_ok(uuid_scan("aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee", &uuid));
	assert_true(uuid_equal(&e.uuid, &uuid));
}

static void unused_and_impossible_entries_are_told_apart(void **state)
{
	uint8_t bytes[128];
	struct gpt_entry e;

	memcpy(bytes, golden_entry, sizeof(bytes));
	bytes[40] = bytes[41] = 0; /* ends at LBA 0 */
	assert_int_equal(gpt_decode_entry(bytes, sizeof(bytes), &e), -EINVAL);
	memset(bytes, 0, 16); /* without a type it is unused, whatever else it says */
	assert_int_equal(gpt_decode_entry(bytes, sizeof(bytes), &e), 0);
}

static const char *name_of(const uint16_t *units, size_t n)
{
	static struct gpt_entry e;
	uint8_t bytes[128];

	memcpy(bytes, golden_entry, sizeof(bytes));
	memset(bytes + 56, 0, 72);
	for (size_t i = 0; i < n; i++) {
		bytes[56 + 2 * i] = (uint8_t)units[i];
		bytes[57 + 2 * i] = (uint8_t)(units[i] >> 8);
	}
	assert_int_equal(gpt_decode_entry(bytes, sizeof(bytes), &e), 1);
	return e.name;
}

static void names_become_utf8(void **state)
{
	static const uint16_t pair[] = {0xd83d, 0xde00, 'x'}, lone[] = {'a', 0xde00, 0xd83d, 'b'};
	uint16_t full[36], cut[36];

	for (int i = 0; i < 36; i++)
		full[i] = cut[i] = 0x20ac;
	cut[35] = 0xd83d; /* half a pair at the very end */
	assert_string_equal(name_of(NULL, 0), "");
	assert_string_equal(name_of(pair, 3), "\xf0\x9f\x98\x80x");
	assert_string_equal(name_of(lone, 4), "a\xef\xbf\xbd\xef\xbf\xbd"
					      "b");
	assert_int_equal(strlen(name_of(full, 36)), 108);
	assert_string_equal(name_of(cut, 36) + 105, "\xef\xbf\xbd");
}

static void protective_mbr_is_what_the_kernel_takes(void **state)
{
	memset(sector, 0xa5, sizeof(sector));
	gpt_make_protective_mbr(sector);
	assert_true(gpt_is_protective_mbr(sector, sizeof(sector)));
	for (int i = 0; i < GPT_BOOT_CODE_BYTES; i++)
		assert_int_equal(sector[i], 0xa5);
	sector[446 + 8] = 2; /* begins elsewhere */
	assert_false(gpt_is_protective_mbr(sector, sizeof(sector)));
	memcpy(sector + 446 + 48, "\0\0\2\0\xee\xff\xff\xff\1\0\0\0",
	       12); /* a hybrid's last entry */
	assert_true(gpt_is_protective_mbr(sector, sizeof(sector)));
	sector[510] = 0;
	assert_false(gpt_is_protective_mbr(sector, sizeof(sector)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(crc_is_that_of_ieee),
	    cmocka_unit_test_setup(header_of_sfdisk_is_read, fresh),
	    cmocka_unit_test_setup(every_changed_bit_is_noticed, fresh),
	    cmocka_unit_test(impossible_numbers_are_refused),
	    cmocka_unit_test(other_numbers_of_entries_are_read),
	    cmocka_unit_test_setup(short_buffers_are_refused, fresh),
	    cmocka_unit_test(entry_of_sfdisk_is_read),
	    cmocka_unit_test(unused_and_impossible_entries_are_told_apart),
	    cmocka_unit_test(names_become_utf8),
	    cmocka_unit_test(protective_mbr_is_what_the_kernel_takes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
