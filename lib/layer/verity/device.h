/* SPDX-License-Identifier: Apache-2.0 */
/* A verity volume as lib/userspace/verity takes it: data, and the area of the tree. */
#ifndef HOLDFAST_LAYER_VERITY_DEVICE_H
#define HOLDFAST_LAYER_VERITY_DEVICE_H

#include "model/layer.h"
#include "stack/attach.h"
#include "userspace/verity/verity.h"

struct verity_assembled {
	struct verity_device d;
	struct attached below;
};
void verity_assembled_free(struct verity_assembled *a);
#define _cleanup_verity_assembled_ __attribute__((cleanup(verity_assembled_free)))

/* Data as the layers below give it; of the target, superblock and tree. To be freed even where this
 * fails. */
int verity_layer_assemble(const struct layer *l, struct job *job, enum attach_mode mode,
			  const struct verity_params *p, struct verity_assembled *a);

#endif
