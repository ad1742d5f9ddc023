/* SPDX-License-Identifier: Apache-2.0 */
/* The table itself: read through lib/format/gpt, made by libfdisk in memory. lib/medium only. */
#ifndef HOLDFAST_MEDIUM_GPT_TABLE_H
#define HOLDFAST_MEDIUM_GPT_TABLE_H

#include "base/io.h"
#include "format/gpt.h"
#include "model/plan.h"

/* One copy, as read from the target. */
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
	bool misplaced; /* the backup is not at the target's end: made for a smaller one */
	bool cut_short; /* made for a larger target: cannot be mended here */
	bool differ;    /* both are good and say different things: the primary is what counts */
	bool mbr_good;
};

/* --- lib/medium/gpt-copies.c --- */

/* 0, or -errno only for want of memory: what cannot be read is a state. */
int gpt_copies_read(struct io *target, struct gpt_copies *ret);
void gpt_copies_free(struct gpt_copies *c);
#define _cleanup_gpt_copies_ __attribute__((cleanup(gpt_copies_free)))
bool gpt_copy_good(const struct gpt_copy *c);
/* The copy to go by; NULL: none can be used. */
const struct gpt_copy *gpt_copies_best(const struct gpt_copies *c);
/* Something is wrong that gpt_table_mend() puts right. */
bool gpt_copies_want_mending(const struct gpt_copies *c);

/* Of a table of GPT_ENTRIES: what it takes at either end. */
uint64_t gpt_head_bytes(uint32_t sector_bytes); /* protective MBR, header, entries */
uint64_t gpt_tail_bytes(uint32_t sector_bytes); /* entries, header */

/* --- lib/medium/gpt-table.c --- */

/* A new table with @requests, in an image of the target's size; then onto the target: backup,
 * flush, primary, flush. Boot code in the first sector stays where a partition is kept. */
int gpt_table_write(struct io *target, const struct uuid *disk, const struct request *requests,
		    size_t n);
/* Makes both copies and the protective MBR good from the copy that is, the backup at the target's
 * end. At any moment one copy is where it can be found. Only bytes of the table are written. */
int gpt_table_mend(struct io *target);

#endif
