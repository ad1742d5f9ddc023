/* SPDX-License-Identifier: Apache-2.0 */
/* Checking and reading a verity volume in user space. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/overflow.h"
#include "layer/verity/device.h"
#include "layer/verity/geometry.h"
#include "layer/verity/record.h"
#include "layer/verity/verify.h"
#include "stack/attach.h"

/* Is the root hash that was learnt the digest of the tree's top block? */
static int probe_top(const struct layer *l, struct job *job, const struct verity_params *p,
		     enum probe_result *ret)
{
	_cleanup_verity_assembled_ struct verity_assembled a = {0};
	uint8_t learnt[DIGEST_MAX_BYTES], there[DIGEST_MAX_BYTES];
	int r = verity_layer_root_hash(l, learnt);

	if (r >= 0)
		r = verity_layer_assemble(l, job, ATTACH_READ_RAW, p, &a);
	if (r >= 0)
		r = verity_root(&a.d, there);
	if (r >= 0)
		*ret = memcmp(learnt, there, a.d.tree.digest_bytes) == 0 ? PROBE_MATCHES
									 : PROBE_DAMAGED;
	return r;
}

/* What was learnt; before that, what the options say: *@ret_learnt. */
static int expected(const struct layer *l, struct verity_params *ret, bool *ret_learnt)
{
	uint64_t bytes = 0;
	int r = verity_layer_params_from_learned(l, ret);

	*ret_learnt = r >= 0;
	if (r != -ENOENT)
		return r;
	r = verity_layer_data_bytes(l, &bytes);
	ret->data_blocks = bytes / ret->data_block_bytes;
	return r;
}

int verity_layer_probe(const struct layer *l, struct job *job, enum probe_result *ret)
{
	struct verity_params p, there;
	uint64_t offset;
	const char *why;
	bool learnt;
	int r = expected(l, &p, &learnt);

	if (r < 0)
		return r;
	offset = verity_layer_superblock_offset(l, &p);
	r = verity_layer_read_superblock(l, job, offset, &there, &why);
	if (r == -EIO)
		return io_fail(job->target, r, "reading", offset, VERITY_SUPERBLOCK_BYTES);
	*ret = PROBE_ABSENT;
	if (r < 0)
		return 0;
	*ret = PROBE_FOREIGN;
	if (learnt ? !verity_layer_same_params(&p, &there) : there.data_blocks != p.data_blocks)
		return 0;
	*ret = PROBE_MATCHES;
	return layer_learned(l, "root-hash") ? probe_top(l, job, &there, ret) : 0;
}

struct telling {
	const struct layer *l;
	const struct verity_device *d;
	struct report *report;
};

static int tell(void *ctx, const struct verity_found *f)
{
	static const struct {
		enum finding_kind kind;
		const char *text;
	} kinds[] = {
	    [VERITY_CORRUPT] = {FINDING_CORRUPT, "does not match its hash"},
	    [VERITY_UNPROVEN] = {FINDING_UNPROVEN,
				 "cannot be checked: the hash block above it is destroyed"},
	    [VERITY_UNREADABLE] = {FINDING_UNREADABLE, "the target failed to read it"},
	};
	const struct telling *t = ctx;
	const struct volume *v = t->l->volume;
	uint32_t size = verity_level_block_bytes(t->d, f->level);
	char area[32] = "data";
	struct io *io;
	struct finding finding = {
	    .kind = kinds[f->kind].kind,
	    .volume = v->full_name,
	    .layer = t->l->ops->name,
	    .area = area,
	    .offset_bytes = verity_locate(t->d, f->level, f->first_block, &io),
	    .len_bytes = f->blocks * size,
	    .blocks = f->blocks,
	    .text = kinds[f->kind].text,
	};

	if (f->level >= 0)
		snprintf(area, sizeof(area), "hash level %d", f->level);
	if (f->differs)
		finding.text = "cannot be checked: the hash block above it is destroyed, and what "
			       "is left of that says something else";
	finding.offset_bytes += f->level < 0 ? v->pieces[ROLE_DATA].extent.offset_bytes
					     : verity_layer_superblock_offset(t->l, &t->d->params);
	return report_add(t->report, &finding) < 0 ? diag_no_memory() : 0;
}

static int verify_superblock(const struct layer *l, struct job *job, const struct verity_params *p,
			     struct report *report)
{
	uint64_t offset = verity_layer_superblock_offset(l, p);
	struct verity_params on_medium;
	const char *why = "is not the one that was laid out";
	int r = verity_layer_read_superblock(l, job, offset, &on_medium, &why);

	if (r >= 0 && verity_layer_same_params(p, &on_medium))
		return 0;
	return layer_report_at(l, report, r == -EIO ? FINDING_UNREADABLE : FINDING_CORRUPT,
			       "superblock", offset, VERITY_SUPERBLOCK_BYTES, why);
}

int verity_layer_verify(const struct layer *l, struct job *job, struct report *report)
{
	_cleanup_verity_assembled_ struct verity_assembled a = {0};
	struct telling telling = {.l = l, .d = &a.d, .report = report};
	uint8_t root[DIGEST_MAX_BYTES];
	struct verity_params p;
	int r = verity_layer_load_params(l, job, &p);

	if (r >= 0)
		r = verity_layer_root_hash(l, root);
	if (r >= 0)
		r = verity_layer_assemble(l, job, ATTACH_READ_RAW, &p, &a);
	if (r >= 0)
		r = verify_superblock(l, job, &p, report);
	if (r < 0)
		return r;
	env_begin(job->env, l->volume->full_name, p.data_blocks * p.data_block_bytes);
	report->checked_bytes +=
	    (p.data_blocks * p.data_block_bytes) + a.d.tree.total_blocks * p.hash_block_bytes;
	return verity_check(&a.d, root, job->env, tell, &telling);
}

static int attach_reader(const struct layer *l, struct job *job, struct io *below, struct io **ret)
{
	struct verity_device d = {0};
	uint8_t root[DIGEST_MAX_BYTES];
	int r = verity_layer_load_params(l, job, &d.params);

	if (r >= 0)
		r = verity_layer_root_hash(l, root);
	if (r >= 0)
		r = io_open_window(below, below->name, 0, below->size_bytes, &d.data);
	if (r >= 0)
		r = io_open_window(
		    job->target, l->volume->full_name, verity_layer_superblock_offset(l, &d.params),
		    verity_layer_tree_bytes(l, d.params.data_blocks * d.params.data_block_bytes),
		    &d.hash);
	d.tree_offset_bytes = d.params.hash_block_bytes; /* after the superblock's block */
	if (r >= 0)
		r = verity_prepare(&d);
	if (r >= 0)
		r = verity_open_reader(&d, root, true, ret);
	if (r < 0) {
		io_close(d.data);
		io_close(d.hash);
	}
	return r;
}

int verity_layer_attach(const struct layer *l, struct job *job, enum attach_mode mode,
			struct io *below, struct io **ret)
{
	struct verity_params p;
	uint64_t size;
	int r;

	if (mode == ATTACH_READ || mode == ATTACH_IMAGE)
		return attach_reader(l, job, below, ret);
	if (mode == ATTACH_WRITE) {
		r = verity_layer_gives(l, &size);
	} else {
		r = verity_layer_load_params(l, job, &p);
		size = p.data_blocks * p.data_block_bytes;
	}
	return r < 0 ? r : io_open_window(below, below->name, 0, size, ret);
}
