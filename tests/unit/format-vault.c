/* SPDX-License-Identifier: Apache-2.0 */
/* The vault's bytes, as docs/formats/vault.md has them: each field at its place, each unknown flag
 * and each byte of padding refused. */
#include <errno.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/endian.h"
#include "format/vault.h"
#include "lib/check.h"

/* --- bytes --- */

static void put32(uint8_t *at, uint32_t value)
{
	const le32_t v = le32_make(value);

	memcpy(at, &v, sizeof(v));
}

static void put64(uint8_t *at, uint64_t value)
{
	const le64_t v = le64_make(value);

	memcpy(at, &v, sizeof(v));
}

/* The CRC-32C in the last four bytes. */
static void put_crc(uint8_t *bytes, size_t len)
{
	put32(bytes + len - 4, crc32c(0, bytes, len - 4));
}

static void fill(void *to, size_t len, uint8_t first)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)to)[i] = (uint8_t)(first + i);
}

/* --- regions --- */

static void regions_fill_the_vault(void **state)
{
	static const uint64_t sizes[] = {1024 * 1024, 1024 * 1024 + 4096, 8 * 1024 * 1024};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct vault_regions r;

		vault_regions(sizes[i], &r);
		assert_int_equal(r.copy_bytes, sizes[i] / 8 / 4096 * 4096);
		assert_int_equal(r.copy_offset[0], 0);
		assert_int_equal(r.copy_offset[1], r.copy_bytes);
		assert_int_equal(r.journal_offset, 2 * r.copy_bytes);
		assert_int_equal(r.journal_bytes, sizes[i] / 4 / 16384 * 16384);
		assert_int_equal(r.log_offset, r.journal_offset + r.journal_bytes);
		assert_int_equal(r.log_bytes, sizes[i] / 16 / 4096 * 4096);
		assert_int_equal(r.scratch_offset, r.log_offset + r.log_bytes);
		assert_int_equal(r.scratch_offset + r.scratch_bytes, sizes[i]);
	}
}

/* --- header of a copy --- */

static void copy_bytes(uint8_t ret[static VAULT_HEADER_BYTES])
{
	memset(ret, 0, VAULT_HEADER_BYTES);
	memcpy(ret, "holdfast-vault", 14);
	put32(ret + 16, 1);
	put64(ret + 24, 0x1122334455667788);
	put64(ret + 32, 0x0102030405060708);
	fill(ret + 40, 32, 1);
	put64(ret + 72, 0x1112131415161718);
	put64(ret + 80, 0x2122232425262728);
	put_crc(ret, VAULT_HEADER_BYTES);
}

static void a_copy_header_has_its_fields(void **state)
{
	uint8_t bytes[VAULT_HEADER_BYTES], again[VAULT_HEADER_BYTES];
	struct vault_copy_header h;

	copy_bytes(bytes);
	assert_int_equal(vault_decode_copy(bytes, sizeof(bytes), &h), 0);
	assert_int_equal(h.sequence, 0x1122334455667788);
	assert_int_equal(h.payload_bytes, 0x0102030405060708);
	assert_memory_equal(h.payload_sha256, bytes + 40, 32);
	assert_int_equal(h.vault_offset, 0x1112131415161718);
	assert_int_equal(h.vault_bytes, 0x2122232425262728);
	vault_encode_copy(&h, again);
	assert_memory_equal(bytes, again, sizeof(bytes));
}

/* What a good header must not have, its CRC being right. */
struct change {
	unsigned offset;
	uint8_t value;
};
static const struct change header_changes[] = {
    {0, 'H'}, {13, 'x'}, {14, 1}, {15, 1}, {16, 0}, /* magic, version */
    {16, 2},  {17, 1},   {19, 1}, {23, 1}, {495, 1}, {496, 1}, {500, 1}, {507, 1},
};

static void a_copy_header_rejects_what_it_does_not_know(void **state)
{
	static const struct change own[] = {{20, 1}, {20, 4}, {22, 1}, {88, 1}, {300, 1}};
	uint8_t bytes[VAULT_HEADER_BYTES];
	struct vault_copy_header h;

	for (size_t i = 0; i < sizeof(header_changes) / sizeof(header_changes[0]); i++) {
		copy_bytes(bytes);
		bytes[header_changes[i].offset] = header_changes[i].value;
		put_crc(bytes, sizeof(bytes));
		assert_int_equal(vault_decode_copy(bytes, sizeof(bytes), &h), -EINVAL);
	}
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		copy_bytes(bytes);
		bytes[own[i].offset] = own[i].value;
		put_crc(bytes, sizeof(bytes));
		assert_int_equal(vault_decode_copy(bytes, sizeof(bytes), &h), -EINVAL);
	}
	copy_bytes(bytes);
	assert_int_equal(vault_decode_copy(bytes, sizeof(bytes) - 1, &h), -EINVAL);
}

