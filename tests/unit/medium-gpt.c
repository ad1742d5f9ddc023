/* SPDX-License-Identifier: Apache-2.0 */
/* The gpt medium on devices in memory: a table made, read, checked, damaged, mended, retired. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "format/dps.h"
#include "layer/registry.h"
#include "lib/check.h"
#include "lib/fault-io.h"
#include "medium/gpt-table.h"
#include "medium/registry.h"
#include "model/build.h"

#define MIB  (1024 * 1024ULL)
#define SIZE (32 * MIB)

static const struct where here = {"x.layout", 3};

struct fixture {
	struct io *io;
	struct layout *layout;
	struct medium *m;
	struct plan *plan;
	struct medium_facts facts;
	struct env env;
	struct job job;
	struct progress progress;
};
static struct fixture f;
static const atomic_bool never;

static void new_layout(void)
{
	layout_free(f.layout);
	facts_free(&f.facts);
	f.layout = layout_new();
	assert_non_null(f.layout);
	f.m = layout_add_medium(f.layout, &medium_gpt, "disk", here);
	assert_non_null(f.m);
}

static void new_target(uint64_t size, uint32_t sector)
{
	io_close(f.io);
	assert_ok(io_open_memory("disk.img", size, &f.io));
	f.io->sector_bytes = sector;
	f.env = (struct env){.progress = &f.progress, .cancel = &never};
	f.job = (struct job){.env = &f.env, .target = f.io};
	new_layout();
}

static int set_up(void **state)
{
	new_target(SIZE, 512);
	return 0;
}

static int tear_down(void **state)
{
	f.plan = plan_free(f.plan);
	facts_free(&f.facts);
	f.layout = layout_free(f.layout);
	f.io = io_close(f.io);
	diag_forget(0);
	return 0;
}

static struct medium_facts *probe(void)
{
	facts_free(&f.facts);
	assert_ok(medium_gpt.probe(&f.job, &f.facts));
	return &f.facts;
}

/* --- a layout of a vault and three volumes, put onto the target --- */

static struct request *ask(const char *name, enum role role, uint64_t size)
{
	struct volume *v = layout_volume(f.layout, name);
	struct request *r;

	if (!v)
		v = layout_add_volume(f.layout, name, NULL, f.m, here);
	r = plan_request(f.plan, REQUEST_VOLUME, v, role);
	r->what = v->name;
	r->size_bytes = size;
	r->in_table = true;
	r->type = dps_by_name("linux-generic", NULL)->uuid;
	snprintf(r->label, sizeof(r->label), "%s%s", name, role == ROLE_HASH ? "-verity" : "");
	assert_ok(plan_derive(f.plan, v, r->label, r->uuid.b, sizeof(r->uuid.b)));
	return r;
}

static void new_plan(enum intent why)
{
	struct request *vault;

	plan_free(f.plan);
	f.plan = plan_new(f.layout, why);
	assert_non_null(f.plan);
	f.plan->facts = f.facts.capacity_bytes ? &f.facts : NULL; /* when it was probed */
	f.plan->capacity_bytes = f.io->size_bytes;
	f.plan->sector_bytes = f.io->sector_bytes;
	memset(f.plan->seed, 0x5e, sizeof(f.plan->seed));
	if (why == INTENT_REPAIR)
		return;
	vault = plan_request(f.plan, REQUEST_VAULT, NULL, ROLE_DATA);
	vault->what = "vault";
	vault->has_offset = vault->in_table = true;
	vault->offset_bytes = MIB;
	vault->size_bytes = MIB;
	strcpy(vault->label, "vault");
	assert_ok(plan_derive(f.plan, NULL, "vault", vault->uuid.b, sizeof(vault->uuid.b)));
}

static void ask_all(void)
{
	struct request *spl;

	new_plan(INTENT_PROVISION);
	ask("root", ROLE_DATA, 3 * MIB)->flags = DPS_FLAG_READ_ONLY | 1;
	ask("data", ROLE_DATA, 0)->fill = true;
	spl = ask("spl", ROLE_DATA, 4096);
	spl->in_table = false;
	spl->has_offset = true;
	spl->offset_bytes = 32 * 1024;
}

static int run_steps(void)
{
	int r = 0;

	for (size_t i = 0; i < f.plan->steps.n && r >= 0; i++) {
		const struct step *s = &f.plan->steps.v[i];

		r = s->ops->run(s, &f.job, NULL);
	}
	return r;
}

