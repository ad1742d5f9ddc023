/* SPDX-License-Identifier: Apache-2.0 */
/* A crypt volume whose cipher or key only the kernel has, as a struct io. Needs root. */
#ifndef HOLDFAST_LAYER_CRYPT_THROUGH_H
#define HOLDFAST_LAYER_CRYPT_THROUGH_H

#include "layer/crypt/facts.h"

/* layer_ops.attach() of what is not soft. */
int crypt_layer_attach_through(const struct layer *l, struct job *job, const struct crypt_facts *f,
			       enum attach_mode mode, struct io *below, struct io **ret);
/* The same, whole sectors only. */
int crypt_through_open(const struct layer *l, struct job *job, const struct crypt_facts *f,
		       enum attach_mode mode, struct io *below, struct io **ret);
/* With tags, not for writing: struct sector_device's states(), asked of the kernel. */
int crypt_through_states(void *io, uint64_t first, uint64_t n, uint8_t *ret, uint8_t *data);
struct integrity *crypt_through_tags(struct io *io);

#endif
