/* SPDX-License-Identifier: Apache-2.0 */
/* The verity layer without a kernel: sizes, steps, what is learnt, damage at its place, tables. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/hex.h"
#include "base/overflow.h"
#include "base/pool.h"
#include "format/dps.h"
#include "format/verity.h"
#include "layer/registry.h"
#include "lib/check.h"
#include "model/build.h"
#include "model/medium.h"
#include "stack/attach.h"

#define KIB         1024ULL
#define TARGET_SIZE (4 * 1024 * KIB)
#define DATA_AT     (64 * KIB)
#define HASH_AT     (2048 * KIB)
#define PLACE_SIZE  (1024 * KIB)
#define CONTENT     (600 * KIB + 100) /* ends within a block: 151 blocks of 4096, two levels */

static const struct option_spec no_options[] = {{0}};
static const struct medium_ops gpt = {.name = "gpt", .provides = PLACE_GPT, .options = no_options};
static const struct where nowhere = {.file = "test.layout", .line = 5};

struct fixture {
	struct layout *layout;
	struct volume *volume;
	struct layer *partition, *verity, *image;
	struct plan *plan;
	struct progress progress;
	atomic_bool cancel;
	struct env env;
	struct job job;
};

static void set(struct layer *l, const char *name, const char *value)
{
	assert_ok(layer_set(l, name, &value, 1, nowhere));
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct medium *m;

	f->layout = layout_new();
	f->layout->device.architecture = "x86-64";
	m = layout_add_medium(f->layout, &gpt, "m", nowhere);
	f->volume = layout_add_volume(f->layout, "root", NULL, m, nowhere);
	f->volume->in_shared = true;
	f->partition = volume_add_layer(f->volume, &layer_partition, nowhere);
	f->verity = volume_add_layer(f->volume, &layer_verity, nowhere);
	f->image = volume_add_layer(f->volume, &layer_image, nowhere);
	set(f->partition, "type", "root");
	f->image->source.surveyed = true;
	f->image->source.content_bytes = CONTENT;
	f->plan = plan_new(f->layout, INTENT_PROVISION);
	f->plan->sector_bytes = 512;
	memset(f->plan->seed, 1, sizeof(f->plan->seed));
	f->job.env = &f->env;
	f->env.progress = &f->progress;
	f->env.cancel = &f->cancel;
	f->job.target_name = "disk.img";
	assert_ok(pool_new(2, &f->env.pool));
	assert_ok(io_open_memory("disk.img", TARGET_SIZE, &f->job.target));
	memset(io_memory_bytes(f->job.target), 0xee, TARGET_SIZE);
	f->volume->pieces[ROLE_DATA].extent = (struct extent){DATA_AT, PLACE_SIZE};
	f->volume->pieces[ROLE_HASH].extent = (struct extent){HASH_AT, PLACE_SIZE};
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	plan_free(f->plan);
	layout_free(f->layout);
	io_close(f->job.target);
	pool_free(f->env.pool);
	free(f);
	diag_forget(0);
	return 0;
}

static uint8_t *bytes_of(struct fixture *f)
{
	return io_memory_bytes(f->job.target);
}

static void make_appended(struct fixture *f)
{
	set(f->verity, "tree", "appended");
	f->volume->pieces[ROLE_HASH].extent = (struct extent){0};
}

/* Contents, tree and superblock are on the target, and what was learnt is known. */
static void lay_out(struct fixture *f)
{
	uint8_t *data = bytes_of(f) + DATA_AT;

	for (size_t i = 0; i < CONTENT; i++)
		data[i] = (uint8_t)(i * 2654435761u >> 9);
	assert_ok(layer_verity.plan(f->verity, f->plan));
	for (size_t i = 0; i < f->plan->steps.n; i++) {
		const struct step *s = &f->plan->steps.v[i];

		assert_ok(s->ops->run(s, &f->job, NULL));
	}
	assert_ok(layer_verity.learn(f->verity, &f->job));
}

static const char *learned(struct fixture *f, const char *name)
{
	const char *text = layer_learned(f->verity, name);

	assert_non_null(text);
	return text;
}

/* --- planning --- */

