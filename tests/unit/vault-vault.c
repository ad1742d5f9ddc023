/* SPDX-License-Identifier: Apache-2.0 */
/* The vault: copies, journal, log, and the device part there and back. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/diag.h"
#include "base/endian.h"
#include "base/env.h"
#include "base/text.h"
#include "format/vault.h"
#include "layer/registry.h"
#include "layout/layout-file.h"
#include "lib/check.h"
#include "medium/registry.h"
#include "vault/check.h"
#include "vault/copies.h"
#include "vault/device-part.h"
#include "vault/find.h"
#include "vault/layout.h"
#include "vault/log.h"
#include "vault/private.h"
#include "vault/vault.h"

#define SIZE (1024 * 1024)

static struct io *io;
static const struct vault_begun begun = {.steps = 5, .capacity_bytes = 123, .seed = {1, 2, 3}};

static int set_up(void **state)
{
	return io_open_memory("vault", 4 * SIZE, &io);
}

static int tear_down(void **state)
{
	io_close(io);
	diag_forget(0);
	return 0;
}

static uint8_t *at(uint64_t offset)
{
	return (uint8_t *)io_memory_bytes(io) + offset;
}

static struct vault *begin(void)
{
	struct vault *v;

	assert_ok(vault_begin(io, SIZE, SIZE, &begun, &v));
	return v;
}

static struct vault *reopen(struct vault *v)
{
	vault_close(v);
	v = NULL;
	assert_int_equal(vault_open(io, SIZE, SIZE, &v), 1);
	return v;
}

static void nothing_is_nothing(void **state)
{
	struct vault *v = NULL;

	assert_int_equal(vault_open(io, SIZE, SIZE, &v), 0);
	assert_int_equal(vault_find(io, &v), 0);
	memset(at(0), 0xa5, 4 * SIZE);
	assert_int_equal(vault_find(io, &v), 0);
}

static void what_was_begun_is_remembered(void **state)
{
	struct vault *v = reopen(begin());
	struct vault_begun again;

	assert_int_equal(vault_begun(v, &again), 1);
	assert_false(again.complete);
	assert_int_equal(again.steps, 5);
	assert_int_equal(again.capacity_bytes, 123);
	assert_memory_equal(again.seed, begun.seed, 32);
	assert_ok(vault_finish(v));
	v = reopen(v);
	assert_int_equal(vault_begun(v, &again), 1);
	assert_true(again.complete);
	vault_close(v);
}

static void append(struct vault *v, uint32_t step, enum journal_phase phase, uint64_t cursor)
{
	const struct journal_record r = {.step = step, .phase = phase, .cursor = cursor};
	struct journal *j = vault_journal(v);

	assert_ok(j->ops->append(j, &r, true));
}

/* Far more records than there is room for: the latest of each step is always there. */
static void the_journal_never_fills(void **state)
{
	struct vault *v = begin();
	struct journal_record r;

	append(v, 0, JOURNAL_DONE, 0);
	for (uint64_t i = 1; i < 3000; i++) {
		append(v, 1, JOURNAL_CURSOR, i);
		if (i % 97)
			continue;
		v = reopen(v);
		assert_int_equal(vault_journal(v)->ops->last(vault_journal(v), 1, &r), 1);
		assert_int_equal(r.cursor, i);
		assert_int_equal(vault_journal(v)->ops->last(vault_journal(v), 0, &r), 1);
		assert_int_equal(r.phase, JOURNAL_DONE);
		assert_int_equal(vault_journal(v)->ops->last(vault_journal(v), 2, &r), 0);
	}
	vault_close(v);
}

static void records_of_another_plan_are_stale(void **state)
{
	struct vault *v = begin();
	struct journal_record r;

	append(v, 0, JOURNAL_DONE, 0);
	vault_close(v);
	v = reopen(begin());
	assert_int_equal(vault_journal(v)->ops->last(vault_journal(v), 0, &r), 0);
	vault_close(v);
}

static void a_torn_record_is_no_record(void **state)
{
	struct vault *v = begin();
	struct vault_regions regions;
	struct journal_record r;

	vault_regions(SIZE, &regions);
	append(v, 1, JOURNAL_CURSOR, 10);
	append(v, 1, JOURNAL_CURSOR, 20);
	*at(SIZE + regions.journal_offset + 2 * VAULT_BLOCK + 512 + 33) ^= 1;
	v = reopen(v);
	assert_int_equal(vault_journal(v)->ops->last(vault_journal(v), 1, &r), 1);
	assert_int_equal(r.cursor, 10);
	vault_close(v);
}

