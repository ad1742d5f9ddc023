/* SPDX-License-Identifier: Apache-2.0 */
/* The partition layer without a kernel: types, labels, flags, sizes, and the range it must lie in.
 */
#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "base/io.h"
#include "format/dps.h"
#include "layer/partition.h"
#include "layer/registry.h"
#include "lib/check.h"
#include "model/build.h"
#include "model/medium.h"

#define MIB (1024 * 1024ull)

static const struct option_spec no_options[] = {{0}};
static const struct medium_ops gpt = {.name = "gpt", .provides = PLACE_GPT, .options = no_options};
static const struct where nowhere = {.file = "test.layout", .line = 7};

struct fixture {
	struct layout *layout;
	struct volume *volume;
	struct layer *partition;
	struct plan *plan;
};

static int set_up(void **state)
{
	static struct fixture f;
	struct medium *m;

	f.layout = layout_new();
	f.layout->device.architecture = "x86-64";
	m = layout_add_medium(f.layout, &gpt, "m", nowhere);
	f.volume = layout_add_volume(f.layout, "root", "a", m, nowhere);
	f.partition = volume_add_layer(f.volume, &layer_partition, nowhere);
	f.plan = plan_new(f.layout, INTENT_PROVISION);
	f.plan->sector_bytes = 512;
	*state = &f;
	return f.partition ? 0 : -1;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	plan_free(f->plan);
	layout_free(f->layout);
	diag_forget(0);
	return 0;
}

static void set(struct fixture *f, const char *name, const char *value)
{
	assert_ok(layer_set(f->partition, name, &value, 1, nowhere));
}

/* What the layer asks for when the layers above need @need. */
static int size(struct fixture *f, uint64_t need, const struct request **ret)
{
	struct sizing s = {.need_bytes = need, .least_bytes = need};
	int r = layer_partition.bound(f->partition, &s.bound);

	if (r >= 0)
		r = layer_partition.size(f->partition, &s, f->plan);
	*ret = plan_find(f->plan, f->volume, ROLE_DATA);
	return r;
}

static void defaults_ask_for_what_the_contents_need(void **state)
{
	struct fixture *f = *state;
	const struct request *q;

	assert_ok(layer_partition.check(f->partition));
	assert_ok(size(f, 5 * MIB, &q));
	assert_int_equal(q->size_bytes, 5 * MIB);
	assert_false(q->fill);
	assert_false(q->has_offset);
	assert_true(q->in_table);
	assert_string_equal(q->label, "root-a");
	assert_string_equal(q->what, "volume root:a");
	assert_true(uuid_equal(&q->type, &dps_by_name("linux-generic", NULL)->uuid));
	assert_false(uuid_is_nil(&q->uuid));
	assert_int_equal(q->uuid.b[6] >> 4, 4); /* version and variant of RFC 9562 */
	assert_int_equal(q->uuid.b[8] >> 6, 2);
	assert_int_equal(q->flags, 0);
}

static void types_are_names_of_the_architecture_or_uuids(void **state)
{
	struct fixture *f = *state;
	const struct request *q;
	static const char uuid[] = "11111111-2222-4333-8444-555555555555";
	struct uuid expected;

	set(f, "type", "root");
	assert_ok(size(f, MIB, &q));
	assert_true(uuid_equal(&q->type, &dps_by_name("root", "x86-64")->uuid));
	assert_false(uuid_equal(&q->type, &dps_by_name("root", "arm64")->uuid));
	plan_free(f->plan);
	f->plan = plan_new(f->layout, INTENT_PROVISION);
	set(f, "type", uuid);
	assert_ok(size(f, MIB, &q));
	assert_ok(uuid_scan(uuid, &expected));
	assert_true(uuid_equal(&q->type, &expected));
}

static void unknown_types_are_refused_with_the_nearest(void **state)
{
	struct fixture *f = *state;

	set(f, "type", "hoem");
	assert_int_equal(layer_partition.check(f->partition), -EINVAL);
	assert_int_equal(diag_get(0)->code, DIAG_LAYOUT_VALUE);
	assert_non_null(strstr(diag_get(0)->text, "test.layout:7: "));
	assert_non_null(strstr(diag_get(0)->text, "did you mean home"));
}

static void fixed_sizes_must_hold_the_contents(void **state)
{
	struct fixture *f = *state;
	const struct request *q;

	set(f, "size", "4M");
	assert_int_equal(size(f, 4 * MIB + 1, &q), -ENOSPC);
	assert_int_equal(diag_get(0)->code, DIAG_LAYOUT_SPACE);
	assert_non_null(strstr(diag_get(0)->text, "4194304 bytes are too few"));
	assert_non_null(strstr(diag_get(0)->text, "4194305"));
	plan_free(f->plan);
	f->plan = plan_new(f->layout, INTENT_PROVISION);
	assert_ok(size(f, 4 * MIB, &q));
	assert_int_equal(q->size_bytes, 4 * MIB);
}

