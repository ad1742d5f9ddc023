/* SPDX-License-Identifier: Apache-2.0 */
/* Checking and reading a verity volume in user space. */
#include <errno.h>
#include <stdio.h>

#include "base/diag.h"
#include "base/overflow.h"
#include "layer/verity/verity.h"
#include "stack/attach.h"

void verity_assembled_free(struct verity_assembled *a)
{
	io_close(a->d.hash);
	attached_close(&a->below);
}

/* Data as the layers below give it, and the tree's area of the target, superblock first. */
int verity_layer_assemble(const struct layer *l, struct job *job, enum attach_mode mode,
			  const struct verity_params *p, struct verity_assembled *a)
{
	uint64_t offset = verity_layer_superblock_offset(l, p);
	uint64_t size = verity_layer_tree_bytes(l, p->data_blocks * p->data_block_bytes);
	int r = layer_attach_below(l, job, mode, &a->below, &a->d.data);

	if (r >= 0)
		r = io_open_window(job->target, l->volume->full_name, offset, size, &a->d.hash);
	if (r < 0)
		return r;
	a->d.params = *p;
	a->d.tree_offset_bytes = p->hash_block_bytes; /* behind the superblock's block */
	return verity_prepare(&a->d);
}

/* --- checking and reading --- */

int verity_layer_probe(const struct layer *l, struct job *job, enum probe_result *ret)
{
	struct verity_params p, on_medium;
	uint64_t bytes;
	const char *why;
	int r = verity_layer_data_bytes(l, &bytes);

	if (r < 0)
		return r;
	verity_layer_params_from_options(l, &p);
	p.data_blocks = bytes / p.data_block_bytes;
	r = verity_layer_read_superblock(l, job, verity_layer_superblock_offset(l, &p), &on_medium,
					 &why);
	*ret = r < 0                                    ? PROBE_ABSENT
	       : on_medium.data_blocks == p.data_blocks ? PROBE_MATCHES
							: PROBE_FOREIGN;
	return r == -EIO ? r : 0;
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
	const char *why = "does not say what was laid out";
	int r = verity_layer_read_superblock(l, job, offset, &on_medium, &why);
	const struct finding f = {
	    .kind = r == -EIO ? FINDING_UNREADABLE : FINDING_CORRUPT,
	    .volume = l->volume->full_name,
	    .layer = l->ops->name,
	    .area = "superblock",
	    .offset_bytes = offset,
	    .len_bytes = VERITY_SUPERBLOCK_BYTES,
	    .text = why,
	};

	if (r >= 0 && verity_layer_same_params(p, &on_medium))
		return 0;
	return report_add(report, &f) < 0 ? diag_no_memory() : 0;
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
	d.tree_offset_bytes = d.params.hash_block_bytes;
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