static void make_table(void)
{
	ask_all();
	assert_ok(medium_gpt.allocate(f.m, f.plan));
	assert_ok(medium_gpt.plan(f.m, f.plan));
	assert_int_equal(f.plan->steps.n, 1);
	assert_int_equal(f.plan->steps.v[0].ops->effect, STEP_REDO);
	assert_ok(run_steps());
	plan_install(f.plan);
}

/* --- checks --- */

static size_t findings(enum finding_kind kind, const char *words)
{
	struct report report;
	size_t seen = 0;

	report_init(&report);
	assert_ok(medium_gpt.verify(f.m, f.layout, probe(), &f.job, &report));
	array_each (it, &report.findings) {
		char text[300];

		snprintf(text, sizeof(text), "%s %s: %s", it->volume, it->area, it->text);
		seen += it->kind == kind && strstr(text, words);
	}
	report_free(&report);
	return seen;
}

static size_t all_findings(void)
{
	struct report report;
	size_t seen;

	report_init(&report);
	assert_ok(medium_gpt.verify(f.m, f.layout, probe(), &f.job, &report));
	seen = report.findings.n;
	for (size_t i = 0; i < seen; i++)
		print_message("%s: %s\n", report.findings.v[i].area, report.findings.v[i].text);
	report_free(&report);
	return seen;
}

/* 1: something was mended. */
static int mend(void)
{
	size_t steps;

	probe();
	new_plan(INTENT_REPAIR);
	assert_ok(medium_gpt.plan(f.m, f.plan));
	steps = f.plan->steps.n;
	assert_ok(run_steps());
	probe();
	return (int)steps;
}

static uint8_t *bytes(uint64_t offset)
{
	return (uint8_t *)io_memory_bytes(f.io) + offset;
}

static uint64_t backup_header(void)
{
	return f.io->size_bytes - f.io->sector_bytes;
}

static void assert_all_good(void)
{
	struct medium_facts *facts = probe();

	assert_int_equal(facts->table, TABLE_OURS);
	assert_true(facts->primary_good && facts->backup_good);
	assert_false(facts->mendable);
	assert_false(facts->backup_misplaced);
	assert_int_equal(all_findings(), 0);
}

/* --- making --- */

static void assert_table_as_asked(void)
{
	struct medium_facts *facts = probe();
	const struct partition_facts *p = facts_partition(facts, "root");
	const struct volume *v = layout_volume(f.layout, "root");

	assert_int_equal(facts->partitions.n, 3);
	assert_int_equal(p->number, 1);
	assert_int_equal(p->extent.offset_bytes, v->pieces[ROLE_DATA].extent.offset_bytes);
	assert_int_equal(p->extent.size_bytes, 3 * MIB);
	assert_true(uuid_equal(&p->uuid, &v->pieces[ROLE_DATA].uuid));
	assert_true(p->flags == (DPS_FLAG_READ_ONLY | 1));
	p = facts_partition(facts, "vault");
	assert_int_equal(p->number, 3);
	assert_true(uuid_equal(&p->type, &dps_vault_type));
	assert_all_good();
}

static void a_table_is_made_as_asked(void **state)
{
	make_table();
	assert_table_as_asked();
}

static void sectors_of_4096_too(void **state)
{
	new_target(SIZE, 4096);
	make_table();
	assert_true(gpt_has_signature(bytes(4096), 4096));
	assert_table_as_asked();
}

/* Only the table's own sectors are taken, not the first MiB. */
static void partitions_may_begin_right_behind_the_table(void **state)
{
	struct request *r;

	new_plan(INTENT_PROVISION);
	r = ask("loader", ROLE_DATA, 64 * 1024);
	r->has_offset = true;
	r->offset_bytes = 20 * 1024;
	assert_ok(medium_gpt.allocate(f.m, f.plan));
	assert_ok(medium_gpt.plan(f.m, f.plan));
	assert_ok(run_steps());
	assert_int_equal(facts_partition(probe(), "loader")->extent.offset_bytes, 20 * 1024);
}

static void the_same_seed_makes_the_same_bytes(void **state)
{
	uint8_t head[64 * 1024], tail[64 * 1024];

	make_table();
	memcpy(head, bytes(0), sizeof(head));
	memcpy(tail, bytes(SIZE - sizeof(tail)), sizeof(tail));
	set_up(state);
	make_table();
	assert_memory_equal(head, bytes(0), sizeof(head));
	assert_memory_equal(tail, bytes(SIZE - sizeof(tail)), sizeof(tail));
}