static void a_changed_bit_of_a_copy_header_is_seen(void **state)
{
	uint8_t bytes[VAULT_HEADER_BYTES];
	struct vault_copy_header h;

	copy_bytes(bytes);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] ^= 1;
		assert_int_equal(vault_decode_copy(bytes, sizeof(bytes), &h), -EINVAL);
		bytes[i] ^= 1;
	}
}

/* --- header of the journal --- */

static void plan_bytes(uint32_t flags, uint8_t ret[static VAULT_HEADER_BYTES])
{
	memset(ret, 0, VAULT_HEADER_BYTES);
	memcpy(ret, "holdfast-journa", 15);
	put32(ret + 16, 2);
	put32(ret + 20, flags);
	put64(ret + 24, 0x1122334455667788);
	put64(ret + 32, 0x0102030405060708);
	put64(ret + 40, 0x1112131415161718);
	put32(ret + 48, 0x31323334);
	put32(ret + 52, 0x41424344);
	fill(ret + 56, 32, 1);
	fill(ret + 88, 32, 50);
	fill(ret + 120, 32, 100);
	fill(ret + 152, 32, 150);
	put_crc(ret, VAULT_HEADER_BYTES);
}

static void a_plan_header_has_its_fields(void **state)
{
	uint8_t bytes[VAULT_HEADER_BYTES], again[VAULT_HEADER_BYTES];
	struct vault_plan_header h;

	plan_bytes(VAULT_PLAN_COMPLETION | VAULT_PLAN_COMPLETE, bytes);
	assert_int_equal(vault_decode_plan(bytes, sizeof(bytes), &h), 0);
	assert_int_equal(h.flags, 6);
	assert_int_equal(h.sequence, 0x1122334455667788);
	assert_int_equal(h.generation, 0x0102030405060708);
	assert_int_equal(h.capacity_bytes, 0x1112131415161718);
	assert_int_equal(h.steps, 0x31323334);
	assert_int_equal(h.digest_rule, 0x41424344);
	assert_memory_equal(h.seed, bytes + 56, 32);
	assert_memory_equal(h.instance, bytes + 88, 32);
	assert_memory_equal(h.layout_digest, bytes + 120, 32);
	assert_memory_equal(h.plan_digest, bytes + 152, 32);
	vault_encode_plan(&h, again);
	assert_memory_equal(bytes, again, sizeof(bytes));
}

/* Version 1 had no rule: its digests were made by the first one. */
static void a_plan_header_of_version_1_has_digest_rule_1(void **state)
{
	uint8_t bytes[VAULT_HEADER_BYTES];
	struct vault_plan_header h;

	plan_bytes(VAULT_PLAN_COMPLETE, bytes);
	put32(bytes + 16, 1);
	put32(bytes + 52, 0);
	put_crc(bytes, sizeof(bytes));
	assert_int_equal(vault_decode_plan(bytes, sizeof(bytes), &h), 0);
	assert_int_equal(h.digest_rule, 1);
	assert_int_equal(h.steps, 0x31323334);
	for (unsigned i = 52; i < 56; i++) {
		bytes[i] = 1;
		put_crc(bytes, sizeof(bytes));
		assert_int_equal(vault_decode_plan(bytes, sizeof(bytes), &h), -EINVAL);
		bytes[i] = 0;
	}
}

/* By magic and version alone: the rest may be anything in a newer version. */
static void a_newer_header_is_told_by_its_version(void **state)
{
	uint8_t bytes[VAULT_HEADER_BYTES];

	copy_bytes(bytes);
	assert_int_equal(vault_newer_header(bytes, sizeof(bytes)), 0);
	put32(bytes + 16, 2);
	assert_int_equal(vault_newer_header(bytes, sizeof(bytes)), 2);
	memset(bytes + 20, 0xa5, sizeof(bytes) - 20);
	assert_int_equal(vault_newer_header(bytes, sizeof(bytes)), 2);
	assert_int_equal(vault_newer_header(bytes, sizeof(bytes) - 1), 0);
	put32(bytes + 16, 0);
	assert_int_equal(vault_newer_header(bytes, sizeof(bytes)), 0);
	put32(bytes + 16, 0x01000000);
	assert_int_equal(vault_newer_header(bytes, sizeof(bytes)), 0x01000000);
	bytes[0] = 'H';
	assert_int_equal(vault_newer_header(bytes, sizeof(bytes)), 0);
	plan_bytes(0, bytes);
	assert_int_equal(vault_newer_header(bytes, sizeof(bytes)), 0);
	put32(bytes + 16, 3);
	assert_int_equal(vault_newer_header(bytes, sizeof(bytes)), 3);
}

static void any_flipped_bit_breaks_the_seal_of_a_header(void **state)
{
	uint8_t bytes[VAULT_HEADER_BYTES];

	copy_bytes(bytes);
	assert_true(vault_header_is_sealed(bytes, sizeof(bytes)));
	assert_false(vault_header_is_sealed(bytes, sizeof(bytes) - 1));
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] ^= 0x10;
		assert_false(vault_header_is_sealed(bytes, sizeof(bytes)));
		bytes[i] ^= 0x10;
	}
}

