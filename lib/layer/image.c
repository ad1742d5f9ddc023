/* SPDX-License-Identifier: Apache-2.0 */
/* Contents taken over byte for byte from a file: boot loaders, file systems made elsewhere. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/hex.h"
#include "base/overflow.h"
#include "crypto/digest.h"
#include "layer/registry.h"
#include "stack/attach.h"

#define READ_BYTES (1024 * 1024)
#define COPY_BYTES (16 * 1024 * 1024) /* between two checkpoints */

enum { SOURCE };
static const struct option_spec options[] = {
    [SOURCE] = {"source", OPTION_PATH, .required = true,
		.help =
		    "File whose bytes are taken; what follows them on the medium is left alone"},
    {0},
};

/* SHA-256 of the first @len bytes of @io. Holes count as the zeroes that they read as. */
static int hash(struct io *io, uint64_t len, struct env *env, uint8_t ret[static SHA256_BYTES])
{
	_cleanup_digest_ struct digest *d = NULL;
	_cleanup_free_ uint8_t *buf = malloc(READ_BYTES);
	int r = digest_new("sha256", &d);

	if (r >= 0 && !buf)
		r = diag_no_memory();
	for (uint64_t at = 0; at < len && r >= 0;) {
		size_t n = (size_t)min_u64(READ_BYTES, len - at);

		if (env_cancelled(env))
			return diag_fail(DIAG_SIGNAL, ECANCELED, "stopped while %s was read",
					 io->name);
		r = io_read(io, buf, n, at);
		if (r < 0)
			return io_fail(io, r, "reading", at, n);
		r = digest_add(d, buf, n);
		env_progress(env, n);
		at += n;
	}
	return r < 0 ? r : digest_finish(d, ret);
}

static int open_source(const struct layer *l, struct io **ret)
{
	const struct option_value *v = &l->values[SOURCE];
	char at[WHERE_SIZE];
	struct stat st;
	int r;

	if (stat(v->path, &st) < 0) {
		r = diag_fail(DIAG_SOURCE, errno, "%ssource %s: %s", where_text(&v->where, at),
			      v->path, strerror(errno));
		return r;
	}
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return diag_fail(DIAG_SOURCE, EINVAL, "%ssource %s is not a file%s",
				 where_text(&v->where, at), v->path,
				 S_ISDIR(st.st_mode) ? "; filesystem { } takes directories" : "");
	return io_open_file(v->path, 0, ret);
}

static int survey(struct layer *l, struct env *env)
{
	struct source *s = &l->source;
	char at[WHERE_SIZE];
	struct io *io;
	int r = open_source(l, &io);

	if (r >= 0)
		r = io_keep(io, &l->volume->layout->arena);
	if (r < 0)
		return r;
	s->prepared = io;
	s->content_bytes = s->minimum_bytes = s->prepared->size_bytes;
	if (!s->content_bytes)
		return diag_fail(DIAG_SOURCE, EINVAL, "%ssource %s is empty",
				 where_text(&l->values[SOURCE].where, at), l->values[SOURCE].path);
	env_begin(env, "reading sources", s->content_bytes);
	r = hash(s->prepared, s->content_bytes, env, s->digest);
	s->surveyed = r >= 0;
	return r;
}

static int size(const struct layer *l, struct sizing *s, struct plan *p)
{
	s->need_bytes = s->least_bytes =
	    round_up(l->source.content_bytes, p->sector_bytes ? p->sector_bytes : 512);
	return 0;
}

static int gives(const struct layer *l, uint64_t *ret_bytes)
{
	return layer_below_gives(l, ret_bytes);
}

static int changed(const struct layer *l)
{
	int r = diag_fail(DIAG_SOURCE_CHANGED, ESTALE, "%s changed while it was read",
			  l->source.prepared->name);

	diag_state("the volume is half written; the partition table is not");
	diag_next("wait until nothing changes it, then start again with --replace=all");
	return r;
}

/* What the target refused, or a source that has become shorter. */
static int copy_failed(const struct layer *l, struct io *to, int r, uint64_t at, uint64_t n)
{
	uint8_t byte;

	if (r == -ENOMEM)
		return diag_no_memory();
	if (r == -ECANCELED)
		return diag_fail(DIAG_SIGNAL, ECANCELED, "stopped while %s was copied",
				 l->source.prepared->name);
	if (io_read(l->source.prepared, &byte, 1, at + n - 1) < 0)
		return changed(l);
	return io_fail(to, r, "writing", at, n);
}