static int size(struct fixture *f, struct sizing *s, const struct request **ret)
{
	struct bound bound;
	int r;

	assert_ok(layer_partition.bound(f->partition, &bound));
	s->bound.type = bound.type;
	r = layer_verity.size(f->verity, s, f->plan);
	*ret = plan_find(f->plan, f->volume, ROLE_HASH);
	return r;
}

static void the_tree_gets_a_partition_that_is_paired_with_the_data(void **state)
{
	struct fixture *f = *state;
	struct sizing s = {.need_bytes = CONTENT, .least_bytes = CONTENT};
	const struct request *q;

	assert_ok(layer_verity.check(f->verity));
	assert_ok(size(f, &s, &q));
	assert_int_equal(s.need_bytes, 151 * 4096);
	assert_int_equal(q->size_bytes, (1 + 1 + 2) * 4096); /* superblock, top, level 0 */
	assert_true(uuid_equal(&q->type, &dps_by_name("root-verity", "x86-64")->uuid));
	assert_true(uuid_is_nil(&q->uuid)); /* the root hash's second half */
	assert_int_equal(q->flags, DPS_FLAG_READ_ONLY);
	assert_string_equal(q->label, "root-verity");
}

static void the_tree_is_sized_for_the_whole_place(void **state)
{
	struct fixture *f = *state;
	struct sizing s = {.need_bytes = CONTENT, .least_bytes = CONTENT};
	const struct request *q;

	s.bound.kind = BOUND_FIXED;
	s.bound.bytes = 1024 * 1024 * KIB; /* 2^18 blocks: levels of 2048, 16 and 1 */
	assert_ok(size(f, &s, &q));
	assert_int_equal(q->size_bytes, (1 + 2048 + 16 + 1) * 4096);
}

static void other_types_have_a_tree_with_a_uuid_of_its_own(void **state)
{
	struct fixture *f = *state;
	struct sizing s = {.need_bytes = CONTENT, .least_bytes = CONTENT};
	const struct request *q;

	set(f->partition, "type", "linux-generic");
	assert_ok(size(f, &s, &q));
	assert_true(uuid_equal(&q->type, &dps_by_name("linux-generic", NULL)->uuid));
	assert_false(uuid_is_nil(&q->uuid));
	assert_int_equal(q->uuid.b[6] >> 4, 4);
}

/* What an appended tree asks for is enough for the data, in every combination, and is all used. */
static void appended_trees_leave_room_for_the_contents(void **state)
{
	struct fixture *f = *state;
	static const char *const blocks[] = {"512", "1024", "2048", "4096"};
	static const char *const hashes[] = {"sha256", "sha512"};

	make_appended(f);
	for (unsigned i = 0; i < 32; i++) {
		uint64_t unit = strtoull(blocks[i % 4], NULL, 10);

		set(f->verity, "data-block", blocks[i % 4]);
		set(f->verity, "hash-block", blocks[i / 4 % 4]);
		set(f->verity, "hash", hashes[i / 16]);
		for (uint64_t content = 1; content < 3000 * KIB; content += 7777) {
			struct sizing s = {.need_bytes = content, .least_bytes = content};
			uint64_t gives;

			assert_ok(layer_verity.size(f->verity, &s, f->plan));
			assert_int_equal(f->plan->n_requests, 0);
			f->volume->pieces[ROLE_DATA].extent.size_bytes = s.need_bytes;
			assert_ok(layer_verity.gives(f->verity, &gives));
			assert_true(gives >= round_up(content, unit));
			assert_true(gives < content + 2 * 4096);
		}
	}
}

static void blocks_smaller_than_sectors_are_refused(void **state)
{
	struct fixture *f = *state;
	struct sizing s = {.need_bytes = CONTENT};
	const struct request *q;

	f->plan->sector_bytes = 4096;
	assert_ok(size(f, &s, &q));
	set(f->verity, "hash-block", "1024");
	assert_int_equal(size(f, &s, &q), -EINVAL);
	assert_int_equal(diag_get(0)->code, DIAG_LAYOUT_VALUE);
	assert_non_null(strstr(diag_get(0)->text, "test.layout:5: "));
	assert_non_null(strstr(diag_get(0)->text, "write hash-block = 4096"));
}

