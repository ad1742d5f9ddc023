/* SPDX-License-Identifier: Apache-2.0 */
/* Layouts read from text: what they become, and each mistake with its code and line. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "layer/registry.h"
#include "layout/layout-file.h"
#include "lib/check.h"
#include "medium/registry.h"

#define NAME "some/where/x.layout"

static const char *const planned[] = {"ubi", NULL};
static const struct kinds kinds = {.layers = layer_registry,
				   .media = medium_registry,
				   .host_architecture = "arm64",
				   .planned_layers = planned};

static int read_with(const char *text, const struct setting *settings, size_t n,
		     struct layout **ret)
{
	return layout_read_text(NAME, text, strlen(text), "some/where", settings, n, &kinds, ret);
}

static struct layout *layout_of(const char *text)
{
	struct layout *l;

	if (read_with(text, NULL, 0, &l) != 0)
		fail_msg("%s", diag_get(0)->text);
	assert_int_equal(diag_count(), 0);
	return l;
}

/* The first thing said has this code, and is about this line; @ret is left alone. */
static void refused(const char *text, int error, enum diag_code code, unsigned line)
{
	struct layout *l = NULL;
	char where[64];

	snprintf(where, sizeof(where), NAME ":%u: ", line);
	assert_int_equal(read_with(text, NULL, 0, &l), error);
	assert_null(l);
	assert_true(diag_count() > 0);
	if (diag_get(0)->code != code || strncmp(diag_get(0)->text, where, strlen(where)) != 0)
		fail_msg("%s: %s", diag_code_text(diag_get(0)->code), diag_get(0)->text);
	diag_forget(0);
}

static void a_volume_is_enough(void **state)
{
	struct layout *l = layout_of("volume \"v\" { partition { size = 1M } }");

	assert_string_equal(l->device.name, "device");
	assert_string_equal(l->device.architecture, "arm64");
	assert_int_equal(l->device.version, 0);
	assert_false(l->device.has_seed);
	assert_int_equal(l->n_media, 1);
	assert_string_equal(l->media[0]->ops->name, "gpt");
	assert_int_equal(l->vault.extent.offset_bytes, 1024 * 1024);
	assert_int_equal(l->vault.extent.size_bytes, 8 * 1024 * 1024);
	assert_ptr_equal(l->vault.medium, l->media[0]);
	assert_int_equal(l->n_volumes, 1);
	assert_string_equal(l->volumes[0]->full_name, "v");
	assert_ptr_equal(l->volumes[0]->medium, l->media[0]);
	layout_free(l);
}

static void everything_is_where_it_was_written(void **state)
{
	struct layout *l = layout_of("device \"gateway\" { architecture = \"x86-64\" version = 7\n"
				     "  seed = \"5c0d3f3e-0000-4000-8000-000000000001\" }\n"
				     "medium \"flash\" { type = \"raw\" align = 64K }\n"
				     "vault { offset = 2M size = 1M medium = \"flash\" }\n"
				     "volume \"boot\" { medium = \"flash\"\n"
				     "  partition { size = 1M offset = 4M }\n"
				     "  image { source = \"boot.bin\" } }\n"
				     "volume \"root\" { slots = {\"a\", \"b\"}\n"
				     "  partition { size = 16M }\n"
				     "  verity { hash = \"sha512\" }\n"
				     "  image { source = \"/abs/root.img\" } }\n");
	const struct volume *boot = l->volumes[0], *a = l->volumes[1], *b = l->volumes[2];

	assert_string_equal(l->device.name, "gateway");
	assert_string_equal(l->device.architecture, "x86-64");
	assert_int_equal(l->device.version, 7);
	assert_true(l->device.has_seed);
	assert_string_equal(l->media[0]->name, "flash");
	assert_string_equal(l->media[0]->ops->name, "raw");
	assert_int_equal(l->media[0]->where.line, 3);
	assert_int_equal(l->vault.extent.offset_bytes, 2 * 1024 * 1024);
	assert_int_equal(l->vault.extent.size_bytes, 1024 * 1024);
	assert_int_equal(l->n_volumes, 3);
	assert_string_equal(boot->full_name, "boot");
	assert_null(boot->slot);
	assert_int_equal(boot->n_layers, 2);
	assert_string_equal(boot->layers[1]->ops->name, "image");
	assert_int_equal(boot->layers[1]->where.line, 7);
	assert_string_equal(boot->layers[1]->values[0].path, "some/where/boot.bin");
	assert_string_equal(a->full_name, "root:a");
	assert_string_equal(b->full_name, "root:b");
	assert_false(a->reserved);
	assert_true(b->reserved);
	assert_int_equal(b->n_layers, 3);
	assert_string_equal(a->layers[2]->values[0].path, "/abs/root.img");
	layout_free(l);
}

