/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of a verity volume: the vault's record, the superblock, the root hash. */
#ifndef HOLDFAST_LAYER_VERITY_RECORD_H
#define HOLDFAST_LAYER_VERITY_RECORD_H

#include "crypto/digest.h"
#include "format/verity.h"
#include "model/layer.h"

/* From the vault's record alone: -ENOENT, silent, when there is none. */
int verity_layer_params_from_learned(const struct layer *l, struct verity_params *p);
/* The vault's, else (no vault) the superblock's, which is learnt then. Speaks. */
int verity_layer_load_params(const struct layer *l, struct job *job, struct verity_params *p);
/* -errno with *@ret_why (static text), silent. */
int verity_layer_read_superblock(const struct layer *l, struct job *job, uint64_t offset,
				 struct verity_params *ret, const char **ret_why);
bool verity_layer_same_params(const struct verity_params *a, const struct verity_params *b);
/* The root hash that was learnt. Speaks. */
int verity_layer_root_hash(const struct layer *l, uint8_t ret[static DIGEST_MAX_BYTES]);
int verity_layer_learn(struct layer *l, struct job *job);

#endif
