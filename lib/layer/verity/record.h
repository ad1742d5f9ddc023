/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of a verity volume: the vault's record, the superblock, the root hash. */
#ifndef HOLDFAST_LAYER_VERITY_RECORD_H
#define HOLDFAST_LAYER_VERITY_RECORD_H

#include "crypto/digest.h"
#include "format/verity.h"
#include "model/layer.h"

/* From the vault's record alone: -ENOENT, silent, when there is none. */
int verity_layer_params_from_learned(const struct layer *l, struct verity_params *p);
/* What the vault has recorded or verity_layer_recognise() has learnt. Speaks: without either, it
 * says what is wrong with the superblock. */
int verity_layer_load_params(const struct layer *l, struct job *job, struct verity_params *ret);
/* A volume without a vault: sets options and learns parameters from the superblock of its hash
 * partition. 1; 0 where it has no usable one, silent; -ENOMEM. */
int verity_layer_recognise(struct layer *l, struct job *job);
/* -errno with *@ret_why (static text), silent. */
int verity_layer_read_superblock(const struct layer *l, struct job *job, uint64_t offset,
				 struct verity_params *ret, const char **ret_why);
bool verity_layer_same_params(const struct verity_params *a, const struct verity_params *b);
/* The root hash that was learnt. Speaks. */
int verity_layer_root_hash(const struct layer *l, uint8_t ret[static DIGEST_MAX_BYTES]);
int verity_layer_learn(struct layer *l, struct job *job);

#endif