static void nothing_tells_the_size(void **state)
{
	const struct request *q;

	assert_int_equal(size(*state, 0, &q), -EINVAL);
	assert_non_null(strstr(diag_get(0)->text, "nothing tells how large"));
}

static void fill_takes_the_rest_and_has_no_offset(void **state)
{
	struct fixture *f = *state;
	const struct request *q;

	set(f, "size", "fill");
	assert_ok(layer_partition.check(f->partition));
	assert_ok(size(f, MIB, &q));
	assert_true(q->fill);
	assert_int_equal(q->size_bytes, MIB); /* the least */
	set(f, "offset", "2M");
	assert_int_equal(layer_partition.check(f->partition), -EINVAL);
}

static void flags_label_number_and_offset_are_passed_on(void **state)
{
	struct fixture *f = *state;
	const char *flags[] = {"no-auto", "grow-file-system", "legacy-boot"};
	const struct request *q;

	assert_ok(layer_set(f->partition, "flags", flags, 3, nowhere));
	set(f, "label", "system");
	set(f, "number", "9");
	set(f, "offset", "8M");
	set(f, "in-table", "false");
	assert_ok(size(f, MIB, &q));
	/* The specification's bits 63 and 59, UEFI's bit 2. */
	assert_int_equal(q->flags, 1ull << 63 | 1ull << 59 | 1ull << 2);
	assert_string_equal(q->label, "system-a");
	assert_int_equal(q->number, 9);
	assert_true(q->has_offset);
	assert_int_equal(q->offset_bytes, 8 * MIB);
	assert_false(q->in_table);
}

static void a_reserved_slot_follows_the_first(void **state)
{
	struct fixture *f = *state;
	const struct request *q;

	set(f, "number", "9");
	set(f, "offset", "8M");
	f->volume->reserved = true;
	assert_ok(size(f, MIB, &q));
	assert_int_equal(q->number, 0);
	assert_false(q->has_offset);
}

static void labels_are_36_printable_characters(void **state)
{
	struct fixture *f = *state;
	const struct request *q;

	set(f, "label", "abcdefghijklmnopqrstuvwxyz01234567"); /* 34, and "-a" */
	assert_ok(size(f, MIB, &q));
	assert_int_equal(strlen(q->label), 36);
	set(f, "label", "abcdefghijklmnopqrstuvwxyz012345678");
	assert_int_equal(size(f, MIB, &q), -EINVAL);
	set(f, "label", "sch\xc3\xb6n");
	assert_int_equal(size(f, MIB, &q), -EINVAL);
}

/* The root hash becomes the UUID only where the specification pairs types. */
static void verity_above_leaves_the_uuid_to_the_root_hash(void **state)
{
	struct fixture *f = *state;
	const struct request *q;

	assert_non_null(volume_add_layer(f->volume, &layer_verity, nowhere));
	set(f, "type", "root");
	assert_ok(size(f, MIB, &q));
	assert_true(uuid_is_nil(&q->uuid));
	assert_int_equal(q->flags, 1ull << 60); /* read-only */
	plan_free(f->plan);
	f->plan = plan_new(f->layout, INTENT_PROVISION);
	set(f, "type", "linux-generic");
	assert_ok(size(f, MIB, &q));
	assert_false(uuid_is_nil(&q->uuid));
	plan_free(f->plan);
	f->plan = plan_new(f->layout, INTENT_PROVISION);
	set(f, "type", "root");
	f->volume->reserved = true; /* nothing in it that could be hashed */
	assert_ok(size(f, MIB, &q));
	assert_false(uuid_is_nil(&q->uuid));
}

static void uuids_follow_seed_and_slot(void **state)
{
	struct fixture *f = *state;
	const struct request *q;
	struct uuid first;

	assert_ok(size(f, MIB, &q));
	first = q->uuid;
	plan_free(f->plan);
	f->plan = plan_new(f->layout, INTENT_PROVISION);
	assert_ok(size(f, MIB, &q));
	assert_true(uuid_equal(&q->uuid, &first));
	plan_free(f->plan);
	f->plan = plan_new(f->layout, INTENT_PROVISION);
	f->plan->seed[0] = 1;
	assert_ok(size(f, MIB, &q));
	assert_false(uuid_equal(&q->uuid, &first));
	plan_free(f->plan);
	f->plan = plan_new(f->layout, INTENT_PROVISION);
	f->volume->slot = "b";
	assert_ok(size(f, MIB, &q));
	assert_false(uuid_equal(&q->uuid, &first));
}

