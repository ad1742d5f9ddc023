/* SPDX-License-Identifier: Apache-2.0 */
/* Names of mappings. */
#ifndef HOLDFAST_LAYER_MAPPING_H
#define HOLDFAST_LAYER_MAPPING_H

#include "kernel/dm.h"
#include "model/layer.h"

/* PREFIX-VOLUME[-SLOT][.SUFFIX]. No volume's name has a full stop, so "root.hash" never is the
 * mapping of volume "root-hash". */
void mapping_name_of_volume(const struct volume *v, const struct open_how *how, const char *suffix,
			    char ret[static MAPPING_NAME_SIZE]);
/* The topmost mapping has the volume's name alone; one below it also has the layer's, then @suffix
 * (or NULL). */
void mapping_name_of_layer(const struct layer *l, const struct open_how *how, const char *suffix,
			   char ret[static MAPPING_NAME_SIZE]);

#endif
