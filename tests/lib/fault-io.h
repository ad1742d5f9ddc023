/* SPDX-License-Identifier: Apache-2.0 */
/* A device that fails on purpose: loses power at the Nth operation, or gives an error there. */
#ifndef HOLDFAST_TESTS_FAULT_IO_H
#define HOLDFAST_TESTS_FAULT_IO_H

#include "base/io.h"

struct fault_plan {
	uint64_t cut_at;   /* power goes at this write, zero, discard or flush (from 1; 0: never) */
	uint64_t error_at; /* this one fails with @error, once; the ones after it work again */
	int error;         /* EIO, ENOSPC … */
	uint64_t ops;      /* how many there were; counted on */

	uint64_t shrink_at;    /* here the device becomes smaller */
	uint64_t shrink_bytes; /* to this: reading and writing beyond give EIO, a flush ENODATA */
};

/*
 * Over @below, which is closed with it: memory, or a sparse work file for a large device. Writes
 * go to @below only when they are flushed. What was discarded reads as 0xd1 from then on, so nobody
 * can count on zeroes. @plan is looked at with every operation and outlives the device.
 */
struct io *fault_wrap(struct io *below, struct fault_plan *plan);

/* What is left in the volatile cache when the device is closed without a flush, by sectors of 512:
 * kept, lost, or torn in the middle, as @seed has it. */
void fault_set_seed(struct io *io, uint64_t seed);

#endif