static void what_the_kernel_cannot_take_is_refused(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *option, *value;
		int error;
	} bad[] = {
	    {"data-block", "8192", -EINVAL}, {"data-block", "256", -EINVAL},
	    {"hash-block", "3000", -EINVAL}, {"hash", "md5", -EINVAL},
	    {"salt", "xyz", -EINVAL},        {"fec-roots", "2", -ENOSYS},
	    {"sign", "true", -ENOSYS},       {"tree", "behind", -EINVAL},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(layer_set(f->verity, bad[i].option, &bad[i].value, 1, nowhere),
				 bad[i].error);
}

/* --- steps --- */

static void steps_write_their_ranges_and_nothing_else(void **state)
{
	struct fixture *f = *state;
	uint8_t *bytes = bytes_of(f);
	const struct step *tree, *superblock;
	struct verity_params p;
	const char *why;

	lay_out(f);
	assert_int_equal(f->plan->steps.n, 2);
	tree = &f->plan->steps.v[0];
	superblock = &f->plan->steps.v[1];
	assert_int_equal(tree->ops->effect, STEP_CURSOR);
	assert_int_equal(tree->target.offset_bytes, HASH_AT + 4096);
	assert_int_equal(tree->target.size_bytes, 3 * 4096);
	assert_int_equal(tree->work_bytes, 151 * 4096);
	assert_int_equal(superblock->ops->effect, STEP_REDO);
	assert_int_equal(superblock->target.offset_bytes, HASH_AT);
	assert_int_equal(superblock->target.size_bytes, 4096);
	for (size_t i = 0; i < TARGET_SIZE; i++) {
		bool data = i >= DATA_AT && i < DATA_AT + 151 * 4096;

		if (!data && (i < HASH_AT || i >= HASH_AT + 4 * 4096) && bytes[i] != 0xee)
			fail_msg("byte %zu was written", i);
		if (data && i >= DATA_AT + CONTENT && bytes[i] != 0)
			fail_msg("byte %zu behind the contents is hashed, but not zero", i);
	}
	assert_ok(verity_decode(bytes + HASH_AT, 512, &p, &why));
	assert_int_equal(p.data_blocks, 151);
	assert_int_equal(p.salt_len, 32);
	for (size_t i = 512; i < 4096; i++)
		assert_int_equal(bytes[HASH_AT + i], 0);
}

static void salts_come_from_the_seed_or_the_layout(void **state)
{
	struct fixture *f = *state;
	char first[65];

	lay_out(f);
	snprintf(first, sizeof(first), "%s", learned(f, "salt"));
	assert_int_equal(strlen(first), 64);
	plan_free(f->plan);
	f->plan = plan_new(f->layout, INTENT_PROVISION);
	f->verity->learned.n = 0;
	lay_out(f);
	assert_string_not_equal(first, learned(f, "salt")); /* another seed */
	plan_free(f->plan);
	f->plan = plan_new(f->layout, INTENT_PROVISION);
	f->verity->learned.n = 0;
	set(f->verity, "salt", "-");
	lay_out(f);
	assert_string_equal(learned(f, "salt"), "-");
	plan_free(f->plan);
	f->plan = plan_new(f->layout, INTENT_PROVISION);
	f->verity->learned.n = 0;
	set(f->verity, "salt", "00ff");
	lay_out(f);
	assert_string_equal(learned(f, "salt"), "00ff");
}

/* --- what is learnt --- */

static void the_root_hash_names_the_partitions(void **state)
{
	struct fixture *f = *state;
	char digits[65], root[65];

	lay_out(f);
	snprintf(root, sizeof(root), "%s", learned(f, "root-hash"));
	hex_encode(f->volume->pieces[ROLE_DATA].uuid.b, 16, digits);
	hex_encode(f->volume->pieces[ROLE_HASH].uuid.b, 16, digits + 32);
	assert_string_equal(digits, root);
	assert_string_equal(learned(f, "data-blocks"), "151");
	assert_string_equal(learned(f, "hash-type"), "1");
	assert_ok(layer_verity.learn(f->verity, &f->job)); /* again: the same */
	assert_string_equal(learned(f, "root-hash"), root);
	bytes_of(f)[HASH_AT + 4096] ^= 1;
	assert_int_equal(layer_verity.learn(f->verity, &f->job), -EUCLEAN);
	assert_int_equal(diag_get(0)->code, DIAG_TAMPERED);
}

