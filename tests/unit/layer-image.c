/* SPDX-License-Identifier: Apache-2.0 */
/* The image layer: contents taken over exactly, sources that change, damage found by digest. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/hex.h"
#include "base/io.h"
#include "layer/registry.h"
#include "lib/check.h"
#include "model/build.h"
#include "model/medium.h"

#define SIZE        100001 /* no multiple of a sector */
#define TARGET_SIZE (4 * 1024 * 1024)
#define AT          65536

static const struct option_spec no_options[] = {{0}};
static const struct medium_ops raw = {.name = "raw", .provides = PLACE_RAW, .options = no_options};
static const struct where nowhere = {.file = "test.layout", .line = 3};

struct fixture {
	char path[64];
	struct layout *layout;
	struct volume *volume;
	struct layer *image;
	struct plan *plan;
	struct progress progress;
	atomic_bool cancel;
	struct env env;
	struct job job;
};

static uint8_t contents[SIZE];

static void write_source(const char *path, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, contents, len), len);
	close(fd);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct medium *m;
	const char *source = f->path;
	int fd;

	strcpy(f->path, "/tmp/holdfast-image-XXXXXX");
	fd = mkstemp(f->path);
	assert_true(fd >= 0);
	close(fd);
	for (size_t i = 0; i < SIZE; i++)
		contents[i] = (uint8_t)(i * 2654435761u >> 11);
	write_source(f->path, SIZE);
	f->layout = layout_new();
	m = layout_add_medium(f->layout, &raw, "m", nowhere);
	f->volume = layout_add_volume(f->layout, "boot", NULL, m, nowhere);
	assert_non_null(volume_add_layer(f->volume, &layer_partition, nowhere));
	f->image = volume_add_layer(f->volume, &layer_image, nowhere);
	assert_ok(layer_set(f->image, "source", &source, 1, nowhere));
	f->plan = plan_new(f->layout, INTENT_PROVISION);
	f->plan->sector_bytes = 512;
	f->job.env = &f->env;
	f->env.progress = &f->progress;
	f->env.cancel = &f->cancel;
	assert_ok(io_open_memory("target", TARGET_SIZE, &f->job.target));
	memset(io_memory_bytes(f->job.target), 0xee, TARGET_SIZE);
	f->volume->pieces[ROLE_DATA].extent = (struct extent){AT, 1024 * 1024};
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	plan_free(f->plan);
	layout_free(f->layout);
	io_close(f->job.target);
	unlink(f->path);
	free(f);
	diag_forget(0);
	return 0;
}

static uint8_t *target_bytes(struct fixture *f)
{
	return io_memory_bytes(f->job.target);
}

/* Surveys and plans; the only step is returned. */
static const struct step *planned(struct fixture *f)
{
	assert_ok(layer_image.survey(f->image, &f->env));
	assert_ok(layer_image.plan(f->image, f->plan));
	assert_int_equal(f->plan->steps.n, 1);
	return &f->plan->steps.v[0];
}

static void survey_gives_size_and_digest(void **state)
{
	struct fixture *f = *state;
	struct sizing s = {0};
	char hex[65], command[128];
	FILE *p;
	char theirs[65] = "";

	assert_ok(layer_image.survey(f->image, &f->env));
	assert_int_equal(f->image->source.content_bytes, SIZE);
	hex_encode(f->image->source.digest, 32, hex);
	snprintf(command, sizeof(command), "sha256sum %s", f->path);
	p = popen(command, "r");
	assert_non_null(fgets(theirs, sizeof(theirs), p));
	assert_int_equal(pclose(p), 0);
	assert_string_equal(hex, theirs);
	assert_ok(layer_image.size(f->image, &s, f->plan));
	assert_int_equal(s.need_bytes, (SIZE + 511) / 512 * 512);
	f->plan->sector_bytes = 4096;
	assert_ok(layer_image.size(f->image, &s, f->plan));
	assert_int_equal(s.need_bytes, (SIZE + 4095) / 4096 * 4096);
}

static void contents_are_copied_exactly_and_the_rest_left_alone(void **state)
{
	struct fixture *f = *state;
	const struct step *step = planned(f);
	uint8_t *bytes = target_bytes(f);

	assert_int_equal(step->ops->effect, STEP_CURSOR);
	assert_int_equal(step->target.offset_bytes, AT);
	assert_int_equal(step->target.size_bytes, SIZE);
	assert_ok(step->ops->run(step, &f->job, NULL));
	assert_memory_equal(bytes + AT, contents, SIZE);
	for (size_t i = 0; i < TARGET_SIZE; i++) {
		if ((i < AT || i >= AT + SIZE) && bytes[i] != 0xee)
			fail_msg("byte %zu was written", i);
	}
}

static void holes_read_as_zero(void **state)
{
	struct fixture *f = *state;
	const struct step *step;

	memset(contents, 0, 65536);
	assert_int_equal(truncate(f->path, 0), 0);
	assert_int_equal(truncate(f->path, SIZE), 0);
	memset(contents, 0, SIZE);
	step = planned(f);
	assert_ok(step->ops->run(step, &f->job, NULL));
	assert_memory_equal(target_bytes(f) + AT, contents, SIZE);
}

