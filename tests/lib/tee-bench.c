/* SPDX-License-Identifier: Apache-2.0 */
/* A simulated board with keystore tee, as several tests use it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "crypto/random.h"
#include "keystore/registry.h"
#include "layer/registry.h"
#include "layout/layout-file.h"
#include "lib/check.h"
#include "lib/tee-bench.h"
#include "medium/registry.h"

static const struct kinds kinds = {
    .layers = layer_registry, .media = medium_registry, .keystores = keystore_registry};
static const atomic_bool never;
static struct progress progress;

static void shell(const char *format, const char *a, const char *b, const char *c)
{
	char command[512];

	snprintf(command, sizeof(command), format, a, b, c);
	assert_int_equal(system(command), 0);
}

void tee_bench_options(struct tee_bench *b, const char *options)
{
	_cleanup_free_ char *text =
	    text_make("keystore \"k\" { backend = \"tee\" %s }\n"
		      "volume \"a\" { partition { size = 32M } crypt { } }\n"
		      "volume \"b\" { partition { size = 32M } crypt { } }\n",
		      options);

	tee_bench_end(b);
	layout_free(b->layout);
	b->layout = NULL;
	assert_ok(layout_read_text("t", text, strlen(text), NULL, NULL, 0, &kinds, &b->layout));
	b->k = b->layout->keystores[0];
}

void tee_bench_new(struct tee_bench *b, const char *options)
{
	*b = (struct tee_bench){
	    .dir = "/tmp/holdfast-tee-XXXXXX",
	    .env = {.progress = &progress, .cancel = &never, .random = random_bytes},
	};
	assert_non_null(mkdtemp(b->dir));
	b->board = gp_board_new(b->dir);
	gp_transport.vouched = false;
	gp_transport.limit_ms = 10000;
	tee_transport = &gp_transport;
	gp_boot(b->board);
	tee_bench_options(b, options);
}

void tee_bench_free(struct tee_bench *b)
{
	tee_bench_end(b);
	gp_power_off();
	layout_free(b->layout);
	shell("rm -r %s%s%s", b->dir, "", "");
	diag_forget(0);
}

void tee_bench_reboot(struct tee_bench *b)
{
	tee_bench_end(b);
	gp_boot(b->board);
}

struct keystore_session *tee_bench_session(struct tee_bench *b)
{
	if (!b->s)
		b->k->ops->begin(b->k, &b->env, &b->s);
	return b->s;
}

void tee_bench_end(struct tee_bench *b)
{
	if (b->s)
		b->k->ops->end(b->s);
	b->s = NULL;
}

int tee_bench_prepare(struct tee_bench *b)
{
	return tee_bench_session(b) ? b->k->ops->prepare(b->k, b->s, &b->env) : -1;
}

/* The next R, which the anchor reserves as keyrings do. */
static int reserve(struct tee_bench *b, uint64_t *ret)
{
	struct keystore_counters c;
	struct keystore_anchor a;
	int r = tee_bench_session(b) ? b->k->ops->counters(b->k, b->s, &b->env, &c) : -1;

	if (r >= 0)
		r = b->k->ops->anchor_read(b->k, b->s, &b->env, &a);
	if (r < 0)
		return r;
	*ret = c.rotation + 1;
	a.rotation_max = *ret;
	return b->k->ops->anchor_reserve(b->k, b->s, &b->env, &a);
}

int tee_bench_seal(struct tee_bench *b, bool next, struct tee_sealed *ret)
{
	_cleanup_secret_ struct secret *secret = NULL;
	_cleanup_text_ struct text blob = {0};
	uint64_t rotation = 0;
	int r = next ? reserve(b, &rotation) : tee_bench_session(b) ? 0 : -1;

	if (r >= 0)
		r = b->k->ops->seal(b->k, b->s, &b->env, rotation, &secret, &blob);
	if (r < 0)
		return r;
	assert_int_equal(blob.len, sizeof(ret->blob));
	memcpy(ret->blob, blob.s, blob.len);
	memcpy(ret->secret, secret_bytes(secret), DEVICE_SECRET_BYTES);
	return 0;
}

int tee_bench_open(struct tee_bench *b, const struct tee_sealed *c)
{
	_cleanup_secret_ struct secret *secret = NULL;
	int r = tee_bench_session(b)
		    ? b->k->ops->unseal(b->k, b->s, &b->env, c->blob, sizeof(c->blob), &secret)
		    : -1;

	if (r >= 0)
		assert_memory_equal(secret_bytes(secret), c->secret, DEVICE_SECRET_BYTES);
	return r;
}

int tee_bench_advance(struct tee_bench *b, const struct tee_sealed *c)
{
	return tee_bench_session(b)
		   ? b->k->ops->advance(b->k, b->s, &b->env, c->blob, sizeof(c->blob))
		   : -1;
}

int tee_bench_count(struct tee_bench *b)
{
	return tee_bench_session(b) ? b->k->ops->count_erase(b->k, b->s, &b->env) : -1;
}

int tee_bench_state(struct tee_bench *b, struct keystore_state *ret)
{
	return tee_bench_session(b) ? b->k->ops->state(b->k, b->s, &b->env, ret) : -1;
}

int tee_bench_anchor(struct tee_bench *b, uint64_t sequence)
{
	struct keystore_anchor a = {.present = true, .sequence = sequence, .erase = 1};

	memset(a.digest, (int)sequence, sizeof(a.digest));
	return tee_bench_session(b) ? b->k->ops->anchor_write(b->k, b->s, &b->env, &a) : -1;
}

enum diag_code tee_bench_said(char ret_text[static 1024])
{
	const struct diag_record *d = diag_get(0);
	enum diag_code code = d ? d->code : DIAG_OK;

	snprintf(ret_text, 1024, "%s", d ? d->text : "");
	diag_forget(0);
	return code;
}

enum diag_code tee_bench_code(void)
{
	char text[1024];

	return tee_bench_said(text);
}

static char *path_of(struct tee_bench *b, const char *object)
{
	char *path = text_make("%s/%s", b->dir, object);

	assert_non_null(path);
	return path;
}

bool tee_bench_has(struct tee_bench *b, const char *object)
{
	_cleanup_free_ char *path = path_of(b, object);

	return access(path, F_OK) == 0;
}

void tee_bench_delete(struct tee_bench *b, const char *object)
{
	_cleanup_free_ char *path = path_of(b, object);

	assert_int_equal(unlink(path), 0);
}

void tee_bench_copy(struct tee_bench *b, const char *from, const char *to)
{
	shell("cd %1$s && rm -rf %3$s && cp -r %2$s %3$s", b->dir, from, to);
}

void tee_bench_flip(struct tee_bench *b, const char *object, long at)
{
	_cleanup_free_ char *path = path_of(b, object);
	FILE *f = fopen(path, "r+");
	int c;

	assert_non_null(f);
	fseek(f, at, SEEK_SET);
	c = fgetc(f);
	fseek(f, at, SEEK_SET);
	fputc(c ^ 1, f);
	fclose(f);
}
