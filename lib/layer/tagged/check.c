/* SPDX-License-Identifier: Apache-2.0 */
/* Every sector of an authenticated device: what does not verify, and what that means. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/io.h"
#include "base/overflow.h"
#include "base/pool.h"
#include "layer/tagged/check.h"
#include "layer/tagged/use.h"

#define PIECE_BYTES  (1024 * 1024)
#define WINDOW_BYTES (64ULL * 1024 * 1024)
#define NAMES_MAX    1000 /* runs that are told with the files they hit */

/* Neighbours in the same state, other than good. */
struct run {
	uint64_t first, n;
	uint8_t state;
};

struct check {
	const struct sector_device *d;
	struct job *job;
	uint64_t window_first; /* sector of states[0] */
	uint64_t per_piece;
	uint8_t *states; /* of one window */
	ARRAY(struct run) runs;
	uint64_t good, never, bad;
	struct sector_use use;
};

static int check_piece(void *ctx, uint64_t piece, unsigned worker)
{
	struct check *k = ctx;
	uint64_t first = piece * k->per_piece, n = min_u64(k->per_piece, k->d->sectors - first);
	uint8_t *states = k->states + (first - k->window_first);
	uint64_t next;
	int r = integrity_next_written(k->d->device, first, &next);

	if (r < 0)
		return r;
	env_progress(k->job->env, n * k->d->sector_bytes);
	if (next >= first + n) { /* a hole: no need to read data */
		memset(states, SECTOR_NEVER, n);
		return 0;
	}
	return k->d->states(k->d->ctx, first, n, states, NULL);
}

static int take_states(struct check *k, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		struct run *last = k->runs.n ? &k->runs.v[k->runs.n - 1] : NULL;
		uint64_t sector = k->window_first + i;
		struct run run = {sector, 1, k->states[i]};

		k->good += run.state == SECTOR_GOOD;
		k->never += run.state == SECTOR_NEVER;
		k->bad += run.state == SECTOR_BAD;
		if (run.state == SECTOR_GOOD)
			continue;
		if (last && last->state == run.state && last->first + last->n == sector)
			last->n++;
		else if (array_add(&k->runs, run) < 0)
			return diag_no_memory();
	}
	return 0;
}

static int check_all(struct check *k)
{
	uint64_t window = WINDOW_BYTES / k->d->sector_bytes;
	struct job *job = k->job;
	int r = 0;

	k->per_piece = PIECE_BYTES / k->d->sector_bytes;
	k->states = malloc(window);
	if (!k->states)
		return diag_no_memory();
	for (uint64_t at = 0; at < k->d->sectors && r >= 0; at += window) {
		uint64_t n = min_u64(window, k->d->sectors - at);

		k->window_first = at;
		r = pool_run(job->env->pool, at / k->per_piece, div_round_up(at + n, k->per_piece),
			     check_piece, k, job->env->cancel);
		if (r == -ECANCELED)
			return diag_fail(DIAG_SIGNAL, ECANCELED, "stopped while it was checked");
		if (r < 0)
			return io_fail(job->target, r, "reading",
				       k->d->layer->volume->pieces[ROLE_DATA].extent.offset_bytes,
				       k->d->layer->volume->pieces[ROLE_DATA].extent.size_bytes);
		r = take_states(k, n);
		env_tick(job->env);
	}
	return r;
}

/* --- findings --- */

static int report_run(struct check *k, const struct run *run, bool name, struct report *report)
{
	const struct layer *l = k->d->layer;
	uint64_t place =
	    l->volume->pieces[ROLE_DATA].extent.offset_bytes + k->d->tags->offset_bytes;
	_cleanup_text_ struct text text = {0};
	struct finding f = {
	    .kind = FINDING_CORRUPT,
	    .volume = l->volume->full_name,
	    .layer = l->ops->name,
	    .area = "data",
	    .offset_bytes = place + integrity_data_offset(k->d->device, run->first),
	    .len_bytes = run->n * k->d->sector_bytes,
	    .blocks = run->n,
	};

	text_add(&text, "%s",
		 run->state == SECTOR_BAD ? "does not authenticate"
					  : "is in use, but its tag was wiped");
	if (name && k->use.map) {
		text_add(&text, ": ");
		filemap_name(k->use.map, run->first * k->d->sector_bytes, f.len_bytes, &text);
	}
	if (text.failed)
		return diag_no_memory();
	f.text = text.s;
	return report_add(report, &f) < 0 ? diag_no_memory() : 0;
}

/* Of a run that was never written only what is in use is damage. */
static int report_never(struct check *k, const struct run *run, size_t *told, struct report *report)
{
	struct run bad = {.state = SECTOR_NEVER};
	uint64_t end = run->first + run->n;
	int r = 0;

	for (uint64_t at = run->first, n; at < end && r >= 0; at += n) {
		bool damage;

		n = min_u64(end - at, sector_use_run(&k->use, at, end - at, &damage));
		if (!damage)
			continue;
		bad.first = at;
		bad.n = n;
		r = report_run(k, &bad, (*told)++ < NAMES_MAX, report);
	}
	return r;
}

/* The key was right: it opened the vault's record, and matches the digest in the LUKS2 header. */
static int report_nothing_fits(struct check *k, struct report *report)
{
	const struct layer *l = k->d->layer;
	const struct finding f = {
	    .kind = FINDING_CORRUPT,
	    .volume = l->volume->full_name,
	    .layer = l->ops->name,
	    .area = "data",
	    .offset_bytes = l->volume->pieces[ROLE_DATA].extent.offset_bytes,
	    .len_bytes = l->volume->pieces[ROLE_DATA].extent.size_bytes,
	    .blocks = k->bad,
	    .text = "no sector authenticates under the volume's key: data or tags are another "
		    "volume's, or all was overwritten",
	};

	return report_add(report, &f) < 0 ? diag_no_memory() : 0;
}

static int report_all(struct check *k, struct report *report)
{
	size_t told = 0;
	int r = 0;

	if (k->bad && !k->good)
		return report_nothing_fits(k, report);
	array_each (run, &k->runs) {
		if (r < 0)
			break;
		r = run->state == SECTOR_BAD ? report_run(k, run, told++ < NAMES_MAX, report)
					     : report_never(k, run, &told, report);
	}
	return r;
}

static int note(struct check *k, struct report *report)
{
	const char *volume = k->d->layer->volume->full_name;
	const char *map = k->use.map ? filemap_note(k->use.map) : NULL;
	int r = 0;

	if (k->never)
		r = report_note(report, "%s: %" PRIu64 " of %" PRIu64 " sectors were never written",
				volume, k->never, k->d->sectors);
	if (r >= 0 && k->never && k->use.untold)
		r = report_note(report,
				"%s: %s: what was never written cannot be told from what was wiped",
				volume, k->use.untold);
	if (r >= 0 && map)
		r = report_note(report, "%s: %s", volume, map);
	return r < 0 ? diag_no_memory() : 0;
}

int sector_check(const struct sector_device *d, struct job *job, struct report *report)
{
	struct check k = {.d = d, .job = job};
	int r;

	env_begin(job->env, d->layer->volume->full_name, d->sectors * d->sector_bytes);
	r = check_all(&k);
	report->checked_bytes += d->sectors * d->sector_bytes;
	if (r >= 0 && (k.never || k.bad))
		r = sector_use_open(d, job, &k.use);
	if (r >= 0)
		r = report_all(&k, report);
	if (r >= 0)
		r = note(&k, report);
	sector_use_close(&k.use);
	free(k.states);
	array_free(&k.runs);
	return r;
}