static void unknown_plan_flags_are_refused(void **state)
{
	uint8_t bytes[VAULT_HEADER_BYTES];
	struct vault_plan_header h;

	for (uint32_t flags = 0; flags < 8; flags++) {
		plan_bytes(flags, bytes);
		assert_int_equal(vault_decode_plan(bytes, sizeof(bytes), &h), 0);
		assert_int_equal(h.flags, flags);
	}
	for (unsigned bit = 3; bit < 32; bit++) {
		plan_bytes(1u << bit | VAULT_PLAN_COMPLETE, bytes);
		assert_int_equal(vault_decode_plan(bytes, sizeof(bytes), &h), -EINVAL);
	}
}

static void a_plan_header_rejects_what_it_does_not_know(void **state)
{
	static const struct change own[] = {{16, 3}, {184, 1}, {300, 1}};
	uint8_t bytes[VAULT_HEADER_BYTES];
	struct vault_plan_header h;

	for (size_t i = 0; i < sizeof(header_changes) / sizeof(header_changes[0]); i++) {
		plan_bytes(0, bytes);
		if (header_changes[i].offset == 16 && header_changes[i].value == 2)
			continue; /* its own version */
		bytes[header_changes[i].offset] =
		    header_changes[i].offset == 14 ? 'x' : header_changes[i].value;
		put_crc(bytes, sizeof(bytes));
		assert_int_equal(vault_decode_plan(bytes, sizeof(bytes), &h), -EINVAL);
	}
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		plan_bytes(0, bytes);
		bytes[own[i].offset] = own[i].value;
		put_crc(bytes, sizeof(bytes));
		assert_int_equal(vault_decode_plan(bytes, sizeof(bytes), &h), -EINVAL);
	}
	plan_bytes(0, bytes);
	bytes[100] ^= 1;
	assert_int_equal(vault_decode_plan(bytes, sizeof(bytes), &h), -EINVAL);
	copy_bytes(bytes);
	assert_int_equal(vault_decode_plan(bytes, sizeof(bytes), &h), -EINVAL);
}

/* --- record of the journal --- */

static void record_bytes(uint32_t phase, uint8_t ret[static VAULT_RECORD_BYTES])
{
	memset(ret, 0, VAULT_RECORD_BYTES);
	memcpy(ret, "HFJR", 4);
	put32(ret + 4, 0x31323334);
	put32(ret + 8, phase);
	put64(ret + 16, 0x0102030405060708);
	put64(ret + 24, 0x1112131415161718);
	put64(ret + 32, 0x2122232425262728);
	put_crc(ret, VAULT_RECORD_BYTES);
}

static void a_record_has_its_fields(void **state)
{
	uint8_t bytes[VAULT_RECORD_BYTES], again[VAULT_RECORD_BYTES];
	struct vault_record r;

	record_bytes(2, bytes);
	assert_int_equal(vault_decode_record(bytes, sizeof(bytes), &r), 0);
	assert_int_equal(r.step, 0x31323334);
	assert_int_equal(r.phase, 2);
	assert_int_equal(r.generation, 0x0102030405060708);
	assert_int_equal(r.sequence, 0x1112131415161718);
	assert_int_equal(r.cursor, 0x2122232425262728);
	vault_encode_record(&r, again);
	assert_memory_equal(bytes, again, sizeof(bytes));
}

static void a_record_of_an_unknown_phase_is_refused(void **state)
{
	static const uint32_t bad[] = {0, 4, 5, 0x100, 0x80000000, UINT32_MAX};
	uint8_t bytes[VAULT_RECORD_BYTES];
	struct vault_record r;

	for (uint32_t phase = 1; phase <= 3; phase++) {
		record_bytes(phase, bytes);
		assert_int_equal(vault_decode_record(bytes, sizeof(bytes), &r), 0);
		assert_int_equal(r.phase, phase);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		record_bytes(bad[i], bytes);
		assert_int_equal(vault_decode_record(bytes, sizeof(bytes), &r), -EINVAL);
	}
}

static void a_record_rejects_what_it_does_not_know(void **state)
{
	static const struct change bad[] = {{0, 'h'}, {3, 0},  {12, 1}, {15, 1},
					    {40, 1},  {50, 1}, {59, 1}};
	uint8_t bytes[VAULT_RECORD_BYTES];
	struct vault_record r;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		record_bytes(1, bytes);
		bytes[bad[i].offset] = bad[i].value;
		put_crc(bytes, sizeof(bytes));
		assert_int_equal(vault_decode_record(bytes, sizeof(bytes), &r), -EINVAL);
	}
	record_bytes(1, bytes);
	assert_int_equal(vault_decode_record(bytes, sizeof(bytes) - 1, &r), -EINVAL);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] ^= 0x40;
		assert_int_equal(vault_decode_record(bytes, sizeof(bytes), &r), -EINVAL);
		bytes[i] ^= 0x40;
	}
}

/* --- entry of the log --- */