static void settings_are_values(void **state)
{
	static const struct setting serial = {"SERIAL", "A17"};
	struct layout *l;

	assert_int_equal(read_with("device \"${SERIAL}\" { }\n"
				   "volume \"v\" { partition { size = 1M label = ${SERIAL} } }",
				   &serial, 1, &l),
			 0);
	assert_string_equal(l->device.name, "A17");
	layout_free(l);
}

static void a_mistake_is_told_with_its_line(void **state)
{
	static const struct {
		const char *text;
		enum diag_code code;
		unsigned line;
	} wrong[] = {
	    {"volume \"v\" {\n partition {\n size = 1X } }", DIAG_LAYOUT_VALUE, 3},
	    {"volume \"v\" {\n partition {\n sise = 1M } }", DIAG_LAYOUT_UNKNOWN, 3},
	    {"volume \"v\" {\n partitoin { } }", DIAG_LAYOUT_UNKNOWN, 2},
	    {"\nvolumes \"v\" { }", DIAG_LAYOUT_UNKNOWN, 2},
	    {"volume \"v\" {\n partition { size = 1M }\n partition { size = 1M } }",
	     DIAG_LAYOUT_REPEATED, 3},
	    {"vault { }\nvault { }\nvolume \"v\" { partition { size = 1M } }", DIAG_LAYOUT_REPEATED,
	     2},
	    {"device \"a\" { }\n\ndevice \"b\" { }\nvolume \"v\" { partition { size = 1M } }",
	     DIAG_LAYOUT_REPEATED, 3},
	    {"volume \"v\" { partition { size = 1M } }\nvolume \"v\" { partition { size = 1M } }",
	     DIAG_LAYOUT_REPEATED, 2},
	    {"\n\nvolume \"v w\" { partition { size = 1M } }", DIAG_LAYOUT_VALUE, 3},
	    {"volume \"\" { partition { size = 1M } }", DIAG_LAYOUT_VALUE, 1},
	    {"\nmedium \"m\" {\n type = \"gtp\" }\nvolume \"v\" { partition { size = 1M } }",
	     DIAG_LAYOUT_UNKNOWN, 3},
	    {"\nvolume \"v\" { medium = \"m\"\n partition { size = 1M } }", DIAG_LAYOUT_UNKNOWN, 2},
	    {"vault { medium = \"m\" }\nvolume \"v\" { partition { size = 1M } }",
	     DIAG_LAYOUT_UNKNOWN, 1},
	    {"\nvault { offset = 4097 }\nvolume \"v\" { partition { size = 1M } }",
	     DIAG_LAYOUT_VALUE, 2},
	    {"vault {\n size = 4096 }\nvolume \"v\" { partition { size = 1M } }", DIAG_LAYOUT_VALUE,
	     2},
	    {"volume \"v\" {\n verity { } }", DIAG_LAYOUT_TYPE, 2},
	    {"\nvolume \"v\" { }", DIAG_LAYOUT_TYPE, 2},
	    {"volume \"v\" {\n slots = {\"a\", \"a\"}\n partition { size = 1M } }",
	     DIAG_LAYOUT_VALUE, 2},
	    {"volume \"v\" { slots = {\"a b\"}\n partition { size = 1M } }", DIAG_LAYOUT_VALUE, 1},
	    {"volume \"v\" {\n partition { size = 1M }", DIAG_LAYOUT_SYNTAX, 1},
	    {"volume {\n}", DIAG_LAYOUT_SYNTAX, 1},
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		refused(wrong[i].text, -EINVAL, wrong[i].code, wrong[i].line);
}

static void what_is_not_built_is_told_so(void **state)
{
	refused("volume \"v\" {\n ubi { } }", -ENOSYS, DIAG_NOT_BUILT, 2);
	refused("\nmedium \"m\" { type = \"ubi\" }\nvolume \"v\" { partition { size = 1M } }",
		-ENOSYS, DIAG_NOT_BUILT, 2);
	refused("device \"d\" {\n trust = \"x\" }\nvolume \"v\" { partition { size = 1M } }",
		-ENOSYS, DIAG_NOT_BUILT, 2);
}

static void all_mistakes_are_told_in_order(void **state)
{
	struct layout *l = NULL;

	assert_int_equal(read_with("volume \"v\" {\n partition { size = 1X\n number = 0x } }\n"
				   "volume \"w\" {\n partition { size = \"\" } }",
				   NULL, 0, &l),
			 -EINVAL);
	assert_int_equal(diag_count(), 3);
	assert_non_null(strstr(diag_get(0)->text, NAME ":2: "));
	assert_non_null(strstr(diag_get(1)->text, NAME ":3: "));
	assert_non_null(strstr(diag_get(2)->text, NAME ":5: "));
	diag_forget(0);
}

/* A mistake in the layers of a volume with slots is one mistake. */
static void slots_do_not_repeat_a_mistake(void **state)
{
	struct layout *l = NULL;

	assert_int_equal(read_with("volume \"v\" { slots = {\"a\", \"b\"}\n partition { size = 1X "
				   "} }",
				   NULL, 0, &l),
			 -EINVAL);
	assert_int_equal(diag_count(), 1);
	diag_forget(0);
}

static void files_are_read_whole(void **state)
{
	static const char text[] = "volume \"v\" { partition { size = 1M }\n"
				   "  image { source = \"image\" } }";
	char dir[] = "/tmp/holdfast-layout.XXXXXX", path[64], want[64];
	struct layout *l = NULL;
	FILE *f;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/x.layout", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fputs(text, f) < 0, 0);
	fclose(f);
	assert_int_equal(layout_read_file(path, NULL, 0, &kinds, &l), 0);
	snprintf(want, sizeof(want), "%s/image", dir);
	assert_string_equal(l->volumes[0]->layers[1]->values[0].path, want);
	l = layout_free(l);
	f = fopen(path, "w");
	assert_non_null(f);
	for (int i = 0; i < 1024 * 1024 + 1; i++)
		fputc('\n', f);
	fclose(f);
	assert_int_equal(layout_read_file(path, NULL, 0, &kinds, &l), -EFBIG);
	assert_int_equal(diag_get(0)->code, DIAG_LAYOUT_SYNTAX);
	diag_forget(0);
	unlink(path);
	assert_int_equal(layout_read_file(path, NULL, 0, &kinds, &l), -ENOENT);
	assert_int_equal(diag_get(0)->code, DIAG_USAGE);
	diag_forget(0);
	assert_int_equal(layout_read_file(dir, NULL, 0, &kinds, &l), -EISDIR);
	assert_int_equal(diag_get(0)->code, DIAG_USAGE);
	diag_forget(0);
	assert_null(l);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_volume_is_enough),
	    cmocka_unit_test(everything_is_where_it_was_written),
	    cmocka_unit_test(settings_are_values),
	    cmocka_unit_test(a_mistake_is_told_with_its_line),
	    cmocka_unit_test(what_is_not_built_is_told_so),
	    cmocka_unit_test(all_mistakes_are_told_in_order),
	    cmocka_unit_test(slots_do_not_repeat_a_mistake),
	    cmocka_unit_test(files_are_read_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