static void records_that_make_no_sense_are_refused(void **state)
{
	static const char *const bad[][2] = {
	    {"data-blocks", "0"},
	    {"data-blocks", "257"}, /* the place has 256 */
	    {"data-blocks", "18446744073709551615"},
	    {"data-blocks", "4503599627370497"}, /* times 4096 is 4096 */
	    {"data-blocks", "99999999999999999999999"},
	    {"data-blocks", "151x"},
	    {"data-blocks", ""},
	    {"hash-type", "2"},
	    {"salt", "0"},
	    {"salt", "zz"},
	    {"uuid", "no"}};
	struct fixture *f = *state;

	lay_out(f);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char good[80];
		struct report report;

		snprintf(good, sizeof(good), "%s", learned(f, bad[i][0]));
		assert_ok(layer_learn(f->verity, bad[i][0], "%s", bad[i][1]));
		report_init(&report);
		assert_int_equal(layer_verity.verify(f->verity, &f->job, &report), -EUCLEAN);
		assert_int_equal(diag_get(0)->code, DIAG_DAMAGED);
		diag_forget(0);
		report_free(&report);
		assert_ok(layer_learn(f->verity, bad[i][0], "%s", good));
	}
}

/* --- checking and reading --- */

static void verify(struct fixture *f, struct report *report)
{
	report_init(report);
	assert_ok(layer_verity.verify(f->verity, &f->job, report));
}

/* Flips a bit of every block of [@offset, @offset + @len) in turn: just that block is found. */
static void assert_found(struct fixture *f, uint64_t offset, uint64_t len, const char *area)
{
	for (uint64_t at = offset; at < offset + len; at += 4096) {
		uint8_t *byte = bytes_of(f) + at + at / 4096 % 512;
		struct report report;

		*byte ^= 4;
		verify(f, &report);
		assert_int_equal(report.findings.n, 1);
		assert_int_equal(report.findings.v[0].kind, FINDING_CORRUPT);
		assert_int_equal(report.findings.v[0].offset_bytes, at);
		assert_string_equal(report.findings.v[0].area, area);
		assert_string_equal(report.findings.v[0].volume, "root");
		report_free(&report);
		*byte ^= 4;
	}
}

static void assert_nothing_found(struct fixture *f)
{
	struct report report;

	verify(f, &report);
	assert_int_equal(report.findings.n, 0);
	assert_int_equal(report.checked_bytes, (151 + 3) * 4096);
	report_free(&report);
}

static void damage_is_found_where_it_is(void **state)
{
	struct fixture *f = *state;

	lay_out(f);
	assert_nothing_found(f);
	assert_found(f, DATA_AT, 151 * 4096, "data");
	assert_found(f, HASH_AT, 4096, "superblock");
	assert_found(f, HASH_AT + 4096, 4096, "hash level 1");
	assert_found(f, HASH_AT + 2 * 4096, 2 * 4096, "hash level 0");
	bytes_of(f)[DATA_AT + 151 * 4096] ^= 1; /* not covered */
	bytes_of(f)[HASH_AT + 4 * 4096] ^= 1;
	assert_nothing_found(f);
}

static void damage_is_found_where_it_is_with_an_appended_tree(void **state)
{
	struct fixture *f = *state;
	uint64_t behind = DATA_AT + 151 * 4096;

	make_appended(f);
	lay_out(f);
	assert_nothing_found(f);
	assert_found(f, DATA_AT, 151 * 4096, "data");
	assert_found(f, behind, 4096, "superblock");
	assert_found(f, behind + 4096, 4096, "hash level 1");
	assert_found(f, behind + 2 * 4096, 2 * 4096, "hash level 0");
}

static void what_cannot_be_checked_is_told_apart(void **state)
{
	struct fixture *f = *state;
	struct report report;

	lay_out(f);
	memset(bytes_of(f) + HASH_AT + 2 * 4096, 0x77, 20 * 32); /* of level 0's first block */
	bytes_of(f)[DATA_AT + 64 * 4096] ^= 1;
	verify(f, &report);
	assert_int_equal(report.findings.n, 1 + 4);
	assert_int_equal(report.findings.v[0].kind, FINDING_CORRUPT);
	for (int i = 1; i < 5; i++)
		assert_int_equal(report.findings.v[i].kind, FINDING_UNPROVEN);
	assert_int_equal(report.findings.v[1].blocks, 20); /* differ from what is left */
	assert_int_equal(report.findings.v[2].blocks, 44);
	assert_int_equal(report.findings.v[3].blocks, 1);
	assert_int_equal(report.findings.v[4].blocks, 63);
	assert_string_equal(report.findings.v[1].text, report.findings.v[3].text);
	assert_string_not_equal(report.findings.v[1].text, report.findings.v[2].text);
	report_free(&report);
}