static void entry_bytes(uint8_t ret[static VAULT_ENTRY_BYTES])
{
	memset(ret, 0, VAULT_ENTRY_BYTES);
	memcpy(ret, "HFLG", 4);
	put64(ret + 8, 0x0102030405060708);
	put64(ret + 16, 0x1112131415161718);
	fill(ret + 24, 32, 1);
	memcpy(ret + 56, "provisioned", 11);
	memcpy(ret + 88, "by a factory", 12);
	put_crc(ret, VAULT_ENTRY_BYTES);
}

static void an_entry_has_its_fields(void **state)
{
	uint8_t bytes[VAULT_ENTRY_BYTES], again[VAULT_ENTRY_BYTES];
	struct vault_entry e;

	entry_bytes(bytes);
	assert_int_equal(vault_decode_entry(bytes, sizeof(bytes), &e), 0);
	assert_int_equal(e.sequence, 0x0102030405060708);
	assert_int_equal(e.time_s, 0x1112131415161718);
	assert_memory_equal(e.before, bytes + 24, 32);
	assert_string_equal(e.event, "provisioned");
	assert_string_equal(e.text, "by a factory");
	vault_encode_entry(&e, again);
	assert_memory_equal(bytes, again, sizeof(bytes));
	/* The longest texts that there can be. */
	memset(bytes + 56, 'e', 31);
	memset(bytes + 88, 't', 399);
	put_crc(bytes, sizeof(bytes));
	assert_int_equal(vault_decode_entry(bytes, sizeof(bytes), &e), 0);
	assert_int_equal(strlen(e.event), 31);
	assert_int_equal(strlen(e.text), 399);
	vault_encode_entry(&e, again);
	assert_memory_equal(bytes, again, sizeof(bytes));
}

static void an_entry_rejects_what_it_does_not_know(void **state)
{
	/* magic, reserved, text after a NUL, padding */
	static const struct change bad[] = {{0, 'h'},   {4, 1},     {7, 1},   {68, 'x'}, {87, 'x'},
					    {101, 'x'}, {487, 'x'}, {488, 1}, {507, 1}};
	uint8_t bytes[VAULT_ENTRY_BYTES];
	struct vault_entry e;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		entry_bytes(bytes);
		bytes[bad[i].offset] = bad[i].value;
		put_crc(bytes, sizeof(bytes));
		assert_int_equal(vault_decode_entry(bytes, sizeof(bytes), &e), -EINVAL);
	}
	entry_bytes(bytes);
	memset(bytes + 56, 'e', 32); /* without an end */
	put_crc(bytes, sizeof(bytes));
	assert_int_equal(vault_decode_entry(bytes, sizeof(bytes), &e), -EINVAL);
	entry_bytes(bytes);
	memset(bytes + 88, 't', 400);
	put_crc(bytes, sizeof(bytes));
	assert_int_equal(vault_decode_entry(bytes, sizeof(bytes), &e), -EINVAL);
	entry_bytes(bytes);
	assert_int_equal(vault_decode_entry(bytes, sizeof(bytes) - 1, &e), -EINVAL);
	bytes[30] ^= 1;
	assert_int_equal(vault_decode_entry(bytes, sizeof(bytes), &e), -EINVAL);
}

/* --- items of the device part --- */

static size_t put_item(uint8_t *at, uint16_t type, const char *value, uint32_t len)
{
	const le16_t t = le16_make(type);

	memset(at, 0, 8 + (len + 3) / 4 * 4);
	memcpy(at, &t, sizeof(t));
	put32(at + 4, len);
	memcpy(at + 8, value, len);
	return 8 + (len + 3) / 4 * 4;
}

static void items_follow_each_other(void **state)
{
	static const uint16_t types[] = {1, 2, 3, 4, 5, 6, 7, 8, 32, 33, 34, 35, 37, 38, 39, 36};
	const size_t n = sizeof(types) / sizeof(types[0]);
	uint8_t bytes[1024];
	size_t len = 0, at = 0;
	struct vault_item item;

	for (size_t i = 0; i < n; i++)
		len += put_item(bytes + len, types[i], "0123456789abcdef", (uint32_t)i);
	len += put_item(bytes + len, VAULT_END, "", 0);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(vault_next_item(bytes, len, &at, &item), 1);
		assert_int_equal(item.type, types[i]);
		assert_int_equal(item.len, i);
		assert_memory_equal(item.value, "0123456789abcdef", i);
	}
	assert_int_equal(vault_next_item(bytes, len, &at, &item), 0);
	assert_int_equal(at, len);
}