static void only_the_tables_own_bytes_are_written(void **state)
{
	memset(bytes(0), 0xa5, SIZE);
	make_table();
	for (uint64_t i = 34 * 512; i < SIZE - 33 * 512; i++)
		assert_int_equal(*bytes(i), 0xa5);
}

static void the_least_image_holds_it_all(void **state)
{
	uint64_t least;

	ask_all();
	least = medium_gpt.least_bytes(f.m, f.plan);
	assert_int_equal(least, 6 * MIB); /* vault, root, a block to fill, the backup */
	new_target(least, 512);
	make_table();
	assert_all_good();
	new_target(least - MIB, 512);
	ask_all();
	assert_int_equal(medium_gpt.allocate(f.m, f.plan), -ENOSPC);
}

/* --- partitions named by their root hash --- */

static void uuids_come_from_what_was_learnt(void **state)
{
	struct request *data, *hash;
	const struct partition_facts *p;
	struct volume *v;

	new_plan(INTENT_PROVISION);
	data = ask("root", ROLE_DATA, MIB);
	hash = ask("root", ROLE_HASH, MIB);
	data->uuid = hash->uuid = (struct uuid){0};
	assert_ok(medium_gpt.allocate(f.m, f.plan));
	assert_ok(medium_gpt.plan(f.m, f.plan));
	assert_int_equal(run_steps(), -EINVAL); /* nothing learnt: not to be written with no UUID */
	assert_int_equal(diag_get(0)->code, DIAG_INTERNAL);
	assert_int_equal(probe()->table, TABLE_NONE);
	v = layout_volume(f.layout, "root");
	memset(&v->pieces[ROLE_DATA].uuid, 0x11, 16);
	memset(&v->pieces[ROLE_HASH].uuid, 0x22, 16);
	assert_ok(run_steps());
	p = facts_partition(probe(), "root");
	assert_true(uuid_equal(&p->uuid, &v->pieces[ROLE_DATA].uuid));
	p = facts_partition(&f.facts, "root-verity");
	assert_true(uuid_equal(&p->uuid, &v->pieces[ROLE_HASH].uuid));
}

static void equal_root_hashes_are_refused(void **state)
{
	struct request *a, *b;

	new_plan(INTENT_PROVISION);
	a = ask("one", ROLE_DATA, MIB);
	b = ask("two", ROLE_DATA, MIB);
	a->uuid = b->uuid = (struct uuid){0};
	memset(&a->volume->pieces[ROLE_DATA].uuid, 0x11, 16);
	memset(&b->volume->pieces[ROLE_DATA].uuid, 0x11, 16);
	assert_ok(medium_gpt.allocate(f.m, f.plan));
	assert_ok(medium_gpt.plan(f.m, f.plan));
	assert_int_equal(run_steps(), -EINVAL);
	assert_int_equal(diag_get(0)->code, DIAG_LAYOUT_SPACE);
	assert_non_null(strstr(diag_get(0)->text, "two and one have the same contents"));
	assert_int_equal(probe()->table, TABLE_NONE);
}

/* Makes a copy's checksums right: tampering, not damage. */
static void seal(uint64_t header, uint64_t entries, uint32_t n)
{
	uint32_t crc = gpt_crc32(bytes(entries), n * 128);

	for (int i = 0; i < 4; i++) {
		*bytes(header + 80 + (uint64_t)i) = (uint8_t)(n >> 8 * i);
		*bytes(header + 88 + (uint64_t)i) = (uint8_t)(crc >> 8 * i);
	}
	memset(bytes(header + 16), 0, 4);
	crc = gpt_crc32(bytes(header), 92);
	for (int i = 0; i < 4; i++)
		*bytes(header + 16 + (uint64_t)i) = (uint8_t)(crc >> 8 * i);
}

/* --- keeping --- */

static void keep(const char *const *labels, size_t n)
{
	assert_ok(medium_set(f.layout, f.m, "keep", labels, n, here));
}

/* A vendor's table: boot code, and a partition that is not aligned to anything of ours. */
static void make_vendor_table(const char *label, uint64_t flags)
{
	struct request r = {
	    .what = label,
	    .in_table = true,
	    .number = 5,
	    .flags = flags,
	    .placed = {10 * MIB + 512, 3 * 512},
	};
	struct uuid disk;

	memset(&r.uuid, 0x77, 16);
	memset(&r.type, 0x66, 16);
	memset(&disk, 0x55, 16);
	snprintf(r.label, sizeof(r.label), "%s", label);
	assert_ok(gpt_table_write(f.io, &disk, &r, 1));
	memset(bytes(0), 0xc0, GPT_BOOT_CODE_BYTES);
	memset(bytes(r.placed.offset_bytes), 0xdd, 3 * 512);
}

