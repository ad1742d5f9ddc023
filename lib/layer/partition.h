/* SPDX-License-Identifier: Apache-2.0 */
/* What other layers need of the partition below them: a block device for each of its volume's
 * pieces. */
#ifndef HOLDFAST_LAYER_PARTITION_H
#define HOLDFAST_LAYER_PARTITION_H

#include "model/layer.h"

/* Opens the extent of @role of @v as a block device: the kernel's partition where it knows one with
 * exactly this range, else a dm-linear mapping. Speaks. */
int partition_open_role(struct volume *v, struct job *job, const struct open_how *how,
			enum role role, struct place *ret);
/* Removes the mapping that partition_open_role() may have made. */
int partition_close_role(struct volume *v, const struct open_how *how, enum role role);

/* "PARTUUID=…" of the extent of @role; -EINVAL having spoken where it has none. */
int partition_device_name(const struct volume *v, enum role role, struct text *to);

#endif
