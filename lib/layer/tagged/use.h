/* SPDX-License-Identifier: Apache-2.0 */
/* Is a sector that was never written free to the contents, or was it wiped? */
#ifndef HOLDFAST_LAYER_TAGGED_USE_H
#define HOLDFAST_LAYER_TAGGED_USE_H

#include "filemap/filemap.h"
#include "layer/tagged/sector.h"

struct sector_use {
	const struct sector_device *d;
	struct filemap *map;      /* NULL: no file system that we can read is on it */
	uint64_t written_sectors; /* from the first on: laid out by holdfast itself */
	const char *untold;       /* why it cannot be told, NULL: it can */
};
/* -errno only for memory and hardware. */
int sector_use_open(const struct sector_device *d, struct job *job, struct sector_use *ret);
void sector_use_close(struct sector_use *u);
/* How many of the @n sectors from @sector on are in use, or are not, together. */
uint64_t sector_use_run(struct sector_use *u, uint64_t sector, uint64_t n, bool *ret_in_use);

#endif
