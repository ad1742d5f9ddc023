/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of user space dm-integrity share; lib/userspace/integrity only. */
#ifndef HOLDFAST_USERSPACE_INTEGRITY_PRIVATE_H
#define HOLDFAST_USERSPACE_INTEGRITY_PRIVATE_H

#include <pthread.h>

#include "base/arena.h"
#include "crypto/digest.h"
#include "crypto/mac.h"
#include "userspace/integrity/integrity.h"

/* --- tags --- */

/* One thread's way to make tags: one of both, or (crc32c) none. */
struct integrity_hash {
	struct digest *digest;
	struct mac *mac;
};

/* As many as there are threads at work; whoever finds none waits. */
struct integrity_hashes {
	size_t bytes; /* that it gives; 0: there is no algorithm */
	struct integrity_hash *v;
	struct integrity_hash **idle;
	unsigned n, n_idle;
	pthread_mutex_t lock;
	pthread_cond_t one_idle;
};

/* Bytes that @algorithm gives; 0: not known. */
size_t integrity_hash_bytes(const char *algorithm);
int integrity_hashes_init(struct integrity_hashes *h, const struct integrity_params *p,
			  const struct env *env); /* speaks; to be freed in any case */
void integrity_hashes_free(struct integrity_hashes *h);

/* --- the journal's sectors, in front of the data --- */

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

/* Fills the overlay, bitmap and report. Speaks. */
int integrity_replay(struct integrity *i, const struct integrity_params *p, struct env *env);

/* --- superblock.c --- */

/* Does @sb go with @p and a place of the size of @below? 0 and its geometry; speaks. */
int integrity_fits(const struct io *below, const struct integrity_params *p,
		   const struct integrity_superblock *sb, struct integrity_geometry *ret);
/* NULL without a journal key. Speaks. */
int integrity_journal_mac(const struct integrity_params *p, struct mac **ret);
/* The MAC of a section of the journal. 0 or -errno, silent. */
int integrity_mac_section(struct mac *mac, const struct integrity_superblock *sb,
			  const struct integrity_geometry *g, uint32_t section,
			  const uint8_t *bytes, uint8_t ret[static INTEGRITY_MAC_BYTES]);
bool integrity_has_mac(const struct integrity_superblock *sb, const struct integrity_params *p);
/* Speaks. */
int integrity_mac_superblock(const struct integrity_params *p, const uint8_t *bytes,
			     uint8_t ret[static INTEGRITY_MAC_BYTES]);

bool integrity_is_all(const uint8_t *p, size_t n, uint8_t byte);

#endif
