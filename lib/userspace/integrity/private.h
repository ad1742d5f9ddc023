/* SPDX-License-Identifier: Apache-2.0 */
/* What an open dm-integrity device consists of. */
#ifndef HOLDFAST_USERSPACE_INTEGRITY_PRIVATE_H
#define HOLDFAST_USERSPACE_INTEGRITY_PRIVATE_H

#include <pthread.h>

#include "base/arena.h"
#include "crypto/digest.h"
#include "crypto/mac.h"
#include "userspace/integrity/integrity.h"

/* One thread's hash: a digest or a MAC, or neither (crc32c). */
struct integrity_hash {
	struct digest *digest;
	struct mac *mac;
};

/* One per thread at work; further threads wait for an idle one. */
struct integrity_hashes {
	size_t bytes; /* of one hash; 0: there is no algorithm */
	struct integrity_hash *v;
	struct integrity_hash **idle;
	unsigned n, n_idle;
	pthread_mutex_t lock;
	pthread_cond_t one_idle;
};

/* A sector in the journal, which hides the one in the data area. */
struct integrity_overlay {
	uint64_t sector;
	uint64_t order; /* of replay: later ones win */
	const uint8_t *data;
	const uint8_t *tag;
};

struct integrity {
	struct io *below;
	struct integrity_superblock sb;
	struct integrity_geometry g;
	struct integrity_hashes hashes;

	struct integrity_overlay *overlay; /* in order of sectors */
	size_t n_overlay;
	struct arena overlay_bytes;
	uint8_t *bitmap; /* dirty, or NULL */
	struct integrity_journal_report report;
};

#endif
