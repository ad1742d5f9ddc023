/* SPDX-License-Identifier: Apache-2.0 */
/* holdfast read: writes out a volume's verified contents. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/overflow.h"
#include "base/pool.h"
#include "base/text.h"
#include "cmd/cli/keystores.h"
#include "cmd/cli/passphrase.h"
#include "cmd/cli/volume-key.h"
#include "target/target.h"
#include "stack/attach.h"

#define CHUNK         65536
#define WINDOW_CHUNKS 128 /* between two looks for a hole */

static const struct flag flags[] = {
    {"output", 'o', "FILE", "Where to; made as FILE.part, named at the end.", .required = true},
    {"keep-going", 'k', NULL, "What does not verify becomes zeroes and is listed; status 3."},
    PASSPHRASE_FLAGS,
    PIN_FLAGS,
    TCTI_FLAG,
    VOLUME_KEY_FLAGS,
    WITHOUT_KEYSTORE_FLAG,
    JOBS_FLAG,
    RECORD_FLAG,
    {0},
};

struct copying {
	struct session *s;
	struct io *from, *to;
	bool keep_going;
	uint64_t bad_bytes;
	struct {
		uint64_t at, len;
		bool corrupt; /* or unreadable */
	} bad;                /* the range that is not reported yet; len 0: none */
};

static void report_bad(struct copying *c)
{
	struct result *r = c->bad.len ? result_new(EVENT_FINDING) : NULL;

	result_text(r, "kind", c->bad.corrupt ? "corrupt" : "unreadable");
	result_number(r, "volume_offset", c->bad.at);
	result_bytes(r, "size", c->bad.len);
	result_say(r, "{kind}: {=size} bytes of the volume at {volume_offset}");
	session_finding(c->s, r);
	c->bad.len = 0;
}

/* Neighbouring ranges of one kind are one finding. */
static void add_bad(struct copying *c, uint64_t at, size_t len, bool corrupt)
{
	if (at != c->bad.at + c->bad.len || corrupt != c->bad.corrupt)
		report_bad(c);
	if (!c->bad.len)
		c->bad.at = at;
	c->bad.len += len;
	c->bad.corrupt = corrupt;
	c->bad_bytes += len;
}

/* A chunk that failed, sector by sector: only what is bad is lost. */
static int copy_slowly(struct copying *c, uint64_t at, size_t len, uint8_t *buf)
{
	for (size_t done = 0; done < len; done += 512) {
		size_t n = (size_t)min_u64(512, len - done);
		int r = io_read(c->from, buf, n, at + done);

		if (r < 0) {
			add_bad(c, at + done, n, r == -EILSEQ);
			continue;
		}
		r = io_write(c->to, buf, n, at + done);
		if (r < 0)
			return diag_file(-r, c->to->name);
	}
	return 0;
}

static int refuse(const struct copying *c, int r, uint64_t at)
{
	int e = r == -EILSEQ ? diag_fail(DIAG_TAMPERED, EILSEQ,
					 "%s: byte %" PRIu64 " of the volume does not verify",
					 c->from->name, at)
			     : io_fail(c->from, r, "reading", at, CHUNK);

	diag_state("nothing was written out under the name asked for");
	diag_next("`holdfast verify` lists all damage; --keep-going reads the rest");
	return e;
}

/* @end: of the hole that was found last, which may be large and costly to find. */
static bool is_hole(struct io *io, uint64_t at, uint64_t n, uint64_t *end)
{
	uint64_t len;
	bool data;

	if (at >= *end && io_extent(io, at, &data, &len) == 0 && !data)
		*end = at + len;
	return at + n <= *end;
}

/* --- many chunks at once --- */

struct window {
	struct copying *c;
	uint64_t first; /* chunk */
	uint8_t *bufs;  /* one a worker */
	int read[WINDOW_CHUNKS], write[WINDOW_CHUNKS];
};

static uint64_t chunk_bytes(const struct copying *c, uint64_t chunk)
{
	return min_u64(CHUNK, c->from->size_bytes - chunk * CHUNK);
}

static int copy_chunk(void *ctx, uint64_t chunk, unsigned worker)
{
	struct window *w = ctx;
	uint8_t *buf = w->bufs + (size_t)worker * CHUNK;
	size_t n = (size_t)chunk_bytes(w->c, chunk), i = (size_t)(chunk - w->first);

	w->write[i] = 0;
	w->read[i] = io_read(w->c->from, buf, n, chunk * CHUNK);
	if (w->read[i] >= 0 && (buf[0] || memcmp(buf, buf + 1, n - 1) != 0)) /* zeroes: a hole */
		w->write[i] = io_write(w->c->to, buf, n, chunk * CHUNK);
	return 0;
}