static void nothing_but_macs_and_the_end_follow_a_mac(void **state)
{
	uint8_t bytes[128];
	struct vault_item item;
	size_t len, at = 0;

	len = put_item(bytes, VAULT_MAC, "one", 3);
	len += put_item(bytes + len, VAULT_MAC, "two", 3);
	len += put_item(bytes + len, VAULT_END, "", 0);
	assert_int_equal(vault_next_item(bytes, len, &at, &item), 1);
	assert_int_equal(vault_next_item(bytes, len, &at, &item), 1);
	assert_int_equal(vault_next_item(bytes, len, &at, &item), 0);
	at = 0;
	assert_int_equal(vault_next_item(bytes, 12, &at, &item), -EINVAL); /* not even the end */
	for (uint16_t type = 1; type < 0xffff; type++) {
		if (type == VAULT_MAC)
			continue;
		len = put_item(bytes, VAULT_MAC, "one", 3);
		len += put_item(bytes + len, type, "", 0);
		len += put_item(bytes + len, VAULT_END, "", 0);
		at = 0;
		assert_int_equal(vault_next_item(bytes, len, &at, &item), -EINVAL);
	}
	len = put_item(bytes, VAULT_DEVICE, "", 0);
	len += put_item(bytes + len, VAULT_END, "", 0);
	at = 0;
	assert_int_equal(vault_next_item(bytes, len + 4, &at, &item), 1);
	assert_int_equal(vault_next_item(bytes, len + 4, &at, &item), -EINVAL); /* not the end */
}

static void an_unknown_item_is_skipped_only_when_it_says_so(void **state)
{
	static const uint16_t unknown[] = {9, 31, 40, 63, 64, 0x7fff};
	uint8_t bytes[64];
	struct vault_item item;
	size_t len, at;

	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		len = put_item(bytes, unknown[i], "some", 4);
		len += put_item(bytes + len, VAULT_DEVICE, "", 0);
		at = 0;
		assert_int_equal(vault_next_item(bytes, len, &at, &item), -ENOTSUP);
		assert_int_equal(item.type, unknown[i]);
		put_item(bytes, unknown[i] | VAULT_ITEM_OPTIONAL, "some", 4);
		at = 0;
		assert_int_equal(vault_next_item(bytes, len, &at, &item), 1);
		assert_int_equal(item.type, VAULT_DEVICE);
	}
}

static void an_item_that_is_not_whole_is_refused(void **state)
{
	uint8_t bytes[64];
	const size_t len = put_item(bytes, VAULT_LAYER, "crypt", 6);
	struct vault_item item;
	size_t at;

	for (size_t cut = 0; cut < len; cut++) {
		at = 0;
		assert_int_equal(vault_next_item(bytes, cut, &at, &item), -EINVAL);
	}
	for (size_t i = 2; i < len; i++) {
		if (i != 2 && i != 3 && i != 14 && i != 15) /* zero: of the head, and padding */
			continue;
		put_item(bytes, VAULT_LAYER, "crypt", 6);
		bytes[i] = 1;
		at = 0;
		assert_int_equal(vault_next_item(bytes, len, &at, &item), -EINVAL);
	}
	put_item(bytes, VAULT_LAYER, "crypt", 6);
	put32(bytes + 4, UINT32_MAX);
	at = 0;
	assert_int_equal(vault_next_item(bytes, len, &at, &item), -EINVAL);
}

static void strings_of_an_item_are_just_so_many(void **state)
{
	static const uint8_t two[] = "name\0value";
	const char *s[3];

	assert_int_equal(vault_item_strings(two, sizeof(two), s, 2), 0);
	assert_string_equal(s[0], "name");
	assert_string_equal(s[1], "value");
	assert_int_equal(vault_item_strings(two, sizeof(two), s, 1), -EINVAL);
	assert_int_equal(vault_item_strings(two, sizeof(two), s, 3), -EINVAL);
	assert_int_equal(vault_item_strings(two, sizeof(two) - 1, s, 2), -EINVAL);
	assert_int_equal(vault_item_strings(two, 0, s, 1), -EINVAL);
	assert_int_equal(vault_item_strings(two, 0, s, 0), 0);
}

/* --- extent --- */

static void extent_bytes(uint8_t ret[static VAULT_EXTENT_BYTES])
{
	memset(ret, 0, VAULT_EXTENT_BYTES);
	put32(ret, 0x31323334);
	put32(ret + 4, 0x41424344);
	put64(ret + 8, 0x0102030405060708);
	put64(ret + 16, 0x1112131415161718);
	fill(ret + 24, 16, 1);
	fill(ret + 40, 16, 50);
	memcpy(ret + 56, "root", 4);
}

static void an_extent_has_its_fields(void **state)
{
	uint8_t bytes[VAULT_EXTENT_BYTES], again[VAULT_EXTENT_BYTES];
	struct vault_extent_item e;

	extent_bytes(bytes);
	memset(bytes + 56, 'l', 36);
	assert_int_equal(vault_decode_extent(bytes, sizeof(bytes), &e), 0);
	assert_int_equal(e.role, 0x31323334);
	assert_int_equal(e.number, 0x41424344);
	assert_int_equal(e.offset_bytes, 0x0102030405060708);
	assert_int_equal(e.size_bytes, 0x1112131415161718);
	assert_memory_equal(e.uuid.b, bytes + 24, 16);
	assert_memory_equal(e.type.b, bytes + 40, 16);
	assert_int_equal(strlen(e.label), 36);
	vault_encode_extent(&e, again);
	assert_memory_equal(bytes, again, sizeof(bytes));
}