static void a_damaged_copy_is_mended_from_the_other(void **state)
{
	static const uint8_t one[] = "first payload", two[] = "second payload, longer";
	struct vault *v = begin();
	struct report report;

	assert_ok(vault_commit(v, one, sizeof(one), NULL));
	assert_ok(vault_commit(v, two, sizeof(two), NULL));
	for (unsigned which = 0; which < 2; which++) {
		v = reopen(v);
		*at(SIZE + v->regions.copy_offset[which] + VAULT_BLOCK + 3) ^= 1;
		v = reopen(v);
		assert_non_null(vault_active(v));
		assert_memory_equal(vault_active(v)->payload, two, sizeof(two));
		report_init(&report);
		assert_ok(vault_verify(v, &report));
		assert_int_equal(report.findings.n, 1);
		assert_int_equal(report.findings.v[0].kind, FINDING_MENDABLE);
		report_free(&report);
		assert_ok(vault_commit(v, two, sizeof(two), NULL));
		report_init(&report);
		assert_ok(vault_verify(v, &report));
		assert_int_equal(report.findings.n, 0);
		report_free(&report);
	}
	vault_close(v);
}

/* After a cut the copies differ; hardware may have recorded the older one. */
static void repairing_takes_the_copy_that_was_chosen(void **state)
{
	static const uint8_t older[] = "recorded", newer[] = "not recorded";
	struct layout *layout = layout_new();
	struct plan *plan = plan_new(layout, INTENT_REPAIR);
	struct job job = {.target = io};
	struct vault *v = begin();
	uint8_t *second = at(SIZE + v->regions.copy_offset[1]);
	void *kept = malloc(SIZE / 8);
	struct vault_payload recorded, now;

	assert_ok(vault_commit(v, older, sizeof(older), NULL));
	assert_true(vault_active_payload(v, &recorded));
	memcpy(kept, second, SIZE / 8);
	assert_ok(vault_commit(v, newer, sizeof(newer), NULL));
	memcpy(second, kept, SIZE / 8);
	v = reopen(v);
	assert_memory_equal(vault_active(v)->payload, newer, sizeof(newer));
	assert_true(vault_choose(v, 1));
	assert_ok(vault_plan_repair(v, plan));
	assert_int_equal(plan->steps.n, 1);
	assert_ok(plan->steps.v[0].ops->run(&plan->steps.v[0], &job, NULL));
	v = reopen(v);
	assert_true(vault_copies_agree(v));
	assert_memory_equal(vault_active(v)->payload, older, sizeof(older));
	assert_true(
	    vault_active_payload(v, &now)); /* what the hardware has recorded is there still */
	assert_memory_equal(&now.id, &recorded.id, sizeof(now.id));
	free(kept);
	vault_close(v);
	plan_free(plan);
	layout_free(layout);
}

/* Between the two writes: the hook is told what is durable, and the copy before is still there. */
struct seen {
	struct vault *v;
	struct vault_commit_id id;
	int result;
};

static int see(void *ctx, const struct vault_commit_id *id)
{
	struct seen *s = ctx;
	struct vault *now = NULL;

	s->id = *id;
	assert_int_equal(vault_open(io, SIZE, SIZE, &now), 1);
	assert_true(!vault_copies_agree(now));
	vault_close(now);
	return s->result;
}

static void a_commit_tells_the_hook_between_its_copies(void **state)
{
	static const uint8_t one[] = "first", two[] = "second", three[] = "third";
	struct seen seen = {.v = begin()};
	const struct vault_commit_hook hook = {.durable = see, .ctx = &seen};
	struct vault_payload p;

	assert_ok(vault_commit(seen.v, one, sizeof(one), NULL));
	assert_ok(vault_commit(seen.v, two, sizeof(two), &hook));
	assert_true(vault_active_payload(seen.v, &p));
	assert_memory_equal(&p.id, &seen.id, sizeof(seen.id));
	assert_memory_equal(p.bytes, two, sizeof(two));
	seen.result = -EIO; /* then the other copy is left alone */
	assert_int_equal(vault_commit(seen.v, three, sizeof(three), &hook), -EIO);
	seen.v = reopen(seen.v);
	assert_true(!vault_copies_agree(seen.v));
	vault_close(seen.v);
}