static void reads_give_what_verifies(void **state)
{
	struct fixture *f = *state;
	struct attached a = {0};
	struct io *io;
	uint8_t buf[8192];

	lay_out(f);
	bytes_of(f)[DATA_AT + 9 * 4096] ^= 1;
	assert_ok(layer_attach(f->verity, &f->job, ATTACH_READ, &a, &io));
	assert_int_equal(io->size_bytes, 151 * 4096);
	assert_ok(io_read(io, buf, sizeof(buf), 7 * 4096));
	assert_memory_equal(buf, bytes_of(f) + DATA_AT + 7 * 4096, sizeof(buf));
	assert_int_equal(io_read(io, buf, sizeof(buf), 8 * 4096), -EILSEQ);
	attached_close(&a);
	assert_ok(layer_attach(f->verity, &f->job, ATTACH_READ_RAW, &a, &io));
	assert_ok(io_read(io, buf, sizeof(buf), 8 * 4096));
	attached_close(&a);
}

static enum probe_result probe(struct fixture *f)
{
	enum probe_result result = -1;

	assert_ok(layer_verity.probe(f->verity, &f->job, &result));
	return result;
}

static void probing_compares_with_the_record(void **state)
{
	struct fixture *f = *state;
	uint8_t *superblock = bytes_of(f) + HASH_AT, *top = superblock + 4096;
	struct verity_params p;
	const char *why;

	assert_int_equal(probe(f), PROBE_ABSENT);
	lay_out(f);
	assert_int_equal(probe(f), PROBE_MATCHES);
	top[5] ^= 1;
	assert_int_equal(probe(f), PROBE_DAMAGED);
	top[5] ^= 1;
	bytes_of(f)[DATA_AT] ^= 1; /* costs too much to be looked at */
	assert_int_equal(probe(f), PROBE_MATCHES);
	assert_ok(verity_decode(superblock, VERITY_SUPERBLOCK_BYTES, &p, &why));
	p.salt[0] ^= 1;
	verity_encode(&p, superblock);
	assert_int_equal(probe(f), PROBE_FOREIGN);
	superblock[0] = 0;
	assert_int_equal(probe(f), PROBE_ABSENT);
}

static void probing_without_a_record_compares_with_the_contents(void **state)
{
	struct fixture *f = *state;

	lay_out(f);
	f->verity->learned.n = 0;
	assert_int_equal(probe(f), PROBE_MATCHES);
	f->image->source.content_bytes -= 4096;
	assert_int_equal(probe(f), PROBE_FOREIGN);
}

/* A volume of the Discoverable Partitions: only a root hash is known, the rest is on the medium. */
static void without_a_vault_the_superblock_tells(void **state)
{
	struct fixture *f = *state;
	char root[65];

	set(f->verity, "hash-block", "1024");
	set(f->verity, "salt", "0102");
	lay_out(f);
	snprintf(root, sizeof(root), "%s", learned(f, "root-hash"));
	f->verity->learned.n = 0;
	set(f->verity, "hash-block", "4096");
	set(f->verity, "salt", "-");
	assert_ok(layer_learn(f->verity, "root-hash", "%s", root));
	assert_found(f, DATA_AT, 4096, "data");
	assert_string_equal(learned(f, "salt"), "0102");
	assert_int_equal(f->verity->values[2].number, 1024);
}

/* --- the kernel --- */

