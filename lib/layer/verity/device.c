/* SPDX-License-Identifier: Apache-2.0 */
/* A verity volume as lib/userspace/verity takes it: data, and the area of the tree. */
#include "layer/verity/device.h"
#include "layer/verity/geometry.h"
#include "stack/attach.h"

void verity_assembled_free(struct verity_assembled *a)
{
	io_close(a->d.hash);
	attached_close(&a->below);
}

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
	a->d.tree_offset_bytes = p->hash_block_bytes; /* after the superblock's block */
	return verity_prepare(&a->d);
}