static void a_source_that_changed_after_the_survey_is_found_out(void **state)
{
	struct fixture *f = *state;
	const struct step *step = planned(f);

	contents[SIZE / 2] ^= 1;
	write_source(f->path, SIZE);
	assert_int_equal(step->ops->run(step, &f->job, NULL), -ESTALE);
	assert_int_equal(diag_get(0)->code, DIAG_SOURCE_CHANGED);
}

static void a_source_that_was_cut_short_is_found_out(void **state)
{
	struct fixture *f = *state;
	const struct step *step = planned(f);

	assert_int_equal(truncate(f->path, SIZE / 2), 0);
	assert_int_equal(step->ops->run(step, &f->job, NULL), -ESTALE);
	assert_int_equal(diag_get(0)->code, DIAG_SOURCE_CHANGED);
	assert_int_equal(diag_code_outcome(diag_get(0)->code), OUTCOME_STOPPED);
}

static int count(struct cursor *c, uint64_t done)
{
	c->start = done;
	return 0;
}

static void a_resumed_copy_goes_on_at_its_cursor_and_checks_all(void **state)
{
	struct fixture *f = *state;
	const struct step *step = planned(f);
	struct cursor cursor = {.start = 4096, .checkpoint = count};
	uint8_t *bytes = target_bytes(f);

	/* What the journal calls done is not written again, but is looked at. */
	assert_int_equal(step->ops->run(step, &f->job, &cursor), -ESTALE);
	assert_int_equal(bytes[AT], 0xee);
	assert_int_equal(cursor.start, SIZE);
	diag_forget(0);
	memcpy(bytes + AT, contents, 4096);
	cursor.start = 4096;
	assert_ok(step->ops->run(step, &f->job, &cursor));
	assert_memory_equal(bytes + AT, contents, SIZE);
}

static void cancelling_stops_it(void **state)
{
	struct fixture *f = *state;
	const struct step *step = planned(f);

	atomic_store(&f->cancel, true);
	assert_int_equal(step->ops->run(step, &f->job, NULL), -ECANCELED);
	assert_int_equal(diag_get(0)->code, DIAG_SIGNAL);
}

static void sources_that_cannot_be_used_are_refused(void **state)
{
	struct fixture *f = *state;
	const char *directory = "/tmp", *missing = "/tmp/holdfast-is-not-there";

	assert_int_equal(truncate(f->path, 0), 0);
	assert_int_equal(layer_image.survey(f->image, &f->env), -EINVAL);
	assert_int_equal(diag_get(0)->code, DIAG_SOURCE);
	assert_non_null(strstr(diag_get(0)->text, "is empty"));
	diag_forget(0);
	assert_ok(layer_set(f->image, "source", &directory, 1, nowhere));
	assert_int_equal(layer_image.survey(f->image, &f->env), -EINVAL);
	assert_non_null(strstr(diag_get(0)->text, "test.layout:3: "));
	diag_forget(0);
	assert_ok(layer_set(f->image, "source", &missing, 1, nowhere));
	assert_int_equal(layer_image.survey(f->image, &f->env), -ENOENT);
	assert_int_equal(diag_get(0)->code, DIAG_SOURCE);
}

static void verify(struct fixture *f, struct report *report)
{
	report_init(report);
	assert_ok(layer_image.verify(f->image, &f->job, report));
}

static void damage_is_found_by_the_digest_of_the_source(void **state)
{
	struct fixture *f = *state;
	const struct step *step = planned(f);
	struct report report;

	assert_ok(step->ops->run(step, &f->job, NULL));
	verify(f, &report); /* nothing learnt: nothing to compare with */
	assert_int_equal(report.findings.n + report.checked_bytes, 0);
	report_free(&report);
	assert_ok(layer_image.learn(f->image, &f->job));
	verify(f, &report);
	assert_int_equal(report.findings.n, 0);
	assert_int_equal(report.checked_bytes, SIZE);
	assert_int_equal(report.notes.n, 1); /* that this is no authentication */
	report_free(&report);
	target_bytes(f)[AT + SIZE - 1] ^= 1;
	verify(f, &report);
	assert_int_equal(report.findings.n, 1);
	assert_int_equal(report.findings.v[0].kind, FINDING_CORRUPT);
	assert_int_equal(report.findings.v[0].offset_bytes, AT);
	assert_int_equal(report.findings.v[0].len_bytes, SIZE);
	report_free(&report);
	target_bytes(f)[AT + SIZE - 1] ^= 1;
	target_bytes(f)[AT + SIZE] ^= 1; /* not ours */
	verify(f, &report);
	assert_int_equal(report.findings.n, 0);
	report_free(&report);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    T(survey_gives_size_and_digest),
	    T(contents_are_copied_exactly_and_the_rest_left_alone),
	    T(holes_read_as_zero),
	    T(a_source_that_changed_after_the_survey_is_found_out),
	    T(a_source_that_was_cut_short_is_found_out),
	    T(a_resumed_copy_goes_on_at_its_cursor_and_checks_all),
	    T(cancelling_stops_it),
	    T(sources_that_cannot_be_used_are_refused),
	    T(damage_is_found_by_the_digest_of_the_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