static void kept_partitions_stay_as_they_are(void **state)
{
	static const char *const labels[] = {"Bär€"};
	uint8_t entry[128];

	make_vendor_table("Bär€", 1ULL << 50 | 4);
	memcpy(entry, bytes(1024 + 4 * 128), sizeof(entry));
	keep(labels, 1);
	probe();
	make_table();
	assert_memory_equal(entry, bytes(1024 + 4 * 128), sizeof(entry));
	for (int i = 0; i < 3 * 512; i++)
		assert_int_equal(*bytes(10 * MIB + 512 + (uint64_t)i), 0xdd);
	for (int i = 0; i < GPT_BOOT_CODE_BYTES; i++)
		assert_int_equal(*bytes((uint64_t)i), 0xc0);
	assert_int_equal(probe()->partitions.n, 4);
	assert_all_good();
}

static void assert_not_kept(int error, const char *words)
{
	static const char *const labels[] = {"misc"};

	keep(labels, 1);
	probe();
	ask_all();
	assert_int_equal(medium_gpt.allocate(f.m, f.plan), error);
	if (!strstr(diag_get(0)->text, words))
		fail_msg("\"%s\" is not in: %s", words, diag_get(0)->text);
}

static void what_cannot_be_kept_is_refused(void **state)
{
	make_vendor_table("misc", 0);
	*bytes(1024 + 4 * 128 + 48 + 2) = 1; /* a reserved attribute bit: not made by libfdisk */
	seal(512, 1024, 128);
	assert_not_kept(-EINVAL,
			"x.layout:3: keep: partition 5 \"misc\" cannot be kept as it is: it has "
			"reserved attribute bits");
}

static void a_number_that_there_will_not_be_cannot_be_kept(void **state)
{
	make_vendor_table("misc", 0);
	memcpy(bytes(1024 + 199 * 128), bytes(1024 + 4 * 128), 128);
	memset(bytes(1024 + 4 * 128), 0, 128);
	seal(512, 1024, 256);
	assert_not_kept(-EINVAL,
			"partition 200 \"misc\" cannot be kept as it is: its number is above 128");
}

static void a_label_that_stands_twice_cannot_be_kept(void **state)
{
	make_vendor_table("misc", 0);
	memcpy(bytes(1024), bytes(1024 + 4 * 128), 128);
	seal(512, 1024, 128);
	assert_not_kept(-EINVAL, "another partition has the same label");
}

static void a_label_that_is_no_text_cannot_be_kept(void **state)
{
	static const char *const labels[] = {"misc\xef\xbf\xbd"};

	make_vendor_table("misc", 0);
	memcpy(bytes(1024 + 4 * 128 + 64), "\x3d\xd8", 2); /* half a pair */
	seal(512, 1024, 128);
	keep(labels, 1);
	probe();
	ask_all();
	assert_int_equal(medium_gpt.allocate(f.m, f.plan), -EINVAL);
	assert_non_null(strstr(diag_get(0)->text, "its label is no valid text"));
}

static void what_is_not_there_cannot_be_kept(void **state)
{
	make_vendor_table("other", 0);
	assert_not_kept(-ENOENT,
			"there is no partition \"misc\" on the target; there are: \"other\"");
}

static void a_kept_partition_must_lie_between_the_copies(void **state)
{
	struct io *whole;

	make_vendor_table("misc", 0);
	whole = f.io; /* the head of it, as if it had been cut */
	f.io = NULL;
	new_target(8 * MIB, 512);
	assert_ok(io_write(f.io, io_memory_bytes(whole), 64 * 1024, 0));
	io_close(whole);
	assert_not_kept(-EINVAL, "it does not lie between the two copies");
}

static void an_empty_target_has_nothing_to_keep(void **state)
{
	static const char *const labels[] = {"misc"};

	keep(labels, 1);
	probe();
	make_table();
	assert_all_good();
}

