/* SPDX-License-Identifier: Apache-2.0 */
/* The LUKS2 header of a crypt volume as it is made, and its keyslots when keys change. */
#ifndef HOLDFAST_LAYER_CRYPT_KEYSLOTS_H
#define HOLDFAST_LAYER_CRYPT_KEYSLOTS_H

#include "layer/crypt/facts.h"
#include "userspace/luks2/luks2.h"

/* Appends the step that writes the header. */
int crypt_header_plan(const struct layer *l, const struct crypt_facts *f, struct plan *p);
/* How many keyslots of a header were not laid out. */
unsigned crypt_header_foreign(const struct crypt_facts *f, const struct luks2_facts *h);

/* Callbacks of layer_key_ops. */
int crypt_layer_reseal(const struct layer *l, struct job *job);
int crypt_layer_foreign_ways(const struct layer *l, struct job *job, unsigned *ret);
int crypt_layer_forget(const struct layer *l, struct job *job);

#endif
