/* SPDX-License-Identifier: Apache-2.0 */
/* Checking and reading a verity volume in user space: callbacks of the kind. */
#ifndef HOLDFAST_LAYER_VERITY_VERIFY_H
#define HOLDFAST_LAYER_VERITY_VERIFY_H

#include "model/layer.h"

int verity_layer_probe(const struct layer *l, struct job *job, enum probe_result *ret);
int verity_layer_verify(const struct layer *l, struct job *job, struct report *report);
int verity_layer_attach(const struct layer *l, struct job *job, enum attach_mode mode,
			struct io *below, struct io **ret);

#endif