static void options_are_checked(void **state)
{
	static const char *const comma[] = {"a,b"}, *const odd[] = {"4095K"};

	keep(comma, 1);
	assert_ok(medium_set(f.layout, f.m, "size", odd, 1, here));
	assert_int_equal(medium_gpt.check(f.m), -EINVAL);
	assert_int_equal(diag_count(), 2);
	assert_non_null(strstr(diag_get(0)->text, "x.layout:3: size = 4095K is not"));
	assert_non_null(strstr(diag_get(0)->text, "write size = 4092K"));
	assert_non_null(strstr(diag_get(1)->text, "x.layout:3: keep: \"a,b\""));
	new_layout();
	assert_ok(medium_gpt.check(f.m));
}

/* --- damage --- */

static void either_header_is_mended(void **state)
{
	uint64_t at[] = {512, 512 + 60, backup_header(), backup_header() + 60};

	for (size_t i = 0; i < 4; i++) {
		set_up(state);
		make_table();
		*bytes(at[i]) ^= 1;
		probe();
		assert_true(f.facts.mendable);
		assert_int_equal(f.facts.table, TABLE_OURS);
		assert_int_equal(
		    findings(FINDING_MENDABLE, i < 2 ? "primary header" : "backup header"), 1);
		assert_int_equal(mend(), 1);
		assert_table_as_asked();
		assert_int_equal(mend(), 0);
	}
}

static void either_array_is_mended(void **state)
{
	for (int backup = 0; backup < 2; backup++) {
		set_up(state);
		make_table();
		*bytes(backup ? SIZE - 33 * 512 + 5000 : 1024 + 5000) ^= 1;
		assert_int_equal(
		    findings(FINDING_MENDABLE, backup ? "backup entries" : "primary entries"), 1);
		assert_int_equal(mend(), 1);
		assert_table_as_asked();
	}
}

static void a_lost_protective_mbr_is_mended(void **state)
{
	make_table();
	memset(bytes(0), 0xc0, 512);
	assert_int_equal(findings(FINDING_MENDABLE, "protective MBR: is not there"), 1);
	assert_int_equal(mend(), 1);
	assert_table_as_asked();
	assert_int_equal(*bytes(GPT_BOOT_CODE_BYTES - 1), 0xc0); /* boot code stays */
}

static void nothing_but_the_table_is_mended(void **state)
{
	make_table();
	memset(bytes(34 * 512), 0xa5, SIZE - 67 * 512);
	memset(bytes(512), 0, 512);
	memset(bytes(0), 0xc0, GPT_BOOT_CODE_BYTES);
	assert_int_equal(mend(), 1);
	for (uint64_t i = 34 * 512; i < SIZE - 33 * 512; i++)
		assert_int_equal(*bytes(i), 0xa5);
	for (uint64_t i = 0; i < GPT_BOOT_CODE_BYTES; i++)
		assert_int_equal(*bytes(i), 0xc0);
	assert_all_good();
}

static void with_both_lost_it_is_damaged(void **state)
{
	make_table();
	*bytes(600) ^= 1;
	*bytes(backup_header() + 60) ^= 1;
	assert_int_equal(probe()->table, TABLE_DAMAGED);
	assert_int_equal(findings(FINDING_CORRUPT, "header: does not match its checksum"), 2);
	assert_int_equal(mend(), 0);
	assert_int_equal(gpt_table_mend(f.io), -EUCLEAN);
	assert_int_equal(diag_get(0)->code, DIAG_DAMAGED);
}

/* Both good, and different: what a cut between the copies of a new table leaves. */
static void copies_that_differ_become_the_primary(void **state)
{
	uint8_t tail[33 * 512];

	make_vendor_table("old", 0);
	memcpy(tail, bytes(SIZE - sizeof(tail)), sizeof(tail));
	make_table();
	memcpy(bytes(SIZE - sizeof(tail)), tail, sizeof(tail));
	assert_int_equal(findings(FINDING_MENDABLE, "says something else than the primary"), 1);
	assert_int_equal(mend(), 1);
	assert_table_as_asked();
}

/* Both good, of the same disk, with one entry that is not the same. */
static void copies_that_say_different_things_are_mended(void **state)
{
	make_table();
	*bytes(SIZE - 33 * 512 + 56) ^= 1; /* first letter of a name */
	seal(backup_header(), SIZE - 33 * 512, 128);
	assert_int_equal(findings(FINDING_MENDABLE, "says something else than the primary"), 1);
	assert_int_equal(mend(), 1);
	assert_table_as_asked();
}