static void an_impossible_extent_is_refused(void **state)
{
	uint8_t bytes[VAULT_EXTENT_BYTES + 1];
	struct vault_extent_item e;

	extent_bytes(bytes);
	put64(bytes + 8, UINT64_MAX - 0x1112131415161718);
	assert_int_equal(vault_decode_extent(bytes, VAULT_EXTENT_BYTES, &e), 0);
	put64(bytes + 8, UINT64_MAX - 0x1112131415161717);
	assert_int_equal(vault_decode_extent(bytes, VAULT_EXTENT_BYTES, &e), -EINVAL);
	extent_bytes(bytes);
	assert_int_equal(vault_decode_extent(bytes, VAULT_EXTENT_BYTES - 1, &e), -EINVAL);
	assert_int_equal(vault_decode_extent(bytes, VAULT_EXTENT_BYTES + 1, &e), -EINVAL);
	memset(bytes + 56, 'l', 37); /* longer than a label of a GPT */
	assert_int_equal(vault_decode_extent(bytes, VAULT_EXTENT_BYTES, &e), -EINVAL);
	extent_bytes(bytes);
	bytes[95] = 'x';
	assert_int_equal(vault_decode_extent(bytes, VAULT_EXTENT_BYTES, &e), -EINVAL);
}

/* --- source --- */

static void a_source_has_its_fields(void **state)
{
	uint8_t bytes[VAULT_SOURCE_BYTES] = {0}, again[VAULT_SOURCE_BYTES];
	struct vault_source_item s;

	fill(bytes, 32, 1);
	put64(bytes + 32, 0x0102030405060708);
	put64(bytes + 40, 0x1112131415161718);
	memcpy(bytes + 48, "mkfs.erofs 1.5", 14);
	assert_int_equal(vault_decode_source(bytes, sizeof(bytes), &s), 0);
	assert_memory_equal(s.digest, bytes, 32);
	assert_int_equal(s.content_bytes, 0x0102030405060708);
	assert_int_equal(s.minimum_bytes, 0x1112131415161718);
	assert_string_equal(s.tool, "mkfs.erofs 1.5");
	vault_encode_source(&s, again);
	assert_memory_equal(bytes, again, sizeof(bytes));
	assert_int_equal(vault_decode_source(bytes, sizeof(bytes) - 1, &s), -EINVAL);
	bytes[111] = 'x';
	assert_int_equal(vault_decode_source(bytes, sizeof(bytes), &s), -EINVAL);
	memset(bytes + 48, 't', 64);
	assert_int_equal(vault_decode_source(bytes, sizeof(bytes), &s), -EINVAL);
}

/* --- keys --- */

static void key_bytes(uint32_t len, uint8_t ret[static VAULT_KEY_BYTES])
{
	memset(ret, 0, VAULT_KEY_BYTES);
	put32(ret, 0x31323334);
	put32(ret + 4, 0x41424344);
	put32(ret + 8, len);
	fill(ret + 12, 12, 1);
	fill(ret + 24, 16, 50);
	memset(ret + 40, 0xaa, len <= VAULT_WRAPPED_MAX ? len : VAULT_WRAPPED_MAX);
	memcpy(ret + 168, "device", 6);
	memcpy(ret + 200, "data:a", 6);
}

static void a_key_has_its_fields(void **state)
{
	static const uint32_t lens[] = {1, 32, 64, 128};
	uint8_t bytes[VAULT_KEY_BYTES], again[VAULT_KEY_BYTES];
	struct vault_key_item k;

	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		key_bytes(lens[i], bytes);
		assert_int_equal(vault_decode_key(bytes, sizeof(bytes), &k), 0);
		assert_int_equal(k.layer, 0x31323334);
		assert_int_equal(k.purpose, 0x41424344);
		assert_int_equal(k.len, lens[i]);
		assert_memory_equal(k.nonce, bytes + 12, 12);
		assert_memory_equal(k.tag, bytes + 24, 16);
		assert_memory_equal(k.wrapped, bytes + 40, 128);
		assert_string_equal(k.keystore, "device");
		assert_string_equal(k.volume, "data:a");
		vault_encode_key(&k, again);
		assert_memory_equal(bytes, again, sizeof(bytes));
	}
}

static void a_key_rejects_what_it_does_not_know(void **state)
{
	/* padding of the wrapped key, texts that do not end or go on */
	static const struct change bad[] = {{72, 1},  {167, 1}, {175, 1},
					    {199, 1}, {207, 1}, {263, 1}};
	uint8_t bytes[VAULT_KEY_BYTES];
	struct vault_key_item k;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		key_bytes(32, bytes);
		bytes[bad[i].offset] = bad[i].value;
		assert_int_equal(vault_decode_key(bytes, sizeof(bytes), &k), -EINVAL);
	}
	key_bytes(0, bytes);
	assert_int_equal(vault_decode_key(bytes, sizeof(bytes), &k), -EINVAL);
	key_bytes(129, bytes);
	assert_int_equal(vault_decode_key(bytes, sizeof(bytes), &k), -EINVAL);
	key_bytes(32, bytes);
	memset(bytes + 168, 'k', 32);
	assert_int_equal(vault_decode_key(bytes, sizeof(bytes), &k), -EINVAL);
	key_bytes(32, bytes);
	memset(bytes + 200, 'v', 64);
	assert_int_equal(vault_decode_key(bytes, sizeof(bytes), &k), -EINVAL);
	key_bytes(32, bytes);
	assert_int_equal(vault_decode_key(bytes, sizeof(bytes) - 1, &k), -EINVAL);
}

