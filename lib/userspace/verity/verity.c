/* SPDX-License-Identifier: Apache-2.0 */
/* The geometry of a verity device: where its blocks are and what they cover. */
#include <errno.h>
#include <inttypes.h>

#include "base/diag.h"
#include "base/overflow.h"
#include "userspace/verity/verity.h"

uint64_t verity_level_blocks(const struct verity_device *d, int level)
{
	return level < 0 ? d->params.data_blocks : d->tree.level[level].blocks;
}

uint32_t verity_level_block_bytes(const struct verity_device *d, int level)
{
	return level < 0 ? d->params.data_block_bytes : d->params.hash_block_bytes;
}

uint64_t verity_locate(const struct verity_device *d, int level, uint64_t block, struct io **ret_io)
{
	*ret_io = level < 0 ? d->data : d->hash;
	if (level < 0)
		return block * d->params.data_block_bytes;
	return d->tree_offset_bytes +
	       (d->tree.level[level].first_block + block) * d->params.hash_block_bytes;
}

uint64_t verity_children(const struct verity_device *d, int level, uint64_t block,
			 uint64_t *ret_first)
{
	*ret_first = block * d->tree.per_block;
	return min_u64(d->tree.per_block, verity_level_blocks(d, level - 1) - *ret_first);
}

int verity_prepare(struct verity_device *d)
{
	const struct verity_params *p = &d->params;
	uint32_t digest = (uint32_t)digest_bytes(p->algorithm);
	uint64_t data;

	if (!digest)
		return diag_fail(DIAG_NOT_BUILT, ENOTSUP, "hash algorithm \"%s\" is not known",
				 p->algorithm);
	if (verity_tree(p, digest, &d->tree) < 0)
		return diag_fail(DIAG_DAMAGED, ERANGE,
				 "no hash tree is possible over %" PRIu64
				 " blocks with blocks of %u bytes and %s",
				 p->data_blocks, p->hash_block_bytes, p->algorithm);
	if (!mul_u64(p->data_blocks, p->data_block_bytes, &data) || data > d->data->size_bytes)
		return diag_fail(
		    DIAG_DAMAGED, ERANGE,
		    "%s has %" PRIu64 " bytes, but its hash tree is for %" PRIu64 " blocks of %u",
		    d->data->name, d->data->size_bytes, p->data_blocks, p->data_block_bytes);
	if (!range_inside(d->tree_offset_bytes, d->tree.total_blocks * p->hash_block_bytes,
			  d->hash->size_bytes))
		return diag_fail(DIAG_DAMAGED, ERANGE,
				 "%s is too small for a hash tree of %" PRIu64 " blocks",
				 d->hash->name, d->tree.total_blocks);
	return 0;
}
