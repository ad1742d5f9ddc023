/* SPDX-License-Identifier: Apache-2.0 */
/* A crypt volume through the kernel. */
#ifndef HOLDFAST_LAYER_CRYPT_KERNEL_H
#define HOLDFAST_LAYER_CRYPT_KERNEL_H

#include "layer/crypt/facts.h"

/* The key of a table: bytes, or the name of one that the kernel has. */
struct crypt_keying {
	const struct secret *key; /* NULL: */
	char reference[136];      /* "TYPE:DESCRIPTION" */
};
int crypt_layer_keying(const struct layer *l, struct job *job, const struct crypt_facts *f,
		       struct crypt_keying *ret);
/* dm-crypt over @below from @offset_bytes on. Speaks. */
int crypt_layer_map(const char *name, const struct crypt_facts *f, const struct crypt_keying *key,
		    const struct place *below, uint64_t offset_bytes, struct place *ret);

extern const struct layer_kernel_ops crypt_kernel;

#endif
