/* SPDX-License-Identifier: Apache-2.0 */
/* The table itself: read through lib/format/gpt, made by libfdisk in memory. lib/medium only. */
#ifndef HOLDFAST_MEDIUM_GPT_TABLE_H
#define HOLDFAST_MEDIUM_GPT_TABLE_H

#include "base/io.h"
#include "format/gpt.h"
#include "model/plan.h"

/* One copy as it stands on the target. */
struct gpt_copy {
	bool readable;     /* header and entries could be read */
	bool header_good;  /* checksum and place are right */
	bool entries_good; /* checksum */
	bool seen;         /* its signature is there */
	const char *why;   /* what is wrong with it; static */
	struct gpt_header header;
	uint64_t offset_bytes; /* of the header */
	uint8_t
	    *entries; /* header.entries × 128 bytes when entries_good; freed by gpt_copies_free */
};

struct gpt_copies {
	struct gpt_copy primary, backup;
	bool misplaced; /* primary is good and its backup is not at the target's end */
};

/* 0, or -EIO etc. only when even reading is impossible for want of memory. */
int gpt_copies_read(struct io *target, struct gpt_copies *ret);
void gpt_copies_free(struct gpt_copies *c);
#define _cleanup_gpt_copies_ __attribute__((cleanup(gpt_copies_free)))
/* The copy to go by; NULL: none can be used. */
const struct gpt_copy *gpt_copies_best(const struct gpt_copies *c);

uint64_t gpt_head_bytes(uint32_t sector_bytes); /* protective MBR, header, entries */
uint64_t gpt_tail_bytes(uint32_t sector_bytes); /* entries, header */

/* A new table with @requests, in an image of the target's size; then onto the target: backup,
 * flush, primary, flush. */
int gpt_table_write(struct io *target, const struct uuid *disk, const struct request *requests,
		    size_t n);
/* Makes both copies good from the one that is, the backup at the target's end: damaged one first.
 */
int gpt_table_mend(struct io *target);

#endif
