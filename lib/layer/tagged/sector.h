/* SPDX-License-Identifier: Apache-2.0 */
/* Sectors of an authenticated device: good, never written, bad; and what the contents say to that.
 */
#ifndef HOLDFAST_LAYER_SECTOR_H
#define HOLDFAST_LAYER_SECTOR_H

#include "filemap/filemap.h"
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

/* --- sector-use.c: is a sector that was never written free, or was it wiped? --- */

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

/* --- sector-check.c --- */

/* Every sector; findings with files' names. */
int sector_check(const struct sector_device *d, struct job *job, struct report *report);

/* --- sector-reader.c --- */

/* The plaintext as an image: never written and free is zeroes, never written and in use is damage
 * (-EILSEQ). Owns d->plain. */
int sector_reader_open(const struct sector_device *d, struct job *job, struct io **ret);

#endif
