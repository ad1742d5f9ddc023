/* SPDX-License-Identifier: Apache-2.0 */
/* The log: entries follow from each other, wherever in the ring they are. */
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "crypto/digest.h"
#include "format/vault.h"
#include "lib/check.h"
#include "vault/check.h"
#include "vault/log.h"
#include "vault/check.h"
#include "vault/log.h"
#include "vault/vault.h"

#define SIZE    (1024 * 1024)
#define ENTRIES (SIZE / 16 / VAULT_ENTRY_BYTES)

static struct io *io;
static struct vault *v;

static int set_up(void **state)
{
	static const struct vault_begun begun = {.steps = 1};
	int r = io_open_memory("vault", SIZE, &io);

	return r < 0 ? r : vault_begin(io, 0, SIZE, &begun, &v);
}

static int tear_down(void **state)
{
	v = vault_close(v);
	io_close(io);
	diag_forget(0);
	return 0;
}

static void fill(int n)
{
	for (int i = 1; i <= n; i++)
		assert_int_equal(vault_log(v, "event", "number %d", i), 0);
}

/* Where entry @sequence is. */
static uint8_t *entry_at(uint64_t sequence)
{
	struct vault_regions r;

	vault_regions(SIZE, &r);
	return (uint8_t *)io_memory_bytes(io) + r.log_offset +
	       sequence % ENTRIES * VAULT_ENTRY_BYTES;
}

static struct vault_entry entry(uint64_t sequence)
{
	struct vault_entry e;

	assert_int_equal(vault_decode_entry(entry_at(sequence), VAULT_ENTRY_BYTES, &e), 0);
	return e;
}

/* How many entries are told not to follow, and where the first one is. Neighbours are one finding.
 */
static uint64_t broken(uint64_t *ret_offset)
{
	struct report report;
	uint64_t n = 0;

	report_init(&report);
	assert_int_equal(vault_verify(v, &report), 0);
	for (size_t i = 0; i < report.findings.n; i++) {
		const struct finding *f = &report.findings.v[i];

		if (strcmp(f->area, "log") != 0) /* no copy was ever committed */
			continue;
		assert_int_equal(f->kind, FINDING_WRONG);
		*ret_offset = n ? *ret_offset : f->offset_bytes;
		n += f->len_bytes / VAULT_ENTRY_BYTES;
	}
	report_free(&report);
	return n;
}

static uint64_t offset_of(uint64_t sequence)
{
	return (uint64_t)(entry_at(sequence) - (uint8_t *)io_memory_bytes(io));
}

static void every_entry_has_the_hash_of_the_one_before(void **state)
{
	static const uint8_t zero[32];
	uint8_t digest[32];

	fill(3);
	for (uint64_t i = 1; i <= 3; i++) {
		char text[32];

		snprintf(text, sizeof(text), "number %d", (int)i);
		assert_int_equal(entry(i).sequence, i);
		assert_string_equal(entry(i).event, "event");
		assert_string_equal(entry(i).text, text);
		assert_true(entry(i).time_s > 1600000000);
	}
	assert_memory_equal(entry(1).before, zero, 32);
	assert_int_equal(digest_sha256(entry_at(1), VAULT_ENTRY_BYTES, digest), 0);
	assert_memory_equal(entry(2).before, digest, 32);
	assert_int_equal(digest_sha256(entry_at(2), VAULT_ENTRY_BYTES, digest), 0);
	assert_memory_equal(entry(3).before, digest, 32);
}

static void a_good_log_has_no_findings(void **state)
{
	uint64_t at = 0;

	assert_int_equal(broken(&at), 0); /* empty */
	for (int n = 1; n <= 3; n++) {
		fill(1);
		assert_int_equal(broken(&at), 0);
	}
	fill(2 * ENTRIES); /* around more than twice */
	assert_int_equal(entry(2 * ENTRIES + 3).sequence, 2 * ENTRIES + 3);
	assert_int_equal(broken(&at), 0);
}

/* Somebody writes an entry anew who knows the format: its checksum is right. */
static void a_forged_entry_breaks_the_chain(void **state)
{
	struct vault_entry e;
	uint64_t at = 0;

	fill(9);
	e = entry(5);
	strcpy(e.text, "nothing happened");
	vault_encode_entry(&e, entry_at(5));
	assert_int_equal(broken(&at), 1);
	assert_int_equal(at, offset_of(6)); /* which says what 5 was */
}

static void a_hash_of_something_else_breaks_the_chain(void **state)
{
	for (int i = 0; i < 32; i++) {
		struct vault_entry e;
		uint64_t at = 0;

		tear_down(state);
		set_up(state);
		fill(3);
		e = entry(3);
		e.before[i] ^= 0x10;
		vault_encode_entry(&e, entry_at(3));
		assert_int_equal(broken(&at), 1);
		assert_int_equal(at, offset_of(3));
	}
}

static void a_lost_entry_is_told(void **state)
{
	uint64_t at = 0;

	fill(9);
	memset(entry_at(5), 0, VAULT_ENTRY_BYTES);
	assert_int_equal(broken(&at), 2); /* it is not there, and what follows has none before it */
	assert_int_equal(at, offset_of(5));
}

static void the_log_goes_on_when_it_is_opened_again(void **state)
{
	uint64_t at = 0;

	fill(4);
	v = vault_close(v);
	assert_int_equal(vault_open(io, 0, SIZE, &v), 1);
	assert_int_equal(vault_log(v, "again", "%s", "on"), 0);
	assert_int_equal(entry(5).sequence, 5);
	assert_string_equal(entry(5).event, "again");
	assert_int_equal(broken(&at), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(every_entry_has_the_hash_of_the_one_before),
	    TEST(a_good_log_has_no_findings),
	    TEST(a_forged_entry_breaks_the_chain),
	    TEST(a_hash_of_something_else_breaks_the_chain),
	    TEST(a_lost_entry_is_told),
	    TEST(the_log_goes_on_when_it_is_opened_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