static void a_copy_of_another_place_is_none(void **state)
{
	struct vault *v = begin();

	assert_ok(vault_commit(v, "x", 1, NULL));
	vault_close(v);
	memcpy(at(2 * SIZE), at(SIZE), SIZE);
	v = NULL;
	assert_int_equal(vault_open(io, 2 * SIZE, SIZE, &v),
			 1); /* its journal has no place in it */
	assert_null(vault_active(v));
	vault_close(v);
}

static uint64_t header_offset(const struct vault *v, unsigned which) /* two copies, two journals */
{
	return SIZE + (which < 2 ? v->regions.copy_offset[which]
				 : v->regions.journal_offset + (which - 2) * VAULT_BLOCK);
}

static void seal_header(uint8_t *bytes)
{
	const le32_t crc = le32_make(crc32c(0, bytes, VAULT_HEADER_BYTES - sizeof(crc)));

	memcpy(bytes + VAULT_HEADER_BYTES - sizeof(crc), &crc, sizeof(crc));
}

/* A flipped bit in the version of one header, whose twin is good. */
static void a_damaged_version_is_not_a_newer_one(void **state)
{
	for (unsigned which = 0; which < 4; which++) {
		struct vault *v = begin();

		vault_close(v);
		v = begin();
		assert_ok(vault_commit(v, "x", 1, NULL));
		at(header_offset(v, which))[16] ^= 8;
		v = reopen(v);
		assert_ok(vault_refuse_newer(v));
		assert_non_null(vault_active(v));
		vault_close(v);
		memset(at(0), 0, 4 * SIZE);
	}
}

/* One header is enough; what else is there stays unread. */
static void a_newer_header_makes_a_newer_vault(void **state)
{
	for (unsigned which = 0; which < 4; which++) {
		struct vault *v = begin();

		vault_close(v);
		v = begin(); /* the second header of the journal, too */
		assert_ok(vault_commit(v, "x", 1, NULL));
		assert_ok(vault_refuse_newer(v));
		at(header_offset(v, which))[16] = 9;
		seal_header(at(header_offset(v, which)));
		v = reopen(v);
		assert_int_equal(vault_refuse_newer(v), -ENOTSUP);
		assert_int_equal(diag_get(0)->code, DIAG_NEWER);
		assert_non_null(strstr(diag_get(0)->text, "newer holdfast (version 9)"));
		diag_forget(0);
		vault_close(v);
		memset(at(0), 0, 4 * SIZE);
	}
}

static void a_newer_rule_of_digests_makes_a_newer_vault(void **state)
{
	struct vault *v = begin();

	v->plan.digest_rule = LAYOUT_DIGEST_RULE + 1;
	assert_ok(vault_finish(v));
	v = reopen(v);
	assert_int_equal(vault_refuse_newer(v), -ENOTSUP);
	assert_non_null(strstr(diag_get(0)->text, "rule 2 of the layout digest"));
	vault_close(v);
}

/* Without a table, and with a size that is not known. */
static void a_newer_vault_is_found_without_a_table(void **state)
{
	struct vault *v = begin();

	assert_ok(vault_commit(v, "x", 1, NULL));
	memmove(at(3 * SIZE - 65536), at(SIZE), VAULT_BLOCK);
	memset(at(SIZE), 0, SIZE);
	v = vault_close(v);
	assert_int_equal(vault_find(io, &v), 0); /* ours, from another place */
	at(3 * SIZE - 65536)[16] = 2;
	assert_int_equal(vault_find(io, &v), 1);
	assert_int_equal(vault_refuse_newer(v), -ENOTSUP);
	vault_close(v);
}

static void beginning_gives_up_what_is_newer(void **state)
{
	struct vault *v = begin();
	struct vault_begun again;

	assert_ok(vault_finish(v));
	assert_ok(vault_commit(v, "x", 1, NULL));
	for (unsigned which = 0; which < 4; which++)
		at(header_offset(v, which))[16] = 9;
	v = reopen(v);
	assert_int_equal(vault_begun(v, &again), 0);
	vault_close(v);
	v = reopen(begin());
	assert_ok(vault_refuse_newer(v));
	assert_null(vault_active(v));
	assert_int_equal(vault_begun(v, &again), 1);
	assert_false(again.complete);
	vault_close(v);
}

static void the_log_is_a_chain(void **state)
{
	struct vault *v = begin();
	struct report report;

	for (int i = 0; i < 300; i++) /* more than the ring holds */
		assert_ok(vault_log(v, "event", "number %d", i));
	report_init(&report);
	assert_ok(vault_verify_log(v, &report));
	assert_int_equal(report.findings.n, 0);
	report_free(&report);
	*at(SIZE + v->regions.log_offset + 5 * VAULT_ENTRY_BYTES + 100) ^= 1;
	report_init(&report);
	assert_ok(vault_verify_log(v, &report));
	assert_true(report.findings.n > 0);
	report_free(&report);
	vault_close(v);
}

