/* SPDX-License-Identifier: Apache-2.0 */
/* Finding room for requests on a medium: what gpt and raw have in common. */
#ifndef HOLDFAST_MEDIUM_ALLOCATE_H
#define HOLDFAST_MEDIUM_ALLOCATE_H

#include "model/plan.h"

/* What can be allocated. */
struct space {
	uint64_t first_bytes, end_bytes; /* where entries of the table may lie */
	uint64_t align_bytes;
	struct extent reserved[2]; /* the table's own: nothing may lie there */
	size_t n_reserved;
};

/* Fills `placed` of all requests (kept ones are placed already), or says what does not fit. */
int allocate_all(struct request *requests, size_t n, const struct space *space);
/* Where the last one ends when nothing limits, fill being as small as it may. 0: failed. */
uint64_t allocate_least(const struct plan *p, const struct space *space);
/* Refuses labels, UUIDs and numbers that are used twice; gives the others numbers. */
int allocate_entries(struct request *requests, size_t n);

#endif
