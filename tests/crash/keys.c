/* SPDX-License-Identifier: Apache-2.0 */
/* Keyed volumes: provisioning, rotating and forgetting, cut at every write and flush. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/pool.h"
#include "device/keys.h"
#include "device/provision.h"
#include "keystore/registry.h"
#include "layer/registry.h"
#include "lib/check.h"
#include "lib/fault-io.h"
#include "medium/registry.h"
#include "stack/stack.h"

#define CONTENT_BYTES 300000

static const struct kinds kinds = {.layers = layer_registry,
				   .media = medium_registry,
				   .keystores = keystore_registry,
				   .host_architecture = "x86-64"};
static struct fault_plan faults;
static uint64_t seed;
static char dir[64];
static uint8_t content[CONTENT_BYTES];
static const char *old_words, *new_words; /* what the keystore is told */

static struct io *wrap(struct io *io)
{
	struct io *f = fault_wrap(io, &faults);

	fault_set_seed(f, seed);
	return f;
}

/* Never the same twice, as the real one: a key that was drawn anew opens nothing old. */
static int counting_random(void *buf, size_t len)
{
	static _Atomic uint64_t counter;
	uint8_t *to = buf;

	for (size_t i = 0; i < len; i++) {
		uint64_t n = atomic_fetch_add(&counter, 1);

		to[i] = (uint8_t)((n * 0x9e3779b97f4a7c15ULL) >> 56);
	}
	return 0;
}

static int passphrase(void *ctx, enum key_asked what, const char *name, bool fresh,
		      struct secret **ret)
{
	const char *words = fresh ? new_words : old_words;
	int r = secret_new(strlen(words), ret);

	if (r >= 0)
		memcpy(secret_bytes(*ret), words, strlen(words));
	return r;
}

static const struct key_input input = {.ask = passphrase};

static int make_env(struct env *env, struct progress *progress)
{
	static const atomic_bool never;

	*env = (struct env){
	    .progress = progress,
	    .cancel = &never,
	    .random = counting_random,
	    .work_dir = dir,
	    .wrap_target = wrap,
	    .input = &input,
	};
	diag_forget(0);
	return pool_new(2, &env->pool);
}

static const char layout_text[] =
    "device \"crash\" { }\n"
    "medium \"m\" { align = 64K }\n"
    "vault { size = 1M }\n"
    "keystore \"k\" { backend = \"file\" memory = 1M }\n"
    "volume \"data\" { partition { size = 6M }\n"
    "                crypt { header-size = 1M }  image { source = \"content\" } }\n"
    "volume \"mac\" { partition { size = 4M }\n"
    "               integrity { algorithm = \"hmac-sha256\" }  image { source = \"content\" } }\n"
    "volume \"sum\" { partition { size = 4M }\n"
    "               integrity { sector-size = 512 }  image { source = \"content\" } }\n";