static void attached_is_a_window_of_the_target(void **state)
{
	struct fixture *f = *state;
	_cleanup_io_ struct io *target = NULL, *window = NULL;
	struct job job = {0};
	uint64_t gives;

	assert_ok(io_open_memory("target", MIB, &target));
	f->volume->pieces[ROLE_DATA].extent = (struct extent){4096, 8192};
	assert_ok(layer_partition.gives(f->partition, &gives));
	assert_int_equal(gives, 8192);
	assert_ok(layer_partition.attach(f->partition, &job, ATTACH_WRITE, target, &window));
	assert_int_equal(window->size_bytes, 8192);
	assert_ok(io_write(window, "x", 1, 8191));
	assert_int_equal(((char *)io_memory_bytes(target))[4096 + 8191], 'x');
	assert_int_equal(io_write(window, "x", 1, 8192), -EIO);
}

static void a_range_past_the_end_is_found(void **state)
{
	struct fixture *f = *state;
	_cleanup_io_ struct io *target = NULL;
	struct job job = {0};
	struct report report;

	report_init(&report);
	assert_ok(io_open_memory("target", MIB, &target));
	job.target = target;
	f->volume->pieces[ROLE_DATA].extent = (struct extent){MIB - 4096, 4096};
	assert_ok(layer_partition.verify(f->partition, &job, &report));
	assert_int_equal(report.findings.n, 0);
	f->volume->pieces[ROLE_DATA].extent.size_bytes = 4097;
	assert_ok(layer_partition.verify(f->partition, &job, &report));
	f->volume->pieces[ROLE_DATA].extent = (struct extent){MIB + 9000, UINT64_MAX};
	assert_ok(layer_partition.verify(f->partition, &job, &report));
	assert_int_equal(report.findings.n, 2);
	assert_int_equal(report.findings.v[0].kind, FINDING_WRONG);
	report_free(&report);
}

static void opening_wants_a_block_device_of_sufficient_size(void **state)
{
	struct fixture *f = *state;
	const struct open_how how = {.dm_prefix = "test"};
	_cleanup_io_ struct io *target = NULL;
	struct job job = {.target_name = "/dev/null"};
	struct place place;

	assert_ok(io_open_memory("target", MIB, &target));
	job.target = target;
	f->volume->pieces[ROLE_DATA].extent = (struct extent){0, 2 * MIB};
	assert_int_equal(partition_open_role(f->volume, &job, &how, ROLE_DATA, &place), -ERANGE);
	assert_int_equal(diag_get(0)->code, DIAG_TARGET_SIZE);
	diag_forget(0);
	f->volume->pieces[ROLE_DATA].extent.size_bytes = MIB;
	assert_int_equal(partition_open_role(f->volume, &job, &how, ROLE_DATA, &place), -ENOTBLK);
	assert_non_null(strstr(diag_get(0)->next, "losetup"));
}

static void names_for_the_kernel_need_a_partition_uuid(void **state)
{
	struct fixture *f = *state;
	_cleanup_text_ struct text name = {0};

	assert_int_equal(partition_device_name(f->volume, ROLE_DATA, &name), -EINVAL);
	memset(f->volume->pieces[ROLE_DATA].uuid.b, 0xab, 16);
	assert_int_equal(partition_device_name(f->volume, ROLE_DATA, &name), -EINVAL);
	f->volume->pieces[ROLE_DATA].number = 1; /* it has an entry in the table */
	assert_ok(partition_device_name(f->volume, ROLE_DATA, &name));
	assert_string_equal(name.s, "PARTUUID=abababab-abab-abab-abab-abababababab");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    T(defaults_ask_for_what_the_contents_need),
	    T(types_are_names_of_the_architecture_or_uuids),
	    T(unknown_types_are_refused_with_the_nearest),
	    T(fixed_sizes_must_hold_the_contents),
	    T(nothing_tells_the_size),
	    T(fill_takes_the_rest_and_has_no_offset),
	    T(flags_label_number_and_offset_are_passed_on),
	    T(a_reserved_slot_follows_the_first),
	    T(labels_are_36_printable_characters),
	    T(verity_above_leaves_the_uuid_to_the_root_hash),
	    T(uuids_follow_seed_and_slot),
	    T(attached_is_a_window_of_the_target),
	    T(a_range_past_the_end_is_found),
	    T(opening_wants_a_block_device_of_sufficient_size),
	    T(names_for_the_kernel_need_a_partition_uuid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