/* Each of the headers where the other one should be: their checksums are right. */
static void a_header_of_another_place_is_not_good(void **state)
{
	for (int backup = 0; backup < 2; backup++) {
		uint64_t to = backup ? backup_header() : 512, from = backup ? 512 : backup_header();

		set_up(state);
		make_table();
		memcpy(bytes(to), bytes(from), 512);
		assert_int_equal(findings(FINDING_MENDABLE, backup ? "backup header: says that it "
								     "stands elsewhere"
								   : "primary header: says that it "
								     "stands elsewhere"),
				 1);
		assert_int_equal(mend(), 1);
		assert_table_as_asked();
	}
}

/* The primary is lost, and at the end stands what another table left there. */
static void a_stale_backup_is_not_made_the_table(void **state)
{
	uint8_t tail[33 * 512], head[34 * 512];

	make_vendor_table("old", 0);
	memcpy(tail, bytes(SIZE - sizeof(tail)), sizeof(tail));
	make_table();
	memcpy(bytes(SIZE - sizeof(tail)), tail, sizeof(tail));
	*bytes(600) ^= 1;
	memcpy(head, bytes(0), sizeof(head));
	assert_int_equal(findings(FINDING_WRONG, "root entry: is missing"), 1);
	assert_int_equal(mend(), 0);
	assert_memory_equal(head, bytes(0), sizeof(head));
}

/* The target's first @size bytes on a target of @new_size. */
static void resize(uint64_t new_size)
{
	assert_ok(io_resize(f.io, new_size));
	facts_free(&f.facts);
}

static void a_table_for_a_smaller_target_moves_to_the_end(void **state)
{
	make_table();
	resize(2 * SIZE);
	probe();
	assert_true(f.facts.backup_misplaced);
	assert_int_equal(findings(FINDING_MENDABLE, "made for a smaller target"), 1);
	assert_int_equal(mend(), 1);
	assert_all_good();
}

static void a_grown_target_without_primary_entries_is_mended(void **state)
{
	make_table();
	resize(2 * SIZE);
	*bytes(1024 + 5000) ^= 1;
	assert_int_equal(findings(FINDING_MENDABLE, "primary entries"), 1);
	assert_int_equal(mend(), 1);
	assert_all_good();
	assert_non_null(facts_partition(&f.facts, "root"));
}

static void a_table_for_a_larger_target_is_not_touched(void **state)
{
	uint8_t before[64 * 1024];

	make_table();
	resize(SIZE / 2);
	memcpy(before, bytes(0), sizeof(before));
	assert_int_equal(findings(FINDING_WRONG, "was made for a larger target"), 1);
	assert_int_equal(mend(), 0);
	assert_int_equal(gpt_table_mend(f.io), -EUCLEAN);
	assert_non_null(strstr(diag_get(0)->text, "larger target"));
	assert_memory_equal(before, bytes(0), sizeof(before));
}

/* --- against the layout --- */

/* In both copies. */
static void tamper(unsigned entry, unsigned offset, uint8_t value)
{
	uint64_t at = entry * 128 + offset, backup = SIZE - 33 * 512;

	*bytes(1024 + at) = *bytes(backup + at) = value;
	seal(512, 1024, 128);
	seal(backup_header(), backup, 128);
}

