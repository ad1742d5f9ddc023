/* SPDX-License-Identifier: Apache-2.0 */
/* dm-integrity through the kernel. */
#ifndef HOLDFAST_LAYER_TAGGED_KERNEL_H
#define HOLDFAST_LAYER_TAGGED_KERNEL_H

#include "layer/tagged/tags.h"

/* Refuses (HF-TAMPERED) where tags_judge() has something to say. */
int tags_refuse_changed(const struct layer *l, struct job *job, const struct tags *t);
/* @hash: more parameters ("internal_hash:sha256"), "" for tags of a layer above. */
int tags_map(const struct layer *l, const struct open_how *how, const struct tags *t,
	     const struct place *below, const char *hash, const char *suffix, struct place *ret);
int tags_map_as(const char *name, const struct tags *t, const struct place *below, const char *hash,
		struct place *ret);

#endif
