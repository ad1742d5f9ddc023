/* SPDX-License-Identifier: Apache-2.0 */
/* A crypt volume in user space: callbacks of the kind. */
#ifndef HOLDFAST_LAYER_CRYPT_VERIFY_H
#define HOLDFAST_LAYER_CRYPT_VERIFY_H

#include "model/layer.h"

int crypt_layer_attach(const struct layer *l, struct job *job, enum attach_mode mode,
		       struct io *below, struct io **ret);
int crypt_layer_verify(const struct layer *l, struct job *job, struct report *report);

#endif