static void changed_entries_are_wrong(void **state)
{
	static const struct {
		unsigned entry, offset;
		uint8_t value;
		const char *words;
	} cases[] = {
	    {0, 0, 0xff, "root entry: has another type or UUID"},
	    {0, 16, 0xff, "root entry: has another type or UUID"},
	    {0, 32, 0xff, "root entry: has another place"},
	    {0, 40, 0x0e, "root entry: has another place"},
	    {0, 39, 0x80, "root entry: ends before it begins"},
	    {0, 56, 'X', "root entry: has another label"},
	    {2, 0, 0xff, "entry: has another type or UUID"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		set_up(state);
		make_table();
		tamper(cases[i].entry, cases[i].offset, cases[i].value);
		if (findings(FINDING_WRONG, cases[i].words) != 1)
			fail_msg("case %zu: %s", i, cases[i].words);
	}
}

/* 2^55 sectors further is the same byte, modulo 2^64. */
static void places_do_not_wrap_around(void **state)
{
	make_table();
	tamper(0, 38, 0x80);
	tamper(0, 46, 0x80);
	assert_int_equal(findings(FINDING_WRONG, "root entry: has another place"), 1);
}

static void a_missing_entry_is_wrong(void **state)
{
	make_table();
	for (unsigned i = 0; i < 128; i++)
		tamper(0, i, 0);
	assert_int_equal(findings(FINDING_WRONG, "root entry: is missing"), 1);
	assert_int_equal(all_findings(), 1);
}

static void a_second_entry_over_a_volume_is_wrong(void **state)
{
	uint8_t entry[128];

	make_table();
	memcpy(entry, bytes(1024), sizeof(entry));
	entry[16] ^= 1;
	for (unsigned i = 0; i < 128; i++)
		tamper(9, i, entry[i]);
	assert_int_equal(findings(FINDING_WRONG, "root entry: is not of the layout, and lies over"),
			 1);
}

static void an_entry_over_the_vault_is_wrong(void **state)
{
	uint8_t entry[128];

	make_table();
	memcpy(entry, bytes(1024 + 2 * 128), sizeof(entry));
	entry[16] ^= 1;
	for (unsigned i = 0; i < 128; i++)
		tamper(9, i, entry[i]);
	assert_int_equal(findings(FINDING_WRONG, "entry: is not of the layout, and lies over the "
						 "vault"),
			 1);
}

/* --- other things on the target --- */

static void an_empty_target_is_empty(void **state)
{
	struct medium_facts *facts = probe();

	assert_int_equal(facts->table, TABLE_NONE);
	assert_int_equal(facts->capacity_bytes, SIZE);
	new_target(4 * 512, 512);
	assert_int_equal(probe()->table, TABLE_NONE);
	assert_true(findings(FINDING_CORRUPT, "") > 0);
}

static void a_target_that_cannot_be_read_is_not_empty(void **state)
{
	struct fault_plan faults = {.cut_at = 1};

	f.io = fault_wrap(f.io, &faults);
	f.job.target = f.io;
	assert_int_equal(io_flush(f.io), -EIO); /* from here on it gives EIO */
	assert_int_equal(medium_gpt.probe(&f.job, &f.facts), -EIO);
	assert_int_equal(diag_get(0)->code, DIAG_IO);
	facts_free(&f.facts);
	assert_int_equal(medium_raw.probe(&f.job, &f.facts), -EIO);
}

static void foreign_things_are_named(void **state)
{
	memcpy(bytes(4096 - 10), "SWAPSPACE2", 10);
	*bytes(1024) = 1;
	*bytes(1028) = 0xff;
	assert_int_equal(probe()->table, TABLE_FOREIGN);
	assert_string_equal(f.facts.foreign, "swap");
	memcpy(bytes(64 * 1024 + 64), "_BHRfS_M", 8); /* two at once are not nothing */
	assert_int_equal(probe()->table, TABLE_FOREIGN);
	assert_non_null(f.facts.foreign);
}

static void retiring_leaves_nothing_behind(void **state)
{
	make_table();
	memcpy(bytes(64 * 1024 + 64), "_BHRfS_M", 8);
	new_plan(INTENT_PROVISION);
	assert_ok(medium_gpt.plan_retire(f.m, f.plan));
	assert_int_equal(f.plan->steps.n, 1);
	memset(bytes(MIB), 0x11, MIB); /* the vault, which is begun before */
	assert_ok(run_steps());
	assert_int_equal(probe()->table, TABLE_NONE);
	memcpy(bytes(MIB), "\x0d\xd0\x01\xc0", 4); /* what libblkid takes for VMFS */
	assert_ok(run_steps());
	assert_memory_equal(bytes(MIB), "\x0d\xd0\x01\xc0", 4);
	for (uint64_t i = MIB + 4; i < 2 * MIB; i++)
		assert_int_equal(*bytes(i), 0x11);
}

/* --- discovering --- */

static struct request *ask_typed(const char *name, const char *type, uint8_t uuid)
{
	struct request *r = ask(name, ROLE_DATA, MIB);

	r->type = dps_by_name(type, "arm64")->uuid;
	memset(&r->uuid, uuid, 16);
	return r;
}

static void discover(void)
{
	assert_ok(medium_gpt.allocate(f.m, f.plan));
	assert_ok(medium_gpt.plan(f.m, f.plan));
	assert_ok(run_steps());
	new_layout();
	probe();
	assert_ok(medium_gpt.discover(f.m, f.layout, &f.facts, &f.job, layer_registry));
}

static void pairs_are_found_by_their_types(void **state)
{
	struct volume *v;
	char hex[65];

	new_plan(INTENT_PROVISION);
	ask_typed("a", "root", 0x11);
	ask_typed("b", "root-verity", 0x22);
	ask_typed("c", "home", 0x33);
	ask("d", ROLE_DATA, MIB);
	discover();
	assert_int_equal(f.layout->n_volumes, 3); /* the vault's is nobody's */
	v = layout_volume(f.layout, "root");
	assert_non_null(v);
	assert_int_equal(v->n_layers, 2);
	assert_string_equal(v->layers[1]->ops->name, "verity");
	assert_int_equal(v->pieces[ROLE_HASH].extent.size_bytes, MIB);
	memset(hex, '1', 32);
	memset(hex + 32, '2', 32);
	hex[64] = 0;
	assert_string_equal(layer_learned(v->layers[1], "root-hash"), hex);
	assert_int_equal(layout_volume(f.layout, "home")->n_layers, 1);
	assert_non_null(layout_volume(f.layout, "partition4"));
}

static void several_of_a_type_keep_their_order(void **state)
{
	const struct volume *v;

	new_plan(INTENT_PROVISION);
	ask_typed("a", "root", 0x11);
	ask_typed("b", "root", 0x12);
	ask_typed("c", "root-verity", 0x21);
	ask_typed("d", "root-verity", 0x22);
	discover();
	assert_int_equal(f.layout->n_volumes, 2);
	v = layout_volume(f.layout, "root-2");
	assert_int_equal(v->pieces[ROLE_DATA].uuid.b[0], 0x12);
	assert_int_equal(v->pieces[ROLE_HASH].uuid.b[0], 0x22);
}

static void a_full_table_is_not_too_much(void **state)
{
	new_target(256 * MIB, 512);
	new_plan(INTENT_PROVISION);
	for (int i = 0; i < 70; i++) {
		struct request *r = plan_request(f.plan, REQUEST_VOLUME, NULL, ROLE_DATA);

		r->what = "one of many";
		r->size_bytes = MIB;
		r->in_table = true;
		r->type = dps_by_name("linux-generic", NULL)->uuid;
		snprintf(r->label, sizeof(r->label), "v%d", i);
		memset(&r->uuid, i + 1, 16);
	}
	discover();
	assert_int_equal(f.layout->n_volumes, VOLUMES_MAX);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_table_is_made_as_asked),
	    TEST(sectors_of_4096_too),
	    TEST(partitions_may_begin_right_behind_the_table),
	    TEST(the_same_seed_makes_the_same_bytes),
	    TEST(only_the_tables_own_bytes_are_written),
	    TEST(the_least_image_holds_it_all),
	    TEST(uuids_come_from_what_was_learnt),
	    TEST(equal_root_hashes_are_refused),
	    TEST(kept_partitions_stay_as_they_are),
	    TEST(what_cannot_be_kept_is_refused),
	    TEST(a_number_that_there_will_not_be_cannot_be_kept),
	    TEST(a_label_that_stands_twice_cannot_be_kept),
	    TEST(a_label_that_is_no_text_cannot_be_kept),
	    TEST(what_is_not_there_cannot_be_kept),
	    TEST(a_kept_partition_must_lie_between_the_copies),
	    TEST(an_empty_target_has_nothing_to_keep),
	    TEST(options_are_checked),
	    TEST(either_header_is_mended),
	    TEST(either_array_is_mended),
	    TEST(a_lost_protective_mbr_is_mended),
	    TEST(nothing_but_the_table_is_mended),
	    TEST(with_both_lost_it_is_damaged),
	    TEST(copies_that_differ_become_the_primary),
	    TEST(copies_that_say_different_things_are_mended),
	    TEST(a_header_of_another_place_is_not_good),
	    TEST(a_stale_backup_is_not_made_the_table),
	    TEST(a_table_for_a_smaller_target_moves_to_the_end),
	    TEST(a_grown_target_without_primary_entries_is_mended),
	    TEST(a_table_for_a_larger_target_is_not_touched),
	    TEST(changed_entries_are_wrong),
	    TEST(places_do_not_wrap_around),
	    TEST(a_missing_entry_is_wrong),
	    TEST(a_second_entry_over_a_volume_is_wrong),
	    TEST(an_entry_over_the_vault_is_wrong),
	    TEST(an_empty_target_is_empty),
	    TEST(a_target_that_cannot_be_read_is_not_empty),
	    TEST(foreign_things_are_named),
	    TEST(retiring_leaves_nothing_behind),
	    TEST(pairs_are_found_by_their_types),
	    TEST(several_of_a_type_keep_their_order),
	    TEST(a_full_table_is_not_too_much),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