static int copy_window(struct window *w, uint64_t n, struct env *env)
{
	struct copying *c = w->c;
	int r = pool_run(env->pool, w->first, w->first + n, copy_chunk, w, env->cancel);

	if (r < 0)
		return diag_fail(DIAG_SIGNAL, ECANCELED, "stopped by a signal");
	for (uint64_t i = 0; i < n; i++) {
		uint64_t at = (w->first + i) * CHUNK;

		if (w->read[i] < 0 && !c->keep_going)
			return refuse(c, w->read[i], at);
		if (w->read[i] < 0)
			r = copy_slowly(c, at, (size_t)chunk_bytes(c, w->first + i), w->bufs);
		else if (w->write[i] < 0)
			r = diag_file(-w->write[i], c->to->name);
		if (r < 0)
			return r;
		env_progress(env, chunk_bytes(c, w->first + i));
	}
	return 0;
}

static int copy(struct copying *c, struct env *env)
{
	_cleanup_free_ uint8_t *bufs = malloc((size_t)pool_workers(env->pool) * CHUNK);
	uint64_t chunks = div_round_up(c->from->size_bytes, CHUNK), hole_end = 0, n;
	struct window w = {.c = c, .bufs = bufs};
	int r = 0;

	if (!bufs)
		return diag_no_memory();
	env_begin(env, "reading", c->from->size_bytes);
	for (; w.first < chunks && r >= 0; w.first += n) {
		n = 1;
		if (env_cancelled(env))
			return diag_fail(DIAG_SIGNAL, ECANCELED, "stopped by a signal");
		if (is_hole(c->from, w.first * CHUNK, chunk_bytes(c, w.first), &hole_end)) {
			env_progress(env, chunk_bytes(c, w.first));
			continue;
		}
		n = min_u64(WINDOW_CHUNKS, chunks - w.first);
		r = copy_window(&w, n, env);
	}
	return r;
}

/* The topmost layer that is bytes. */
static int attach(struct volume *v, struct job *job, struct attached *a, struct io **ret)
{
	struct layer *l = v->layers[v->n_layers - 1];

	if (v->reserved)
		return diag_fail(DIAG_NO_VOLUME, ENOENT,
				 "volume %s is reserved and holds nothing yet", v->full_name);
	while (l->ops->provides == PLACE_DIRECTORY && l->below)
		l = l->below;
	return layer_attach(l, job, ATTACH_IMAGE, a, ret);
}

static int write_out(struct copying *c, const char *path, struct env *env)
{
	_cleanup_free_ char *part = text_make("%s.part", path);
	int r;

	if (!part)
		return diag_no_memory();
	unlink(part);
	r = io_open_file(part, IO_WRITE | IO_CREATE | IO_LOCK, &c->to);
	if (r < 0)
		return r;
	r = io_resize(c->to, c->from->size_bytes);
	r = r < 0 ? diag_file(-r, part) : copy(c, env);
	if (r >= 0 && io_flush(c->to) < 0)
		r = diag_file(EIO, part);
	c->to = io_close(c->to);
	if (r < 0)
		unlink(part);
	return r < 0 ? r : file_rename(part, path);
}

static int run(struct session *s, const struct call *c)
{
	const char *path = call_value(c, "output");
	struct copying copying = {.s = s, .keep_going = call_has(c, "keep-going")};
	_cleanup_attached_ struct attached a = {0};
	_cleanup_target_ struct target t = {0};
	struct volume *v;
	int r = passphrase_arguments(s, c);

	if (r >= 0)
		r = volume_key_arguments(s, c);
	s->target = c->args[0];
	if (r >= 0)
		r = target_load(&t, c->args[0], 0, &s->env, s->kinds);
	if (r >= 0)
		r = refuse_damaged_vault(&t, c);
	if (r < 0)
		return r;
	v = target_volume(&t, c->args[1]);
	r = v ? target_unlock(&t, &v, 1) : -ENOENT;
	if (r >= 0)
		r = keystores_authenticate(&t, c);
	if (r >= 0)
		r = target_refuse_unused(&t, &v, 1);
	if (r >= 0)
		r = attach(v, &t.job, &a, &copying.from);
	if (r >= 0)
		r = write_out(&copying, path, &s->env);
	report_bad(&copying);
	result_number(s->result, "bad_bytes", copying.bad_bytes);
	if (r < 0)
		return r;
	if (copying.bad_bytes) {
		s->code = DIAG_TAMPERED;
		result_text(s->result, "volume", v->full_name);
		result_text(s->result, "output", path);
		result_say(s->result,
			   "{volume}: {bad_bytes} bytes did not verify and are zeroes in "
			   "{output}");
	}
	return 0;
}

const struct command command_read = {
    .name = "read",
    .synopsis = "TARGET VOLUME -o FILE",
    .summary = "Write out a volume's contents, verified.",
    .text = "Every block is checked before it is written out. FILE appears only when all of it "
	    "verified, or with --keep-going. A vault that has a keystore is authenticated first, "
	    "also for a volume without a key.",
    .status = "3 when something did not verify; without --keep-going nothing is written out then.",
    .example = "holdfast read gateway.img root -o root.erofs\n"
	       "holdfast read returned.img root:a -o root.img --keep-going\n",
    .flags = flags,
    .min_args = 2,
    .max_args = 2,
    .run = run,
};
