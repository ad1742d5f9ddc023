/* SPDX-License-Identifier: Apache-2.0 */
/* An authenticated device as an image of its contents. */
#ifndef HOLDFAST_LAYER_TAGGED_READER_H
#define HOLDFAST_LAYER_TAGGED_READER_H

#include "layer/tagged/sector.h"

/* The plaintext as an image: never written and free is zeroes, never written and in use is damage
 * (-EILSEQ). Owns d->plain. */
int sector_reader_open(const struct sector_device *d, struct job *job, struct io **ret);

#endif