static void blob_bytes(uint32_t len, uint8_t *ret)
{
	memset(ret, 0, VAULT_KEY_BLOB_HEADER);
	put32(ret, 0x31323334);
	put32(ret + 4, 0x41424344);
	put32(ret + 8, 32);
	put32(ret + 12, len);
	memcpy(ret + 16, "device", 6);
	memcpy(ret + 48, "data", 4);
	memset(ret + VAULT_KEY_BLOB_HEADER, 'b', len);
}

static void a_key_blob_has_its_fields(void **state)
{
	static uint8_t bytes[VAULT_KEY_BLOB_HEADER + VAULT_KEY_BLOB_MAX + 1];
	uint8_t again[VAULT_KEY_BLOB_HEADER];
	static const uint32_t lens[] = {1, 100, VAULT_KEY_BLOB_MAX};
	struct vault_key_blob_item k;

	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		blob_bytes(lens[i], bytes);
		assert_int_equal(vault_decode_key_blob(bytes, VAULT_KEY_BLOB_HEADER + lens[i], &k),
				 0);
		assert_int_equal(k.layer, 0x31323334);
		assert_int_equal(k.purpose, 0x41424344);
		assert_int_equal(k.len, 32);
		assert_string_equal(k.keystore, "device");
		assert_string_equal(k.volume, "data");
		assert_ptr_equal(k.blob, bytes + VAULT_KEY_BLOB_HEADER);
		assert_int_equal(k.blob_len, lens[i]);
		vault_encode_key_blob(&k, again);
		assert_memory_equal(bytes, again, sizeof(again));
	}
}

static void a_key_blob_rejects_what_it_does_not_know(void **state)
{
	static const struct change bad[] = {{8, 0}, {8, 129}, {23, 1}, {47, 1}, {53, 1}, {111, 1}};
	static uint8_t bytes[VAULT_KEY_BLOB_HEADER + VAULT_KEY_BLOB_MAX + 1];
	const size_t len = VAULT_KEY_BLOB_HEADER + 10;
	struct vault_key_blob_item k;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		blob_bytes(10, bytes);
		bytes[bad[i].offset] = bad[i].value;
		assert_int_equal(vault_decode_key_blob(bytes, len, &k), -EINVAL);
	}
	blob_bytes(10, bytes);
	assert_int_equal(vault_decode_key_blob(bytes, len - 1, &k), -EINVAL);
	assert_int_equal(vault_decode_key_blob(bytes, len + 1, &k), -EINVAL);
	assert_int_equal(vault_decode_key_blob(bytes, VAULT_KEY_BLOB_HEADER - 1, &k), -EINVAL);
	blob_bytes(0, bytes);
	assert_int_equal(vault_decode_key_blob(bytes, VAULT_KEY_BLOB_HEADER, &k), -EINVAL);
	blob_bytes(VAULT_KEY_BLOB_MAX + 1, bytes);
	assert_int_equal(vault_decode_key_blob(bytes, sizeof(bytes), &k), -EINVAL);
}

/* --- escrow --- */

static void escrow_bytes(uint32_t flags, uint8_t ret[static VAULT_ESCROW_BYTES])
{
	memset(ret, 0, VAULT_ESCROW_BYTES);
	put32(ret, flags);
	fill(ret + 8, 32, 1);
	fill(ret + 40, 32, 50);
	memcpy(ret + 72, "data:b", 6);
}

static void an_escrow_has_its_fields(void **state)
{
	uint8_t bytes[VAULT_ESCROW_BYTES], again[VAULT_ESCROW_BYTES];
	struct vault_escrow_item e;

	for (uint32_t flags = 0; flags < 2; flags++) {
		escrow_bytes(flags, bytes);
		assert_int_equal(vault_decode_escrow(bytes, sizeof(bytes), &e), 0);
		assert_int_equal(e.confirmed, flags == 1);
		assert_memory_equal(e.nonce, bytes + 8, 32);
		assert_memory_equal(e.receipt_sha256, bytes + 40, 32);
		assert_string_equal(e.volume, "data:b");
		vault_encode_escrow(&e, again);
		assert_memory_equal(bytes, again, sizeof(bytes));
	}
}

