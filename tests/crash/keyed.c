/* SPDX-License-Identifier: Apache-2.0 */
/* A device with three keyed volumes, on a medium that fails on purpose. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/pool.h"
#include "crash/keyed.h"
#include "keystore/registry.h"
#include "layer/registry.h"
#include "lib/check.h"
#include "medium/registry.h"
#include "stack/verify.h"
#include "stack/attach.h"

#define CONTENT_BYTES 300000

const struct kinds keyed_kinds = {.layers = layer_registry,
				  .media = medium_registry,
				  .keystores = keystore_registry,
				  .host_architecture = "x86-64"};
struct fault_plan keyed_faults;
bool keyed_retire;
uint64_t keyed_seed;
static char dir[64];
static uint8_t content[CONTENT_BYTES];
const char *keyed_old_words, *keyed_new_words;

static struct io *wrap(struct io *io)
{
	struct io *f = fault_wrap(io, &keyed_faults);

	fault_set_seed(f, keyed_seed);
	return f;
}

/* Never the same twice, like the real one: a new key opens nothing old. */
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
	const char *words = fresh ? keyed_new_words : keyed_old_words;
	int r;

	if (what == ASK_OWNER)
		return -ENOKEY;
	r = secret_new(strlen(words), ret);

	if (r >= 0)
		memcpy(secret_bytes(*ret), words, strlen(words));
	return r;
}

bool keyed_torn;
struct key_input keyed_input = {.ask = passphrase};

int keyed_make_env(struct env *env, struct progress *progress)
{
	static const atomic_bool never;

	*env = (struct env){
	    .progress = progress,
	    .cancel = &never,
	    .random = counting_random,
	    .work_dir = dir,
	    .wrap_target = wrap,
	    .input = &keyed_input,
	};
	diag_forget(0);
	return pool_new(2, &env->pool);
}

static const char layout_text[] =
    "keystore \"k\" { %s }\n"
    "device \"crash\" { }\n"
    "medium \"m\" { align = 64K }\n"
    "vault { size = 1M }\n"
    "volume \"data\" { partition { size = 6M }\n"
    "                crypt { header-size = 1M %s }  image { source = \"content\" } }\n"
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

int keyed_set_up(const char *keystore, const char *crypt)
{
	char layout[2048];
	int n = snprintf(layout, sizeof(layout), layout_text, keystore, crypt);

	strcpy(dir, "/tmp/holdfast-crash-XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	for (size_t i = 0; i < sizeof(content); i++)
		content[i] = (uint8_t)(i * 2654435761u >> 13);
	write_file("content", content, sizeof(content));
	write_file("keys.layout", layout, (size_t)n);
	keyed_old_words = keyed_new_words = "old";
	return 0;
}

int keyed_tear_down(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

int keyed_provision_as(const char *path, bool shared)
{
	struct provision_request request = {.target_path = path,
					    .layout_path = "keys.layout",
					    .kinds = &keyed_kinds,
					    .shared = shared,
					    .retire_keys = keyed_retire};
	struct provisioning p = {0};
	struct progress progress = {0};
	struct env env;
	int r = keyed_make_env(&env, &progress);

	if (r >= 0)
		r = provision_prepare(&p, &request, &env);
	if (r >= 0)
		r = provision_run(&p, NULL);
	provision_free(&p);
	pool_free(env.pool);
	return r;
}

int keyed_provision(const char *path)
{
	return keyed_provision_as(path, false);
}

void keyed_print_failures(void)
{
	for (size_t i = 0; i < diag_count(); i++)
		print_message("%s: %s\n", diag_get(i)->scope, diag_get(i)->text);
}

static int verify_all(struct target *t, struct env *env)
{
	struct report report;
	int r;

	report_init(&report);
	r = target_verify_medium(t, t->layout, &report);
	if (r >= 0)
		r = stack_verify(t->layout, NULL, 0, &t->job, &report);
	array_each (f, &report.findings) {
		if (keyed_torn && f->kind == FINDING_MENDABLE)
			continue;
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
	int r = v ? layer_attach(v->layers[1], &t->job, ATTACH_READ, &a, &io) : -ENOENT;

	if (r >= 0)
		r = io_read(io, bytes, sizeof(bytes), 0);
	attached_close(&a);
	if (r >= 0 && memcmp(bytes, content, sizeof(bytes)) != 0)
		r = -EUCLEAN;
	return r;
}

/* Like `open`, which finishes a rotation. Everything verifies under these words, and contents are
 * what was laid out. */
int keyed_opens(const char *path, const char *words, bool with_data)
{
	struct target t = {0};
	struct progress progress = {0};
	struct volume *data;
	struct env env;
	int r = keyed_make_env(&env, &progress);

	keyed_faults = (struct fault_plan){0};
	keyed_old_words = words;
	if (r >= 0)
		r = target_load(&t, path, 0, &env, &keyed_kinds);
	t.may_count = true;
	data = r >= 0 ? target_volume(&t, "data") : NULL;
	if (r >= 0 && !with_data && data->forgotten)
		r = target_unlock(&t, (struct volume *[]){target_volume(&t, "mac")}, 1);
	else if (r >= 0)
		r = target_unlock(&t, NULL, 0);
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

void keyed_assert_opens(const char *path)
{
	bool torn = keyed_torn;
	int r;

	keyed_torn = false;
	r = keyed_opens(path, "old", true);
	keyed_torn = torn;
	if (r < 0)
		keyed_print_failures();
	assert_ok(r);
}

bool keyed_cut_and_resume(const char *path, uint64_t i)
{
	keyed_faults = (struct fault_plan){.cut_at = i};
	keyed_seed = i;
	if (keyed_provision(path) >= 0)
		return false;
	keyed_faults = (struct fault_plan){0};
	if (keyed_provision(path) < 0) {
		print_message("cut at %llu\n", (unsigned long long)i);
		keyed_print_failures();
		fail();
	}
	keyed_assert_opens(path);
	return true;
}

void keyed_copy_file(const char *from, const char *to)
{
	char command[256];

	snprintf(command, sizeof(command), "cp --sparse=always %s %s", from, to);
	assert_int_equal(system(command), 0);
}

int keyed_change(const char *path, change_fn fn)
{
	struct target t = {0};
	struct progress progress = {0};
	struct env env;
	int r = keyed_make_env(&env, &progress);

	keyed_old_words = "old";
	keyed_new_words = "new";
	if (r >= 0)
		r = target_load(&t, path, IO_WRITE | IO_SHARE, &env, &keyed_kinds);
	if (r >= 0)
		r = fn(&t, &env);
	target_close(&t);
	pool_free(env.pool);
	keyed_new_words = "old";
	return r;
}

int keyed_rotate(struct target *t, struct env *env)
{
	return target_rotate(t, NULL);
}

int keyed_forget(struct target *t, struct env *env)
{
	return target_forget(t, target_volume(t, "data"));
}

int keyed_identity(const char *to)
{
	_cleanup_text_ struct text text = {0};
	struct progress progress = {0};
	struct env env;
	int r = keyed_make_env(&env, &progress);

	if (r >= 0)
		r = target_hardware_identity("keys.layout", &env, &keyed_kinds, &text);
	if (r >= 0)
		write_file(to, text.s, text.len);
	pool_free(env.pool);
	return r;
}
