/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a verity volume through the kernel, now or at boot. */
#ifndef HOLDFAST_LAYER_VERITY_KERNEL_H
#define HOLDFAST_LAYER_VERITY_KERNEL_H

#include "model/layer.h"

extern const struct layer_kernel_ops verity_kernel;

#endif