static void write_file(const char *name, const void *bytes, size_t len)
{
	FILE *f = fopen(name, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	fclose(f);
}

static int set_up(void **state)
{
	strcpy(dir, "/tmp/holdfast-crash-XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	for (size_t i = 0; i < sizeof(content); i++)
		content[i] = (uint8_t)(i * 2654435761u >> 13);
	write_file("content", content, sizeof(content));
	write_file("keys.layout", layout_text, sizeof(layout_text) - 1);
	old_words = new_words = "old";
	return 0;
}

static int tear_down(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

static int provision_as(const char *path, bool shared)
{
	struct provision_request request = {
	    .target_path = path, .layout_path = "keys.layout", .kinds = &kinds, .shared = shared};
	struct provisioning p = {0};
	struct progress progress = {0};
	struct env env;
	int r = make_env(&env, &progress);

	if (r >= 0)
		r = provision_prepare(&p, &request, &env);
	if (r >= 0)
		r = provision_run(&p, &env, NULL);
	provision_free(&p);
	pool_free(env.pool);
	return r;
}

static int provision(const char *path)
{
	return provision_as(path, false);
}

static void print_failures(void)
{
	for (size_t i = 0; i < diag_count(); i++)
		print_message("%s: %s\n", diag_get(i)->scope, diag_get(i)->text);
}

static int verify_all(struct target *t, struct env *env)
{
	struct report report;
	int r;

	report_init(&report);
	r = stack_verify(t->layout, NULL, 0, env, &report);
	array_each (f, &report.findings) {
		print_message("%s %s at %llu: %s\n", f->volume, f->area,
			      (unsigned long long)f->offset_bytes, f->text);
		r = -EUCLEAN;
	}
	report_free(&report);
	return r;
}

static int compare(struct target *t, struct env *env, const char *name)
{
	static uint8_t bytes[CONTENT_BYTES];
	struct volume *v = target_volume(t, name);
	struct attached a = {0};
	struct io *io;
	int r = v ? layer_attach(v->layers[1], env, ATTACH_READ, &a, &io) : -ENOENT;

	if (r >= 0)
		r = io_read(io, bytes, sizeof(bytes), 0);
	attached_close(&a);
	if (r >= 0 && memcmp(bytes, content, sizeof(bytes)) != 0)
		r = -EUCLEAN;
	return r;
}

/* Everything verifies under these words, and contents are what was laid out. */
static int opens(const char *path, const char *words, bool with_data)
{
	struct target t = {0};
	struct progress progress = {0};
	struct volume *data;
	struct env env;
	int r = make_env(&env, &progress);

	faults = (struct fault_plan){0};
	old_words = words;
	if (r >= 0)
		r = target_load(&t, path, 0, &env, &kinds);
	data = r >= 0 ? target_volume(&t, "data") : NULL;
	if (r >= 0 && !with_data && data->forgotten)
		r = target_unlock(&t, &env, (struct volume *[]){target_volume(&t, "mac")}, 1);
	else if (r >= 0)
		r = target_unlock(&t, &env, NULL, 0);
	if (r >= 0 && !data->forgotten)
		r = verify_all(&t, &env);
	if (r >= 0 && !data->forgotten)
		r = compare(&t, &env, "data");
	if (r >= 0)
		r = compare(&t, &env, "mac");
	if (r >= 0)
		r = compare(&t, &env, "sum");
	if (r >= 0 && with_data && data->forgotten)
		r = -ENOKEY;
	target_close(&t);
	pool_free(env.pool);
	return r;
}

static void assert_opens(const char *path)
{
	int r = opens(path, "old", true);

	if (r < 0)
		print_failures();
	assert_ok(r);
}

static void provisioning_survives_every_cut(void **state)
{
	uint64_t n;

	faults = (struct fault_plan){0};
	if (provision("whole.img") < 0)
		print_failures();
	n = faults.ops;
	assert_opens("whole.img");
	print_message("%llu cut points\n", (unsigned long long)n);
	for (uint64_t i = 1; i <= n; i++) {
		unlink("cut.img");
		unlink("cut.img.part");
		faults = (struct fault_plan){.cut_at = i};
		seed = i;
		old_words = new_words = "old";
		if (provision("cut.img") >= 0)
			continue; /* fewer operations this time: threads came in another order */
		faults = (struct fault_plan){0};
		if (provision("cut.img") < 0) {
			print_message("cut at %llu\n", (unsigned long long)i);
			print_failures();
			fail();
		}
		assert_opens("cut.img");
	}
}

static void copy_file(const char *from, const char *to)
{
	char command[256];

	snprintf(command, sizeof(command), "cp --sparse=always %s %s", from, to);
	assert_int_equal(system(command), 0);
}

/* A shared image has the keyless volumes; a larger device adds the others, with keys of its own. */
static void completing_survives_every_cut(void **state)
{
	uint64_t n;

	faults = (struct fault_plan){0};
	old_words = new_words = "old";
	assert_ok(provision_as("shared.img", true));
	copy_file("shared.img", "completed.img");
	assert_int_equal(truncate("completed.img", 24 * 1024 * 1024), 0);
	faults = (struct fault_plan){0};
	if (provision("completed.img") < 0)
		print_failures();
	n = faults.ops;
	assert_opens("completed.img");
	print_message("%llu cut points\n", (unsigned long long)n);
	for (uint64_t i = 1; i <= n; i++) {
		copy_file("shared.img", "cut.img");
		assert_int_equal(truncate("cut.img", 24 * 1024 * 1024), 0);
		faults = (struct fault_plan){.cut_at = i};
		seed = i;
		if (provision("cut.img") >= 0)
			continue;
		faults = (struct fault_plan){0};
		if (provision("cut.img") < 0) {
			print_message("cut at %llu\n", (unsigned long long)i);
			print_failures();
			fail();
		}
		assert_opens("cut.img");
	}
}

/* Old words open, or new ones do. */
typedef int (*change_fn)(struct target *t, struct env *env);

static int change(const char *path, change_fn fn)
{
	struct target t = {0};
	struct progress progress = {0};
	struct env env;
	int r = make_env(&env, &progress);

	old_words = "old";
	new_words = "new";
	if (r >= 0)
		r = target_load(&t, path, IO_WRITE | IO_SHARE, &env, &kinds);
	if (r >= 0)
		r = fn(&t, &env);
	target_close(&t);
	pool_free(env.pool);
	new_words = "old";
	return r;
}

static int rotate(struct target *t, struct env *env)
{
	return device_keys_rotate(t, env);
}

static int forget(struct target *t, struct env *env)
{
	return device_keys_forget(t, env, target_volume(t, "data"));
}

static void survives_every_cut(change_fn fn, bool with_data)
{
	uint64_t n, were_old = 0, were_new = 0;

	faults = (struct fault_plan){0};
	assert_ok(provision("keys.img"));
	copy_file("keys.img", "changed.img");
	faults = (struct fault_plan){0};
	assert_ok(change("changed.img", fn));
	n = faults.ops;
	assert_ok(opens("changed.img", "new", with_data));
	assert_true(opens("changed.img", "old", with_data) < 0);
	for (uint64_t i = 1; i <= n; i++) {
		for (seed = 1; seed <= 4; seed++) {
			copy_file("keys.img", "changed.img");
			faults = (struct fault_plan){.cut_at = i};
			assert_true(change("changed.img", fn) < 0);
			if (opens("changed.img", "old", true) >= 0)
				were_old++;
			else if (opens("changed.img", "new", with_data) >= 0)
				were_new++;
			else
				fail_msg("cut at %llu: neither opens", (unsigned long long)i);
		}
	}
	print_message("%llu cut points: %llu old, %llu new\n", (unsigned long long)n,
		      (unsigned long long)were_old, (unsigned long long)were_new);
	assert_true(were_old > 0 && were_new > 0);
	unlink("keys.img");
}

static void rotating_survives_every_cut(void **state)
{
	survives_every_cut(rotate, true);
}

static void forgetting_survives_every_cut(void **state)
{
	survives_every_cut(forget, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(provisioning_survives_every_cut),
	    cmocka_unit_test(completing_survives_every_cut),
	    cmocka_unit_test(rotating_survives_every_cut),
	    cmocka_unit_test(forgetting_survives_every_cut),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