static void a_changed_superblock_is_not_opened(void **state)
{
	static const size_t fields[] = {0, 16, 64, 72, 88, 200};
	const struct open_how how = {.dm_prefix = "t"};
	struct fixture *f = *state;
	struct place below = {0}, place;

	lay_out(f);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		uint8_t *byte = bytes_of(f) + HASH_AT + fields[i];

		*byte ^= 2;
		assert_int_equal(
		    layer_verity.kernel->open(f->verity, &f->job, &how, &below, &place), -EUCLEAN);
		assert_int_equal(diag_get(0)->code, DIAG_TAMPERED);
		assert_non_null(strstr(diag_get(0)->next, "holdfast verify disk.img root"));
		diag_forget(0);
		*byte ^= 2;
	}
}

static void assert_cmdline(struct fixture *f, const char *expected)
{
	struct cmdline c = {.name = "root"};

	assert_ok(layer_partition.kernel->cmdline(f->partition, &c));
	assert_ok(layer_verity.kernel->cmdline(f->verity, &c));
	assert_string_equal(c.create.s, expected);
	assert_string_equal(c.device.s, "/dev/dm-0");
	assert_true(c.read_only);
	cmdline_free(&c);
}

static void uuids_for_the_command_line(struct fixture *f)
{
	f->volume->pieces[ROLE_DATA].number = 1;
	f->volume->pieces[ROLE_HASH].number = 2;
	assert_ok(
	    uuid_scan("11111111-2222-4333-8444-555555555555", &f->volume->pieces[ROLE_DATA].uuid));
	assert_ok(
	    uuid_scan("66666666-7777-4888-8999-aaaaaaaaaaaa", &f->volume->pieces[ROLE_HASH].uuid));
}

static void tables_are_made_of_what_was_learnt(void **state)
{
	struct fixture *f = *state;
	char expected[512];

	set(f->verity, "salt", "abcd");
	lay_out(f);
	uuids_for_the_command_line(f);
	snprintf(expected, sizeof(expected),
		 "root,,,ro,0 1208 verity 1 PARTUUID=11111111-2222-4333-8444-555555555555 "
		 "PARTUUID=66666666-7777-4888-8999-aaaaaaaaaaaa 4096 4096 151 1 sha256 %s abcd",
		 learned(f, "root-hash"));
	memset(bytes_of(f) + HASH_AT, 0, 512); /* the medium has no say in it */
	assert_cmdline(f, expected);
	set(f->verity, "on-corruption", "panic");
	set(f->verity, "check-at-most-once", "true");
	strcat(expected, " 2 panic_on_corruption check_at_most_once");
	assert_cmdline(f, expected);
}

static void tables_of_appended_trees_say_where_they_begin(void **state)
{
	struct fixture *f = *state;
	char expected[512];

	make_appended(f);
	set(f->verity, "data-block", "1024");
	set(f->verity, "salt", "-");
	set(f->verity, "on-corruption", "restart");
	lay_out(f); /* 601 blocks of 1024: 151 of 4096 before the superblock */
	uuids_for_the_command_line(f);
	snprintf(expected, sizeof(expected),
		 "root,,,ro,0 1202 verity 1 PARTUUID=11111111-2222-4333-8444-555555555555 "
		 "PARTUUID=11111111-2222-4333-8444-555555555555 1024 4096 601 152 sha256 %s - "
		 "1 restart_on_corruption",
		 learned(f, "root-hash"));
	assert_cmdline(f, expected);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    T(the_tree_gets_a_partition_that_is_paired_with_the_data),
	    T(the_tree_is_sized_for_the_whole_place),
	    T(other_types_have_a_tree_with_a_uuid_of_its_own),
	    T(appended_trees_leave_room_for_the_contents),
	    T(blocks_smaller_than_sectors_are_refused),
	    T(what_the_kernel_cannot_take_is_refused),
	    T(steps_write_their_ranges_and_nothing_else),
	    T(salts_come_from_the_seed_or_the_layout),
	    T(the_root_hash_names_the_partitions),
	    T(records_that_make_no_sense_are_refused),
	    T(damage_is_found_where_it_is),
	    T(damage_is_found_where_it_is_with_an_appended_tree),
	    T(what_cannot_be_checked_is_told_apart),
	    T(reads_give_what_verifies),
	    T(probing_compares_with_the_record),
	    T(probing_without_a_record_compares_with_the_contents),
	    T(without_a_vault_the_superblock_tells),
	    T(a_changed_superblock_is_not_opened),
	    T(tables_are_made_of_what_was_learnt),
	    T(tables_of_appended_trees_say_where_they_begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
