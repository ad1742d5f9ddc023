/* SPDX-License-Identifier: Apache-2.0 */
/* Where a verity volume has data, superblock and tree: from options and place. */
#include <stdio.h>

#include "base/overflow.h"
#include "crypto/digest.h"
#include "layer/verity/geometry.h"

bool verity_layer_is_appended(const struct layer *l)
{
	return l->values[VERITY_TREE].number == TREE_APPENDED;
}

void verity_layer_params_from_options(const struct layer *l, struct verity_params *p)
{
	*p = (struct verity_params){
	    .hash_type = 1,
	    .data_block_bytes = (uint32_t)l->values[VERITY_DATA_BLOCK].number,
	    .hash_block_bytes = (uint32_t)l->values[VERITY_HASH_BLOCK].number,
	};
	snprintf(p->algorithm, sizeof(p->algorithm), "%s", l->values[VERITY_HASH].text);
}

uint64_t verity_layer_tree_bytes(const struct layer *l, uint64_t data_bytes)
{
	struct verity_params p;
	struct verity_tree t;

	verity_layer_params_from_options(l, &p);
	p.data_blocks = max_u64(1, div_round_up(data_bytes, p.data_block_bytes));
	if (verity_tree(&p, (uint32_t)digest_bytes(p.algorithm), &t) < 0)
		return UINT64_MAX / 4;
	return (t.total_blocks + 1) * p.hash_block_bytes;
}

/* The most data that fits into @room together with an appended tree. */
static uint64_t data_that_fits(const struct layer *l, uint64_t room)
{
	uint64_t step =
	    max_u64(l->values[VERITY_DATA_BLOCK].number, l->values[VERITY_HASH_BLOCK].number);
	uint64_t low = 0, high = room / step;

	while (low < high) {
		uint64_t middle = low + (high - low + 1) / 2;

		if (middle * step + verity_layer_tree_bytes(l, middle * step) <= room)
			low = middle;
		else
			high = middle - 1;
	}
	return low * step;
}

int verity_layer_gives(const struct layer *l, uint64_t *ret_bytes)
{
	uint64_t below;
	int r = layer_below_gives(l, &below);

	if (r < 0)
		return r;
	*ret_bytes = verity_layer_is_appended(l)
			 ? data_that_fits(l, below)
			 : round_down(below, l->values[VERITY_DATA_BLOCK].number);
	return 0;
}

int verity_layer_data_bytes(const struct layer *l, uint64_t *ret)
{
	int r = verity_layer_gives(l, ret);

	if (r >= 0 && l->above->source.content_bytes)
		*ret =
		    round_up(l->above->source.content_bytes, l->values[VERITY_DATA_BLOCK].number);
	return r;
}

uint64_t verity_layer_superblock_offset(const struct layer *l, const struct verity_params *p)
{
	const struct volume *v = l->volume;

	if (!verity_layer_is_appended(l))
		return v->pieces[ROLE_HASH].extent.offset_bytes;
	return v->pieces[ROLE_DATA].extent.offset_bytes +
	       round_up(p->data_blocks * p->data_block_bytes, p->hash_block_bytes);
}