static const char layout_text[] =
    "device \"d\" { architecture = \"arm64\" version = 9 }\n"
    "medium \"m\" { align = 4M keep = {\"misc\", \"env\"} }\n"
    "volume \"root\" { slots = {\"a\", \"b\"}\n"
    "  partition { type = \"root\" size = 64M flags = {\"no-auto\"} }\n"
    "  verity { hash = \"sha512\" on-corruption = \"panic\" salt = \"ab\" }\n"
    "  image { source = \"root.img\" } }\n";

static void encode(const struct layout *layout, struct text *to)
{
	_cleanup_text_ struct text description = {0};

	device_part_describe(layout, &description);
	assert_ok(device_part_encode(&description, NULL, to));
}

static void a_layout_comes_back(void **state)
{
	static const struct kinds kinds = {.layers = layer_registry, .media = medium_registry};
	struct layout *layout, *again;
	struct text part = {0}, one = {0}, two = {0};
	struct vault *v = begin();

	assert_ok(layout_read_text("t", layout_text, sizeof(layout_text) - 1, NULL, NULL, 0, &kinds,
				   &layout));
	layout->volumes[0]->pieces[ROLE_DATA].extent = (struct extent){4096, 8192};
	layout->volumes[0]->pieces[ROLE_DATA].number = 3;
	layout->volumes[0]->layers[2]->source =
	    (struct source){.surveyed = true, .digest = {9}, .content_bytes = 77, .tool = "t 1"};
	assert_ok(layer_learn(layout->volumes[0]->layers[1], "root-hash", "%s", "c0ffee"));
	encode(layout, &part);
	assert_ok(vault_commit(v, part.s, part.len, NULL));
	v = reopen(v);
	assert_int_equal(vault_read_layout(v, &kinds, &again), 1);
	again->vault.extent = layout->vault.extent;
	layout_canonical(layout, &one);
	layout_canonical(again, &two);
	assert_string_equal(one.s, two.s);
	assert_int_equal(again->volumes[0]->pieces[ROLE_DATA].extent.size_bytes, 8192);
	assert_int_equal(again->volumes[0]->pieces[ROLE_DATA].number, 3);
	assert_string_equal(layer_learned(again->volumes[0]->layers[1], "root-hash"), "c0ffee");
	assert_int_equal(again->volumes[0]->layers[2]->source.content_bytes, 77);
	assert_true(again->volumes[1]->reserved);
	text_free(&part);
	text_free(&one);
	text_free(&two);
	layout_free(layout);
	layout_free(again);
	vault_close(v);
}

/* Whatever is cut off of a device part, it is refused, never half read. */
static void a_short_device_part_is_refused(void **state)
{
	static const struct kinds kinds = {.layers = layer_registry, .media = medium_registry};
	struct layout *layout, *again = NULL;
	struct text part = {0};
	struct vault *v = begin();

	assert_ok(layout_read_text("t", layout_text, sizeof(layout_text) - 1, NULL, NULL, 0, &kinds,
				   &layout));
	encode(layout, &part);
	for (size_t len = 0; len < part.len; len += 4) {
		assert_ok(vault_commit(v, part.s, len, NULL));
		assert_int_equal(vault_read_layout(v, &kinds, &again), -EUCLEAN);
		diag_forget(0);
	}
	text_free(&part);
	layout_free(layout);
	vault_close(v);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(nothing_is_nothing),
	    TEST(what_was_begun_is_remembered),
	    TEST(the_journal_never_fills),
	    TEST(records_of_another_plan_are_stale),
	    TEST(a_torn_record_is_no_record),
	    TEST(a_damaged_copy_is_mended_from_the_other),
	    TEST(repairing_takes_the_copy_that_was_chosen),
	    TEST(a_commit_tells_the_hook_between_its_copies),
	    TEST(a_copy_of_another_place_is_none),
	    TEST(a_newer_header_makes_a_newer_vault),
	    TEST(a_damaged_version_is_not_a_newer_one),
	    TEST(a_newer_rule_of_digests_makes_a_newer_vault),
	    TEST(a_newer_vault_is_found_without_a_table),
	    TEST(beginning_gives_up_what_is_newer),
	    TEST(the_log_is_a_chain),
	    TEST(a_layout_comes_back),
	    TEST(a_short_device_part_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