/* Holes stay holes where the target has them. */
static int copy(const struct layer *l, struct io *to, struct job *job, struct cursor *cursor)
{
	uint64_t len = l->source.content_bytes;
	int r = 0;

	for (uint64_t at = cursor ? cursor->start : 0; at < len && r >= 0;) {
		uint64_t n = min_u64(COPY_BYTES, len - at);

		r = env_cancelled(job->env)
			? -ECANCELED
			: io_copy(l->source.prepared, at, to, at, n, false, job->env);
		if (r < 0)
			return copy_failed(l, to, r, at, n);
		at += n;
		r = cursor_done(cursor, at);
	}
	return r;
}

/* What stands on the target now must be what was surveyed: a source that changed is found out. */
static int run_copy(const struct step *s, struct job *job, struct cursor *cursor)
{
	const struct layer *l = s->layer;
	_cleanup_attached_ struct attached below = {0};
	uint8_t digest[SHA256_BYTES];
	struct io *to;
	int r = layer_attach_below(l, job, ATTACH_WRITE, &below, &to);

	if (r >= 0)
		r = copy(l, to, job, cursor);
	if (r >= 0)
		r = hash(to, l->source.content_bytes, job->env, digest);
	if (r >= 0 && memcmp(digest, l->source.digest, sizeof(digest)) != 0)
		r = changed(l);
	return r;
}

static const struct step_ops copy_step = {"copy", STEP_CURSOR, run_copy, NULL};

static int plan(const struct layer *l, struct plan *p)
{
	struct step step = {
	    .layer = l,
	    .ops = &copy_step,
	    .work_bytes = l->source.content_bytes,
	    .target = {.offset_bytes = l->volume->pieces[ROLE_DATA].extent.offset_bytes,
		       .size_bytes = l->source.content_bytes}};
	char hex[2 * SHA256_BYTES + 1];

	hex_encode(l->source.digest, SHA256_BYTES, hex);
	step.detail = arena_print(&p->arena, "sha256 %s", hex);
	return step.detail ? plan_add(p, &step) : diag_no_memory();
}

static int learn(struct layer *l, struct job *job)
{
	char hex[2 * SHA256_BYTES + 1];
	int r;

	if (!l->source.surveyed)
		return 0;
	hex_encode(l->source.digest, SHA256_BYTES, hex);
	r = layer_learn(l, "sha256", "%s", hex);
	return r < 0 ? r : layer_learn(l, "bytes", "%" PRIu64, l->source.content_bytes);
}

static int verify(const struct layer *l, struct job *job, struct report *report)
{
	const char *hex = layer_learned(l, "sha256"), *bytes = layer_learned(l, "bytes");
	uint8_t expected[SHA256_BYTES], digest[SHA256_BYTES];
	_cleanup_attached_ struct attached below = {0};
	struct io *io;
	uint64_t len;
	int r;

	if (layer_below_provides(l, PLACE_BYTES_RO)) /* the hash tree tells more, block by block */
		return 0;
	if (!hex || !bytes || hex_decode(hex, expected, SHA256_BYTES) < 0)
		return 0;
	r = layer_attach_below(l, job, ATTACH_READ_RAW, &below, &io);
	if (r < 0)
		return r;
	len = min_u64(strtoull(bytes, NULL, 10), io->size_bytes);
	env_begin(job->env, l->volume->full_name, len);
	r = hash(io, len, job->env, digest);
	if (r < 0)
		return r;
	report->checked_bytes += len;
	report_note(report,
		    "%s: compared with the digest of its source; this tells of damage, not of "
		    "an attacker who changes the vault, too",
		    l->volume->full_name);
	if (memcmp(digest, expected, sizeof(digest)) == 0)
		return 0;
	return layer_report(l, report, FINDING_CORRUPT, "contents", 0, len,
			    "are not those that were laid out");
}

static const struct option_spec learns[] = {
    {"sha256", OPTION_HEX, .min = SHA256_BYTES, .max = SHA256_BYTES},
    {"bytes", OPTION_NUMBER},
    {0},
};

const struct layer_ops layer_image = {
    .name = "image",
    .summary = "Contents taken over byte for byte from a file.",
    .example = "image { source = \"u-boot.bin\" }",
    .consumes = PLACE_BYTES | PLACE_BYTES_RO,
    .provides = PLACE_SAME,
    .options = options,
    .survey = survey,
    .size = size,
    .gives = gives,
    .plan = plan,
    .learns = learns,
    .learn = learn,
    .verify = verify,
};
