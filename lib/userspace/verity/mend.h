/* SPDX-License-Identifier: Apache-2.0 */
/* Reconstructing corrupt hash blocks from the blocks that they cover. */
#ifndef HOLDFAST_USERSPACE_VERITY_MEND_H
#define HOLDFAST_USERSPACE_VERITY_MEND_H

#include "userspace/verity/worker.h"

/* One thread's buffers, each the size of a hash block. */
struct verity_mender {
	struct verity_worker *w;
	uint8_t *own;      /* the block as it is on the medium */
	uint8_t *computed; /* the digests of the blocks below it as they are on the medium */
	uint8_t *attempt;  /* the true contents, once found */
};
int verity_mender_init(struct verity_worker *w, struct verity_mender *ret); /* silent */
void verity_mender_free(struct verity_mender *m);

enum verity_mended {
	VERITY_LOST,           /* its true contents cannot be found */
	VERITY_CHILDREN_PROVE, /* every block below it is unchanged since the tree was built */
	VERITY_MENDED,         /* they are in m->attempt; some block below it has changed */
};

/*
 * Looks for the true contents of hash block @block of @level, which is corrupt and whose digest is
 * @expected. Each of its digests is either the one on the medium, or that of the block below as it
 * is, or (@rebuild) that of the block below as rebuilt from the data. Where these agree the digest
 * is certain; all combinations of the others are tried. @rebuild reads all data below the block,
 * until @env cancels. Silent.
 */
enum verity_mended verity_mend(struct verity_mender *m, struct env *env, int level, uint64_t block,
			       const uint8_t *expected, bool rebuild);

#endif
