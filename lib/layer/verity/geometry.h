/* SPDX-License-Identifier: Apache-2.0 */
/* Where a verity volume has data, superblock and tree: from options and place. */
#ifndef HOLDFAST_LAYER_VERITY_GEOMETRY_H
#define HOLDFAST_LAYER_VERITY_GEOMETRY_H

#include "format/verity.h"
#include "model/layer.h"

/* Indexes of the option table. */
enum {
	VERITY_HASH,
	VERITY_DATA_BLOCK,
	VERITY_HASH_BLOCK,
	VERITY_SALT,
	VERITY_TREE,
	VERITY_ON_CORRUPTION,
	VERITY_CHECK_ONCE,
	VERITY_FEC_ROOTS,
	VERITY_SIGN,
};
enum { TREE_OWN, TREE_APPENDED };

/* All are pure. */

bool verity_layer_is_appended(const struct layer *l);
/* Everything but the number of blocks, salt and UUID. */
void verity_layer_params_from_options(const struct layer *l, struct verity_params *p);
/* Bytes of superblock and tree over @data_bytes. */
uint64_t verity_layer_tree_bytes(const struct layer *l, uint64_t data_bytes);
int verity_layer_gives(const struct layer *l, uint64_t *ret_bytes);
/* How much of the place the tree covers: the contents where their size is known, else all of it. */
int verity_layer_data_bytes(const struct layer *l, uint64_t *ret);
/* Where the superblock is on the target. */
uint64_t verity_layer_superblock_offset(const struct layer *l, const struct verity_params *p);

#endif