static void an_escrow_rejects_what_it_does_not_know(void **state)
{
	static const struct change bad[] = {{0, 2}, {0, 3}, {3, 1}, {79, 1}, {135, 1}};
	static const unsigned version[] = {4, 5, 6, 7};
	uint8_t bytes[VAULT_ESCROW_BYTES];
	struct vault_escrow_item e;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		escrow_bytes(1, bytes);
		bytes[bad[i].offset] = bad[i].value;
		assert_int_equal(vault_decode_escrow(bytes, sizeof(bytes), &e), -EINVAL);
	}
	for (size_t i = 0; i < sizeof(version) / sizeof(version[0]); i++) {
		escrow_bytes(2, bytes);
		bytes[version[i]] = 1;
		assert_int_equal(vault_decode_escrow(bytes, sizeof(bytes), &e), -ENOTSUP);
	}
	escrow_bytes(1, bytes);
	assert_int_equal(vault_decode_escrow(bytes, sizeof(bytes) - 1, &e), -EINVAL);
	memset(bytes + 72, 'v', 64);
	assert_int_equal(vault_decode_escrow(bytes, sizeof(bytes), &e), -EINVAL);
}

/* --- what is refused changes nothing --- */

static void nothing_is_given_of_what_is_refused(void **state)
{
	uint8_t bytes[VAULT_HEADER_BYTES], label[VAULT_EXTENT_BYTES], entry[VAULT_ENTRY_BYTES];
	uint8_t key[VAULT_KEY_BYTES], escrow[VAULT_ESCROW_BYTES];
	struct vault_plan_header plan = {.flags = 77}, plan_was = plan;
	struct vault_extent_item extent = {.number = 77}, extent_was = extent;
	struct vault_entry e = {.sequence = 77}, e_was = e;
	struct vault_key_item k = {.layer = 77}, k_was = k;
	struct vault_escrow_item s = {.volume = "x"}, s_was = s;

	plan_bytes(8, bytes);
	assert_int_equal(vault_decode_plan(bytes, sizeof(bytes), &plan), -EINVAL);
	assert_memory_equal(&plan, &plan_was, sizeof(plan));
	extent_bytes(label);
	label[95] = 1;
	assert_int_equal(vault_decode_extent(label, sizeof(label), &extent), -EINVAL);
	assert_memory_equal(&extent, &extent_was, sizeof(extent));
	entry_bytes(entry);
	entry[487] = 1;
	put_crc(entry, sizeof(entry));
	assert_int_equal(vault_decode_entry(entry, sizeof(entry), &e), -EINVAL);
	assert_memory_equal(&e, &e_was, sizeof(e));
	key_bytes(32, key);
	key[263] = 1;
	assert_int_equal(vault_decode_key(key, sizeof(key), &k), -EINVAL);
	assert_memory_equal(&k, &k_was, sizeof(k));
	escrow_bytes(1, escrow);
	escrow[135] = 1;
	assert_int_equal(vault_decode_escrow(escrow, sizeof(escrow), &s), -EINVAL);
	assert_memory_equal(&s, &s_was, sizeof(s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(regions_fill_the_vault),
	    cmocka_unit_test(a_copy_header_has_its_fields),
	    cmocka_unit_test(a_copy_header_rejects_what_it_does_not_know),
	    cmocka_unit_test(a_changed_bit_of_a_copy_header_is_seen),
	    cmocka_unit_test(a_plan_header_has_its_fields),
	    cmocka_unit_test(a_plan_header_of_version_1_has_digest_rule_1),
	    cmocka_unit_test(a_newer_header_is_told_by_its_version),
	    cmocka_unit_test(any_flipped_bit_breaks_the_seal_of_a_header),
	    cmocka_unit_test(unknown_plan_flags_are_refused),
	    cmocka_unit_test(a_plan_header_rejects_what_it_does_not_know),
	    cmocka_unit_test(a_record_has_its_fields),
	    cmocka_unit_test(a_record_of_an_unknown_phase_is_refused),
	    cmocka_unit_test(a_record_rejects_what_it_does_not_know),
	    cmocka_unit_test(an_entry_has_its_fields),
	    cmocka_unit_test(an_entry_rejects_what_it_does_not_know),
	    cmocka_unit_test(items_follow_each_other),
	    cmocka_unit_test(nothing_but_macs_and_the_end_follow_a_mac),
	    cmocka_unit_test(an_unknown_item_is_skipped_only_when_it_says_so),
	    cmocka_unit_test(an_item_that_is_not_whole_is_refused),
	    cmocka_unit_test(strings_of_an_item_are_just_so_many),
	    cmocka_unit_test(an_extent_has_its_fields),
	    cmocka_unit_test(an_impossible_extent_is_refused),
	    cmocka_unit_test(a_source_has_its_fields),
	    cmocka_unit_test(a_key_has_its_fields),
	    cmocka_unit_test(a_key_rejects_what_it_does_not_know),
	    cmocka_unit_test(a_key_blob_has_its_fields),
	    cmocka_unit_test(a_key_blob_rejects_what_it_does_not_know),
	    cmocka_unit_test(an_escrow_has_its_fields),
	    cmocka_unit_test(an_escrow_rejects_what_it_does_not_know),
	    cmocka_unit_test(nothing_is_given_of_what_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
