/* SPDX-License-Identifier: Apache-2.0 */
/* Sectors of an authenticated device: good, never written, bad. */
#ifndef HOLDFAST_LAYER_TAGGED_SECTOR_H
#define HOLDFAST_LAYER_TAGGED_SECTOR_H

#include "layer/tagged/tags.h"

enum sector_state { SECTOR_GOOD, SECTOR_NEVER, SECTOR_BAD };

struct sector_device {
	const struct layer *layer;
	const struct tags *tags;
	struct integrity *device;
	uint32_t sector_bytes;
	uint64_t sectors;
	bool written;     /* all of them were: never written is damage */
	struct io *plain; /* for the file system; sectors that do not verify are zeroes */
	/* States of [first, first+n), and plaintext into @data (zeroes where not good; NULL: not
	 * wanted). Several threads at once. Silent. */
	int (*states)(void *ctx, uint64_t first, uint64_t n, uint8_t *ret, uint8_t *data);
	void *ctx;
};

#endif
